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
	"syscall"

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
// unpacked: names that lead out of the folder, anything but files, folders and
// symbolic links, sizes beyond Lambda's. Where a link leads does no harm as long
// as nobody here goes there: see unzip.
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
		if !localName(f.Name) || !f.Mode().IsRegular() && !f.Mode().IsDir() && !isLink(f) {
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

func isLink(f *zip.File) bool { return f.Mode().Type() == fs.ModeSymlink }

// unzip writes the entries into dir. The sizes that entries claim are lies
// until read, so what is written is counted again. With durable, each file is
// flushed to its disk.
//
// Links come last, and where nothing is yet: so nothing is ever written through
// one, whatever the order of the entries, and wherever it leads.
func unzip(z *zip.Reader, dir string, durable bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacker{root: root, last: ".", dir: root, left: MaxUnzipped, durable: durable}
	defer u.leave()
	var links []*zip.File
	for _, f := range z.File {
		name := path.Clean(f.Name)
		switch {
		case f.Mode().IsDir():
			err = u.enter(name)
		case isLink(f):
			links = append(links, f)
			err = u.enter(path.Dir(name))
		default:
			err = u.file(name, f)
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", name, err)
		}
	}
	for _, f := range links {
		if err := u.link(path.Clean(f.Name), f); err != nil {
			return fmt.Errorf("unpacking %s: %w", f.Name, err)
		}
	}
	return nil
}

// An unpacker writes entries of a zip file below a folder.
type unpacker struct {
	root    *os.Root
	last    string   // the folder of the last entry
	dir     *os.Root // which is open: the next entry is likely beside it
	left    int64    // bytes that may still be written
	durable bool
}

// enter makes a folder, and goes there.
func (u *unpacker) enter(name string) error {
	if name == u.last {
		return nil
	}
	u.leave()
	if name == "." {
		return nil
	}
	if err := u.root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	dir, err := u.root.OpenRoot(name)
	if err == nil {
		u.last, u.dir = name, dir
	}
	return err
}

// leave goes back to the root.
func (u *unpacker) leave() {
	if u.dir != u.root {
		u.dir.Close()
	}
	u.last, u.dir = ".", u.root
}

func (u *unpacker) file(name string, f *zip.File) (err error) {
	if err := u.enter(path.Dir(name)); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	// Modes are the zip's: a bootstrap that is not executable fails here as it
	// fails at AWS. The owner can always read and remove.
	out, err := u.dir.OpenFile(path.Base(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, f.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	n, err := io.Copy(out, io.LimitReader(in, u.left))
	if err == nil && n == u.left {
		err = ErrUnzipped
	}
	u.left -= n
	if err == nil && u.durable {
		err = out.Sync()
	}
	return err
}

// maxTarget is the longest text of a link that file systems take, in bytes.
const maxTarget = 4095

func (u *unpacker) link(name string, f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	target, err := io.ReadAll(io.LimitReader(in, maxTarget+1))
	if err != nil {
		return err
	}
	if len(target) == 0 || len(target) > maxTarget || bytes.IndexByte(target, 0) >= 0 {
		return ErrZip
	}
	return u.root.Symlink(string(target), name)
}

// ofZip reports whether an error of unzip is the zip file's fault: all but a
// file system that is full, read-only or broken.
func ofZip(err error) bool {
	var p *fs.PathError
	var l *os.LinkError
	if !errors.As(err, &p) && !errors.As(err, &l) {
		return true
	}
	for _, names := range []error{syscall.EEXIST, syscall.EISDIR, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ} {
		if errors.Is(err, names) {
			return true
		}
	}
	return false
}
