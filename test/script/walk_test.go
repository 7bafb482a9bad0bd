package script

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"millrace/test/needs"
)

// readmeAddress is where the README's runtime listens. The test listens
// elsewhere, so that one can be running while it runs.
const readmeAddress = "127.0.0.1:4566"

// The README's walk-through works word for word, in a copy of the tree, with
// every AWS CLI and every Python with boto3 on this machine.
func TestReadmeWalkThrough(t *testing.T) {
	needs.Long(t)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	clis, pythons := onPath("aws", "--version"), onPath("python3", "-c", "import boto3")
	if len(clis) == 0 || len(pythons) == 0 {
		needs.That(t, errors.New("no aws, or no python3 with boto3, on the path"), "apt-get install awscli python3-boto3")
	}
	for i := range max(len(clis), len(pythons)) {
		w := walk{aws: clis[i%len(clis)], python: pythons[i%len(pythons)]}
		t.Run(strings.TrimPrefix(w.aws, "/")+"+"+strings.TrimPrefix(w.python, "/"), func(t *testing.T) {
			t.Parallel()
			w.play(t, string(readme))
		})
	}
}

// onPath returns every executable of that name on the path, not only the first,
// with which a trial succeeds.
func onPath(name string, trial ...string) (found []string) {
	var seen []string // without links: /bin is /usr/bin on many machines
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		real, err := filepath.EvalSymlinks(path)
		if err != nil || slices.Contains(seen, real) {
			continue
		}
		seen = append(seen, real)
		if exec.Command(path, trial...).Run() == nil {
			found = append(found, path)
		}
	}
	return found
}

// A walk is one reader with the tools at hand.
type walk struct {
	aws, python string
	dir         string // the copy of the tree
	address     string
	env         []string
}

func (w *walk) play(t *testing.T, readme string) {
	w.prepare(t)
	if said, err := w.command("bash", "-c", "make build").CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, said)
	}
	server, err := startProcess(w.command("bin/runtime", "start"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.cmd.Process.Signal(syscall.SIGTERM)
		<-server.gone
		if code := server.cmd.ProcessState.ExitCode(); code != 0 || server.err.String() != "" {
			t.Errorf("the runtime ended with code %d and said\n%s", code, server.err)
		}
	})
	if _, err := server.out.Await(ready); err != nil {
		t.Fatalf("the runtime did not get ready: %v\n%s", err, server.err)
	}

	said := w.run(t, "cli", readme, "bash", "-e", "-O", "expand_aliases", "-s")
	for what, want := range map[string]string{
		"the log that invoke shows":      `order order-2: 1 × sluice`,
		"the message in the dead letter": `order-3.*wheel`,
		"its receive count":              `"ApproximateReceiveCount": "4"`,
	} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("%s, %q, is not in what the commands printed:\n%s", what, want, said)
		}
	}
	for _, want := range []string{`jobs.*order order-1: 2 × millstone`, `jobs.*order order-3: nothing ordered`} {
		if _, err := server.out.Await(regexp.MustCompile(want)); err != nil {
			t.Errorf("%q in the first terminal: %v\n%s", want, err, server.out)
		}
	}
	for _, want := range []string{`notices.*notice "New order": \{"id":"order-6"`, `notices.*notice "No order": `, `jobs.*order order-6: 3 × pond`,
		`uploads.*ObjectCreated:Put s3://uploads/in/hello world.txt: 6 bytes`} {
		if _, err := server.out.Await(regexp.MustCompile(want)); err != nil {
			t.Errorf("%q in the first terminal: %v\n%s", want, err, server.out)
		}
	}
	if strings.Contains(server.out.String(), "order order-7") {
		t.Errorf("an order that the filter policy holds back came to the queue:\n%s", server.out)
	}
	if n := strings.Count(server.out.String(), "order order-3: nothing ordered"); n != 3 {
		t.Errorf("the order that cannot be processed was tried %d times, want 3", n)
	}

	said = w.run(t, "boto3", readme, w.python, "-")
	if want := `{"id":"order-4","item":"race","quantity":0}`; strings.TrimSpace(said) != want {
		t.Errorf("boto3 printed %q, want %q", said, want)
	}
}

// prepare copies the tree, and puts this walk's aws in front of the path.
func (w *walk) prepare(t *testing.T) {
	w.dir = filepath.Join(t.TempDir(), "millrace")
	if err := copyTree(w.dir, root); err != nil {
		t.Fatal(err)
	}
	first := t.TempDir()
	if err := os.Symlink(w.aws, filepath.Join(first, "aws")); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.address, err = freeAddress(); err != nil {
		t.Fatal(err)
	}
	w.env = append(os.Environ(), "PATH="+first+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"MILLRACE_LISTEN="+w.address, "MILLRACE_SNS_CERT_LISTEN=127.0.0.1:0", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
}

// copyTree copies a source tree without what Git and make put there.
func copyTree(to, from string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	for _, e := range entries {
		name := e.Name()
		if name == ".git" || name == "bin" || name == "build" || strings.HasPrefix(name, ".runtime") {
			continue
		}
		src, dst := filepath.Join(from, name), filepath.Join(to, name)
		if e.IsDir() {
			err = errors.Join(err, os.CopyFS(dst, os.DirFS(src)))
			continue
		}
		text, readErr := os.ReadFile(src)
		err = errors.Join(err, readErr, os.WriteFile(dst, text, 0o600))
	}
	return err
}

func (w *walk) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	return cmd
}

// run feeds the README's blocks of a mark to an interpreter and returns what it
// printed.
func (w *walk) run(t *testing.T, mark, readme, interpreter string, args ...string) string {
	t.Helper()
	blocks := regexp.MustCompile("(?s)<!-- walk: "+mark+" -->\n```\\w+\n(.*?)```\n").FindAllStringSubmatch(readme, -1)
	if len(blocks) == 0 {
		t.Fatalf("the README has no blocks marked %s", mark)
	}
	var script strings.Builder
	for _, b := range blocks {
		script.WriteString(strings.ReplaceAll(b[1], readmeAddress, w.address))
	}
	cmd := w.command(interpreter, args...)
	cmd.Stdin = strings.NewReader(script.String())
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", mark, err, said)
	}
	return string(said)
}
