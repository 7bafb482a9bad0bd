//go:build unix

package disk

import (
	"os"
	"syscall"
	"testing"
)

// allocated is how much of the disk a file takes, in bytes.
func allocated(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}
