package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestGenerated checks that the packages in the tree are what the generator
// writes from the models in the tree.
func TestGenerated(t *testing.T) {
	const api, tests = "../../services/internal/api", "../../services/internal/wire/testdata/protocol"
	for _, tt := range []struct {
		committed string
		generate  func(dir string) error
	}{
		{api, func(dir string) error {
			if err := os.CopyFS(filepath.Join(dir, "models"), os.DirFS(filepath.Join(api, "models"))); err != nil {
				return err
			}
			return run("", dir)
		}},
		{"../../services/internal/wire/wiretest", func(dir string) error { return runSuites(tests, "", dir) }},
	} {
		t.Run(filepath.Base(tt.committed), func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.generate(dir); err != nil {
				t.Fatal(err)
			}
			n := 0
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || filepath.Ext(path) != ".go" {
					return err
				}
				n++
				rel, err := filepath.Rel(dir, path)
				if err != nil {
					return err
				}
				want, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				got, err := os.ReadFile(filepath.Join(tt.committed, rel))
				if err != nil {
					return err
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is out of date; run go generate", rel)
				}
				return nil
			})
			if err != nil || n == 0 {
				t.Fatalf("%d files compared, %v", n, err)
			}
		})
	}
}

func TestTrimRefusesAnOperationThatIsNone(t *testing.T) {
	m := &model{Operations: map[string]*operation{"GetRole": {}}}
	if err := m.trim([]string{"GetRoel"}, false); err == nil {
		t.Error("no error")
	}
}
