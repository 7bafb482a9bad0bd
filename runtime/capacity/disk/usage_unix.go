//go:build unix && !openbsd && !netbsd && !solaris && !illumos && !aix

package disk

import "golang.org/x/sys/unix"

// usage is how many bytes of the disk of a folder an unprivileged process may
// still use, and how many it has.
func usage(dir string) (free, total int64, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	return int64(fs.Bavail) * int64(fs.Bsize), int64(fs.Blocks) * int64(fs.Bsize), nil
}
