package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What runs starts and stops as a lifecycle.Part: no type has a pair of its own, and no
// constructor starts anything. Open is for what is there when it returns.
func TestPartsStartAndStopAlike(t *testing.T) {
	other := []string{"Open", "Close", "Join", "Leave", "Serve", "Shutdown"}
	reasons := map[string]string{
		"esm/source/rabbitmq Source.Close":              "a source.Source, which a poller owns",
		"esm/source/sqs Source.Close":                   "a source.Source, which a poller owns",
		"runtime/bridge Bridges.Open":                   "makes a consumer, which connects when it is asked to receive",
		"runtime/bridge Consumer.Close":                 "of its owner; the part is Bridges",
		"runtime/broker/driver/docker Driver.Close":     "lets go of nodes, which go on",
		"runtime/broker/driver/docker logReader.Close":  "an io.ReadCloser",
		"runtime/broker/driver/process Driver.Close":    "the same",
		"runtime/broker/driver/process logReader.Close": "the same",
		"runtime/broker/proxy Proxy.Close":              "a listener, with what it has accepted",
		"runtime/capacity/descriptors Limit.Open":       "asks whether a file may be opened",
		"runtime/capacity/descriptors conn.Close":       "a net.Conn",
		"runtime/capacity/descriptors listener.Close":   "a net.Listener",
		"runtime/capacity/disk Open":                    "runs nothing",
		"runtime/function Open":                         "reads what is deployed, and runs nothing",
		"runtime/object/blob Chunks.Open":               "opens a blob",
		"runtime/object/blob Files.Open":                "the same",
		"runtime/object/blob chunkReader.Close":         "an io.Closer, which ends what is being read",
		"runtime/object/blob fileReader.Close":          "the same",
		"runtime/object/content Open":                   "reads what is sealed, and runs nothing",
		"runtime/object/content OpenBytes":              "the same",
		"runtime/object/content Range.Close":            "an io.ReadCloser",
		"runtime/object/content Writer.Close":           "an io.WriteCloser",
		"runtime/object/checksum Hasher.Close":          "ends what hashes one body; its caller's, as an io.Closer is",
		"runtime/object/jetobject Bucket.Open":          "opens the content of an object",
		"runtime/object/jetobject reader.Close":         "an io.ReadCloser",
		"runtime/sandbox/spawner Process.Close":         "lets go of the pipes of a process",
		"runtime/store/backbone/direct Conn.Close":      "a connection, which its dialer owns",
		"runtime/store/backbone/direct Conn.Open":       "an address on a connection, and runs nothing",
		"runtime/store/backbone/direct Inbox.Close":     "the same",
		"runtime/store/keys Open":                       "reads keys, and runs nothing",
		"runtime/store/loss Open":                       "reads a file",
		"runtime/telemetry Start":                       "begins a span",
		"services/gateway/http1 Server.Close":           "the same",
		"services/gateway/http1 Server.Serve":           "an http.Server's, in whose place it stands; the app's door is the part",
		"services/gateway/http1 Server.Shutdown":        "the same",
		"services/gateway/http1 listener.Close":         "a net.Listener",
		"services/gateway/http1 reader.Close":           "an io.Closer",
	}
	seen := map[string]bool{}
	for _, tree := range []string{"runtime", "esm", "services"} {
		eachFunction(t, tree, func(folder, receiver string, f *ast.FuncDecl) {
			name := f.Name.Name
			if slices.Contains(other, name) || receiver == "" && (name == "Start" || strings.HasPrefix(name, "Open")) {
				if receiver != "" {
					name = receiver + "." + name
				}
				seen[folder+" "+name] = true
				if reasons[folder+" "+name] == "" {
					t.Errorf("%s has %s: what runs has New, Start and Stop (runtime/lifecycle); or say here why not", folder, name)
				}
			}
		})
	}
	for name := range reasons {
		if !seen[name] {
			t.Errorf("there is no %s anymore: strike it here", name)
		}
	}
}

// eachFunction calls f with the functions of a tree that are no tests, and the type of
// each one's receiver.
func eachFunction(t *testing.T, tree string, f func(folder, receiver string, decl *ast.FuncDecl)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join("../..", tree), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		folder, err := filepath.Rel("../..", filepath.Dir(path))
		if err != nil || strings.HasSuffix(folder, "test") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok {
				f(filepath.ToSlash(folder), receiverOf(decl), decl)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// receiverOf names the type of a method without pointer and type parameters; "" for a
// function.
func receiverOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	expr := f.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}
