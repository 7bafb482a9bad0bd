package house

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that is written in place, or renamed before it is synced, is empty or
// half after a power cut: runtime/store/atomicfile knows how.
func TestFilesAreReplacedInOnePlace(t *testing.T) {
	elsewhere := map[string]string{
		"runtime/store/atomicfile/atomicfile.go": "here",
		"runtime/store/backbone/folders.go":      "moves folders as they are, and links that no start reads",
		"runtime/store/backbone/parked.go":       "writes to a folder that is removed again",
		"runtime/store/repair/repair.go":         "keeps damaged files aside",
		"runtime/function/code.go":               "renames a folder of what can be unpacked again",
		"cmd/runtime/app/lock.go":                "writes .gitignore, the same each time, and a note that ends with its process",
	}
	for _, tree := range []string{"runtime", "esm", "services", "cmd/runtime"} {
		root := filepath.Join("../..", tree)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel("../..", path)
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || elsewhere[filepath.ToSlash(name)] != "" {
				return err
			}
			code, err := os.ReadFile(path)
			for _, call := range []string{"os.Rename(", "os.WriteFile("} {
				if bytes.Contains(code, []byte(call)) {
					t.Errorf("%s calls %s): use runtime/store/atomicfile, or say here why not", name, call)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
