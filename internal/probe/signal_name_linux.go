package probe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func nameOfSignal(s syscall.Signal) string { return signalName(s) }

// ignorable is the signal that the Go runtime preempts goroutines with.
func ignorable(s syscall.Signal) bool { return s == unix.SIGURG }
