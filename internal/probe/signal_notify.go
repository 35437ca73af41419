package probe

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// notified receives signals by os/signal, which does not say who sent them:
// where there is no signalfd, or this program cannot execute itself.
func notified(signals ...os.Signal) *signalSource {
	in := make(chan os.Signal, 16)
	signal.Notify(in, signals...)
	c := make(chan Received, 16)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(c)
		for {
			var s os.Signal
			select {
			case <-stop:
				return
			case s = <-in:
			}
			n, _ := s.(syscall.Signal)
			if ignorable(n) {
				continue
			}
			select {
			case c <- Received{Name: nameOfSignal(n), Number: int(n), UID: -1, From: "unknown"}:
			case <-stop:
				return
			}
		}
	})
	var once sync.Once
	return &signalSource{c: c, close: func() {
		once.Do(func() {
			signal.Stop(in)
			close(stop)
			wg.Wait()
		})
	}}
}
