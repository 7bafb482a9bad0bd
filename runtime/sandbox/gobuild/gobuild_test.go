package gobuild_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/runtime/sandbox/gobuild"
	"millrace/test/needs"
)

func TestBuildAndZip(t *testing.T) {
	needs.Time(t)
	var zips [2][]byte
	for i := range zips {
		bootstrap := filepath.Join(t.TempDir(), "bootstrap")
		if err := gobuild.Build(t.Context(), "../../../functions/hello", bootstrap); err != nil {
			t.Fatal(err)
		}
		var err error
		if zips[i], err = gobuild.Zip(bootstrap); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("the same code gave two different zip files")
	}
	r, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 {
		t.Errorf("the zip file holds %+v", r.File)
	}
}

func TestBuildSaysWhatTheCompilerSaid(t *testing.T) {
	needs.Time(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module broken\n", "main.go": "package main\n\nfunc main() { grind() }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := gobuild.Build(context.Background(), dir, filepath.Join(dir, "bootstrap"))
	if err == nil || !strings.Contains(err.Error(), "undefined: grind") {
		t.Errorf("got %v", err)
	}
}

func TestZipOfNothing(t *testing.T) {
	if _, err := gobuild.Zip(filepath.Join(t.TempDir(), "bootstrap")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}
