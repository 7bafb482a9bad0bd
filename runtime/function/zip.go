package function

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"millrace/runtime/fault"
)

// Lambda's limits for code, in bytes (Lambda quotas).
const (
	MaxZipped   = 52428800
	MaxUnzipped = 262144000
)

// What can be wrong with code, in Lambda's words.
var (
	ErrZip      = fault.New(fault.Invalid, "Could not unzip uploaded file. Please check your file, then try to upload again.")
	ErrEmpty    = fault.New(fault.Invalid, "Uploaded file must be a non-empty zip")
	ErrUnzipped = fault.New(fault.Invalid, "Unzipped size must be smaller than %d bytes", MaxUnzipped)
	ErrZipped   = fault.New(fault.TooLarge, "Zipped size must be smaller than %d bytes", MaxZipped)
)

// readZip opens a zip file and refuses what could do harm or cannot be
// unpacked: names that lead out of the folder, anything but files and folders,
// sizes beyond Lambda's.
func readZip(code []byte) (*zip.Reader, error) {
	if len(code) > MaxZipped {
		return nil, ErrZipped
	}
	if len(code) == 0 {
		return nil, ErrEmpty
	}
	z, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return nil, ErrZip
	}
	if len(z.File) == 0 {
		return nil, ErrEmpty
	}
	var total uint64
	for _, f := range z.File {
		if !localName(f.Name) || !f.Mode().IsRegular() && !f.Mode().IsDir() {
			return nil, fmt.Errorf("%w (entry %q)", ErrZip, f.Name)
		}
		if total += min(f.UncompressedSize64, MaxUnzipped); total >= MaxUnzipped {
			return nil, ErrUnzipped
		}
	}
	return z, nil
}

// localName reports whether a zip entry's name stays below the folder it is
// unpacked into. The folder is an os.Root, which would stop it as well.
func localName(name string) bool {
	clean := path.Clean(name)
	return clean != "." && fs.ValidPath(clean) && !strings.ContainsAny(name, "\\\x00")
}

// unzip writes the entries into dir. The sizes that entries claim are lies
// until read, so what is written is counted again.
func unzip(z *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(MaxUnzipped)
	for _, f := range z.File {
		name := path.Clean(f.Name)
		if f.Mode().IsDir() {
			if err := root.MkdirAll(name, 0o755); err != nil {
				return err
			}
			continue
		}
		n, err := unzipFile(root, name, f, left)
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", name, err)
		}
		left -= n
	}
	return nil
}

func unzipFile(root *os.Root, name string, f *zip.File, limit int64) (n int64, err error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	// Modes are the zip's: a bootstrap that is not executable fails here as it
	// fails at AWS. The owner can always read and remove.
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, f.Mode().Perm()|0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	n, err = io.Copy(out, io.LimitReader(in, limit))
	if err == nil && n == limit {
		err = ErrUnzipped
	}
	if err == nil {
		err = out.Sync() // the folder is trusted once it has its name
	}
	return n, err
}
