// Package gobuild turns a folder of Go code into what Lambda deploys: an
// executable named bootstrap, alone in a zip file.
package gobuild

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build compiles the main package in dir, for this machine, into the file out.
// It has the go command do it, in dir's own module, as AWS's guide for Go says;
// the error tells what the compiler said.
func Build(ctx context.Context, dir, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", dir, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// Zip packs the executable at path as bootstrap. The same code always gives the
// same bytes, hence the same CodeSha256.
func Zip(path string) ([]byte, error) {
	code, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate} // no time of change
	header.SetMode(0o755)
	file, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, code); err != nil {
		return nil, fmt.Errorf("packing %s: %w", path, err)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
