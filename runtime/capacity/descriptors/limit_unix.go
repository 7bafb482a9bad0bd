//go:build unix

package descriptors

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// limit is how many descriptors this process may have, if that is bounded.
func limit() (n int, ok bool) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > math.MaxInt32 {
		return 0, false
	}
	return int(l.Cur), true
}

// count is how many descriptors are open. On Linux /dev/fd is /proc/self/fd.
func count() (int, error) {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return len(names) - 1, err // without dir's own
}
