package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the README says of tests in another module works: its test, in a module that
// is told where Millrace lies. The network is not asked: go mod tidy would look up
// versions that nothing uses, so what it comes to is written down instead, which is
// what Millrace itself requires.
func TestReadmeOwnTest(t *testing.T) {
	rememberSources(t)
	t.Parallel()
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	readme := read("README.md")
	block := func(mark string) string {
		t.Helper()
		found := regexp.MustCompile("(?s)<!-- walk: " + mark + " -->\n```\\w+\n(.*?)```\n").FindStringSubmatch(readme)
		if found == nil {
			t.Fatalf("the README has no block marked %s", mark)
		}
		return found[1]
	}
	edit, tidied := strings.CutSuffix(strings.ReplaceAll(block("replace"), "../millrace", root), "go mod tidy\n")
	if !tidied {
		t.Fatalf("the last line is not go mod tidy:\n%s", edit)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         strings.Replace(read("go.mod"), "module millrace\n", "module example.com/shop\n", 1),
		"go.sum":         read("go.sum"),
		"orders_test.go": "package shop\n\n" + block("own test"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-e", "-c", edit+"go test .")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
