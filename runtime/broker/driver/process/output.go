//go:build linux || darwin

package process

import (
	"errors"
	"io"
	"os"
	"syscall"

	"millrace/runtime/broker/driver"
)

const (
	outputFile = "output.log"
	oldOutput  = "output.log.1"
	maxOutput  = 10 << 20 // output beyond it is set aside, and what was set aside before is gone
)

// output opens the file that a node's output is added to, and says where that begins.
func (f folder) output() (w *os.File, begin int64, err error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	setAside(root) // on a full disk it may fail, and the node starts all the same
	if w, err = root.OpenFile(outputFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600); err != nil {
		return nil, 0, err
	}
	begin, err = w.Seek(0, io.SeekEnd)
	return w, begin, err
}

// boundOutput keeps the output of a node that runs from growing for ever.
func (f folder) boundOutput() error {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return err
	}
	defer root.Close()
	return setAside(root)
}

// setAside copies output that has become too long to another file and begins anew. The
// file stays the same one, which a node has open and appends to. What is written just
// between the two is lost. The copy has its name only once it is whole: see logReader.
func setAside(root *os.Root) error {
	info, err := root.Lstat(outputFile)
	if err != nil || info.Size() <= maxOutput {
		return ignoreNotExist(err)
	}
	w, err := root.OpenFile(outputFile, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	// It is shortened although the copy may have failed, as on a full disk.
	return errors.Join(copyAside(root, w), w.Truncate(0))
}

// copyAside replaces the older output with what r has, or removes it: on a full disk a
// half of it is of no use.
func copyAside(root *os.Root, r io.Reader) error {
	const half = oldOutput + ".new"
	if err := root.Remove(half); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := root.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	if err = errors.Join(err, w.Close()); err == nil {
		return root.Rename(half, oldOutput)
	}
	return errors.Join(err, root.Remove(half))
}

func ignoreNotExist(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// lastLines are those that a node has printed since its output began there.
func (f folder) lastLines(begin int64) string {
	r, err := os.Open(f.path(outputFile))
	if err != nil {
		return ""
	}
	defer r.Close()
	if info, err := r.Stat(); err == nil {
		if begin > info.Size() { // it was set aside since then
			begin = 0
		}
		begin = max(begin, info.Size()-32<<10)
	}
	b, _ := io.ReadAll(io.NewSectionReader(r, begin, 64<<10))
	return driver.LastLines(b)
}
