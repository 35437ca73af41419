//go:build !linux

package sandbox

// Owner is ErrUnsupported: nothing is run on this system.
func Owner() (string, error) { return "", ErrUnsupported }

// Abandoned is false: nothing is run on this system.
func Abandoned(string) bool { return false }
