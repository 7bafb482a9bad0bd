package disk

import "golang.org/x/sys/windows"

// usage is how many bytes of the disk of a folder this user may still use, and
// how many it has.
func usage(dir string) (free, total int64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	var available, size uint64
	err = windows.GetDiskFreeSpaceEx(path, &available, &size, nil)
	return int64(available), int64(size), err
}
