//go:build !linux

package disk

import "os"

// allocate takes the room of a file of so many bytes.
func allocate(f *os.File, size int64) error { return fill(f, size) }
