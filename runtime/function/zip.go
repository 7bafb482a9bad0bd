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
)

// Lambda's limits for code, in bytes (Lambda quotas). A zip file in a request has at most
// MaxZipped; one in S3 may be as large as what is in it.
const (
	MaxZipped   = 52428800
	MaxUnzipped = 262144000
)

// readZip opens a zip file. It refuses what is dangerous or cannot be unpacked: names
// that point out of the folder, anything but files, folders and symbolic links, and
// sizes above the limits. Links may point anywhere, because unzip never follows one.
func readZip(code []byte) (*zip.Reader, error) {
	if len(code) > MaxUnzipped {
		return nil, ErrUnzippedTooLarge
	}
	if len(code) == 0 {
		return nil, ErrEmptyZip
	}
	z, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return nil, ErrInvalidZip
	}
	if len(z.File) == 0 {
		return nil, ErrEmptyZip
	}
	var total uint64
	for _, f := range z.File {
		if !localName(f.Name) || !f.Mode().IsRegular() && !f.Mode().IsDir() && !isLink(f) {
			return nil, fmt.Errorf("%w (entry %q)", ErrInvalidZip, f.Name)
		}
		if total += min(f.UncompressedSize64, MaxUnzipped); total >= MaxUnzipped {
			return nil, ErrUnzippedTooLarge
		}
	}
	return z, nil
}

// localName reports whether a zip entry's name stays below the folder it is unpacked
// into. The folder is an os.Root, which is a second guard.
func localName(name string) bool {
	clean := path.Clean(name)
	return clean != "." && fs.ValidPath(clean) && !strings.ContainsAny(name, "\\\x00")
}

func isLink(f *zip.File) bool { return f.Mode().Type() == fs.ModeSymlink }

// unzip writes the entries into dir. It counts the bytes that it writes, because the
// sizes in a zip file's directory may be false. With durable, it syncs each file.
//
// It creates links last, and only where nothing exists yet. So it never writes through
// a link, whatever the order of the entries.
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

// An unpacker writes the entries of a zip file below a folder. It keeps the folder of
// the last entry open: the next entry is likely in the same one.
type unpacker struct {
	root    *os.Root
	last    string   // name of the folder of the last entry
	dir     *os.Root // that folder
	left    int64    // bytes that may still be written
	durable bool
}

// enter creates a folder if it is not there, and makes it the current one.
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

// leave makes the root the current folder.
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
	// Modes are the zip's: a bootstrap that is not executable fails as on AWS. The
	// owner can always read and remove.
	out, err := u.dir.OpenFile(path.Base(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, f.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	n, err := io.Copy(out, io.LimitReader(in, u.left))
	if err == nil && n == u.left {
		err = ErrUnzippedTooLarge
	}
	u.left -= n
	if err == nil && u.durable {
		err = out.Sync()
	}
	return err
}

// maxTarget is the longest target of a link that file systems accept, in bytes.
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
		return ErrInvalidZip
	}
	return u.root.Symlink(string(target), name)
}

// causedByZip reports whether the zip file is the cause of an error of unzip. Else the
// file system is: full, read-only or broken.
func causedByZip(err error) bool {
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
