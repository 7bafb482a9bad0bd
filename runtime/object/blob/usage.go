package blob

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync/atomic"
)

// A Usage counts the bytes of the blobs in a folder, those that are being written too.
// [FilesConfig.Usage] keeps it. The zero Usage counts nothing yet, and nil counts nothing.
type Usage struct{ bytes atomic.Int64 }

// Bytes is how many there are now.
func (u *Usage) Bytes() int64 {
	if u == nil {
		return 0
	}
	return u.bytes.Load()
}

// Measure counts what is in the folder of a Files. It looks at each blob once: call it before
// the first of them is written or removed.
func (u *Usage) Measure(dir string) error {
	n, err := sizeBelow(dir, func(string) bool { return true })
	u.bytes.Store(n)
	return err
}

func (u *Usage) add(bytes int64) {
	if u != nil {
		u.bytes.Add(bytes)
	}
}

// sizeBelow is how many bytes the blobs below a folder have whose names are counted. There
// need not be one.
func sizeBelow(dir string, counted func(name string) bool) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isName(d.Name()) && counted(d.Name()) {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				bytes += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		return err
	})
	return bytes, err
}
