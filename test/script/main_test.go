// Package script plays the command line as an operator would: the real binary,
// real signals, real ports, in the scripts of testdata. It also plays what the
// README and the Makefile tell a stranger to type.
package script

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"millrace/test/needs"
)

var (
	root     string // of the module
	binaries string // folder of what was built: runtime, demo
)

func TestMain(m *testing.M) { os.Exit(build(m)) }

// build compiles what the tests run, once, and runs them.
func build(m *testing.M) int {
	flag.Parse()
	if testing.Short() {
		return m.Run() // all of them skip
	}
	dir, err := os.MkdirTemp("", "millrace-script-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	if root, err = filepath.Abs("../.."); err == nil {
		err = goBuild("./cmd/runtime", "./cmd/demo")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// goBuild puts commands into the folder of binaries.
func goBuild(packages ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", binaries + string(filepath.Separator)}, packages...)...)
	cmd.Dir = root
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %v: %w\n%s", packages, err, said)
	}
	return nil
}

// rememberSources skips the test when only quick ones are to run, and looks at the folders that the binaries are built from. The go
// command keeps a test's result until something changes that the test looked at,
// and does not know what the test built.
func rememberSources(t *testing.T) {
	needs.Time(t)
	for _, dir := range []string{"cmd", "esm", "functions", "runtime", "services"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
}
