package disk

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Free is how many bytes of the disk of a folder may still be used. A folder that is not
// there yet has the disk of the one it would be made in.
func Free(dir string) (int64, error) {
	for {
		free, _, err := usage(dir)
		up := filepath.Dir(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || up == dir {
			return free, err
		}
		dir = up
	}
}
