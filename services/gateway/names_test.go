package gateway

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What one service needs is behind its own Claimer, Refuser or Limiter, or in its
// model: here no service is known by name.
func TestNoServiceIsKnownByName(t *testing.T) {
	apis, err := os.ReadDir("../internal/api")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range apis {
		if e.IsDir() && e.Name() != "models" {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatal("no services found")
	}
	for _, dir := range []string{".", "http1", "../internal/wire"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, err := strconv.Unquote(lit.Value); err == nil && slices.Contains(names, strings.ToLower(text)) {
						t.Errorf("%s: the service %s has a case of its own", set.Position(lit.Pos()), text)
					}
				}
				return true
			})
		}
	}
}
