package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOperationsAreReadOffTheirComments(t *testing.T) {
	dir := t.TempDir()
	source := `package sample

// SendThing   awsJson1_0, awsQuery
//
//   - sends it
//
// Not supported: colours
// and smells.
//
// More words.
func (s *Service) SendThing() {}

// ReceiveThing   awsJson1_0
func (s *Service) ReceiveThing() {}

// Helper is no operation.
func (s *Service) Helper() {}
`
	if err := os.WriteFile(filepath.Join(dir, "sample.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	ops, err := operations(dir)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	write(&w, "Sample", ops)
	want := `## Sample

2 operations. Fully supported: ReceiveThing.

| Sample | not supported |
|---|---|
| SendThing | colours and smells. |

`
	if w.String() != want {
		t.Errorf("wrote\n%s\nwant\n%s", w.String(), want)
	}

	w.Reset()
	write(&w, "Sample", ops[1:])
	if strings.Contains(w.String(), "Fully") {
		t.Errorf("a service without a complete operation names some:\n%s", w.String())
	}
}

// A comment that was copied along with a method would list the wrong operation.
func TestAMisnamedCommentIsRefused(t *testing.T) {
	dir := t.TempDir()
	source := "package sample\n\n// SendThing   awsQuery\nfunc (s *Service) OtherThing() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "sample.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := operations(dir); err == nil || !strings.Contains(err.Error(), "OtherThing") {
		t.Errorf("got %v, want an error that names OtherThing", err)
	}
}

func TestAbsentNamesWhatTheModelHasBeside(t *testing.T) {
	model := filepath.Join(t.TempDir(), "sample.json")
	if err := os.WriteFile(model, []byte(`{"operations":{"A":{},"C":{}},"others":["B"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := absent(model, []operation{{name: "A"}})
	if err != nil || got != "Not supported yet: B, C.\n\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
