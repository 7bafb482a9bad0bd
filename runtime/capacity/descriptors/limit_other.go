//go:build !unix

package descriptors

import "errors"

// limit reports that there is none that a process meets.
func limit() (n int, ok bool) { return 0, false }

func count() (int, error) { return 0, errors.ErrUnsupported }
