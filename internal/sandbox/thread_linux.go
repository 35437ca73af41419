package sandbox

import (
	"net"
	"os"
	"runtime"
	"syscall"
)

// thread is one thread of this process that serves a sandbox for as long as
// that exists. It is in the sandbox's network, and what it starts ends with it.
type thread struct {
	work chan func()
	quit chan struct{}
	done chan struct{}
}

func newThread() *thread {
	t := &thread{work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan struct{})
	go t.serve(ready)
	<-ready
	return t
}

func (t *thread) serve(ready chan<- struct{}) {
	runtime.LockOSThread()
	if syscall.Gettid() == os.Getpid() {
		// The main thread cannot end, and is what /proc/self speaks of. While
		// it is locked here, another goroutine gets another thread.
		inner := make(chan struct{})
		go t.serve(inner)
		<-inner
		runtime.UnlockOSThread()
		close(ready)
		return
	}
	close(ready)
	// Not unlocked: the thread ends with the goroutine, and with it what it
	// has been given.
	defer close(t.done)
	for {
		select {
		case f := <-t.work:
			f()
		case <-t.quit:
			return
		}
	}
}

// do runs f on the thread.
func (t *thread) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case t.work <- func() { result <- f() }:
		return <-result
	case <-t.done:
		return net.ErrClosed
	}
}

func (t *thread) stop() {
	close(t.quit)
	<-t.done
}
