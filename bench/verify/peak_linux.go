package main

import (
	"os"
	"syscall"
)

// peakOf is the most memory that a process had, in bytes; 0 if not known.
func peakOf(p *os.ProcessState) int64 {
	ru, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return ru.Maxrss * 1024 // Linux counts in KiB
}
