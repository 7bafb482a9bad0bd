//go:build !linux

package function

// bootName is for systems whose boots have no name that we know.
func bootName() string { return "" }
