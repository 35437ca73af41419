//go:build !linux

package probe

import "os"

// Executable gives the path of the running program.
func Executable() (string, error) { return os.Executable() }
