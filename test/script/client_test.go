package script

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"millrace/test/needs"
)

// playClient runs an AWS client against a runtime of its own, and returns what it printed.
func playClient(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	cmd.Env = append(clientEnv(background(t)), cmd.Env...)
	said, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s%s", err, said, exit.Stderr)
		}
		t.Fatal(err)
	}
	return string(said)
}

// npmInstalled copies a folder of testdata, and installs there what its package-lock.json names.
func npmInstalled(t *testing.T, name string) (dir string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		_, err := exec.LookPath(tool)
		needs.That(t, err, "apt-get install nodejs npm")
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
	install.Dir = dir
	if said, err := install.CombinedOutput(); err != nil {
		needs.That(t, errors.Join(err, errors.New(string(said))), "npm ci in test/script/testdata/"+name+", which asks the registry")
	}
	return dir
}
