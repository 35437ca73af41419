//go:build !linux

package probe

import (
	"syscall"
)

type signalSource struct {
	c      <-chan Received
	sender bool
	close  func()
}

func openSignals([]string, []string) (*signalSource, error) { return notified(), nil }

func nameOfSignal(s syscall.Signal) string {
	switch s {
	case syscall.SIGHUP:
		return "SIGHUP"
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGQUIT:
		return "SIGQUIT"
	case syscall.SIGTERM:
		return "SIGTERM"
	}
	return s.String()
}

// ignorable is the signal that the Go runtime preempts goroutines with, by the
// name that systems without a constant for it give.
func ignorable(s syscall.Signal) bool { return s.String() == "urgent I/O condition" }
