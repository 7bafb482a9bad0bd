//go:build !linux

package function

// bootName is "" on systems without a boot ID.
func bootName() string { return "" }
