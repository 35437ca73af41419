//go:build !linux

package compare

import "runtime"

func load() float64 { return 0 }

// ReadMachine says what this machine is, as far as it tells.
func ReadMachine() Machine {
	return Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
}

func readTicks() ticks { return ticks{} }
