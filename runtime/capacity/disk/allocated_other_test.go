//go:build !unix

package disk

import (
	"os"
	"testing"
)

// allocated is how large a file is, in bytes, where no more is known.
func allocated(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
