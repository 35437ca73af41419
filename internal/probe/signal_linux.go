package probe

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// watched are the signals a platform may send. SIGURG is left out: the Go
// runtime preempts goroutines with it; and so are those that a fault raises.
func watched() []unix.Signal {
	s := []unix.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGTERM,
		unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGWINCH, unix.SIGIO, unix.SIGPWR,
	}
	// SIGRTMIN+3 is what images of systemd are stopped with. The first two
	// belong to libc, also where there is none.
	for n := 34; n <= 64; n++ {
		s = append(s, unix.Signal(n))
	}
	return s
}

type signalSource struct {
	c      <-chan Received
	sender bool
	close  func()
}

func sigset(signals []unix.Signal) unix.Sigset_t {
	var set unix.Sigset_t
	bits := uint(unsafe.Sizeof(set.Val[0]) * 8)
	for _, s := range signals {
		n := uint(s) - 1
		set.Val[n/bits] |= 1 << (n % bits)
	}
	return set
}

func has(set unix.Sigset_t, s unix.Signal) bool {
	bits := uint(unsafe.Sizeof(set.Val[0]) * 8)
	n := uint(s) - 1
	return set.Val[n/bits]&(1<<(n%bits)) != 0
}

// openSignals executes this program again with the signals blocked, unless
// that has been done; then it reads them.
func openSignals(again, env []string) (*signalSource, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var now unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &now); err != nil {
		return nil, fmt.Errorf("read the signal mask: %w", err)
	}
	set := sigset(watched())
	// SIGUSR2 is blocked from the start only in what was executed below.
	if !has(now, unix.SIGUSR2) {
		self, err := Executable()
		if err != nil || len(again) == 0 {
			return notified(), nil
		}
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
			return nil, fmt.Errorf("block signals: %w", err)
		}
		err = unix.Exec(self, again, env)
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &now, nil)
		if err != nil {
			return notified(), nil
		}
	}
	// os/signal has a thread of its own that lets through what somebody asked
	// to be notified of; none may.
	signal.Reset()
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK)
	if err != nil {
		return notified(), nil
	}
	f := os.NewFile(uintptr(fd), "signalfd")
	c := make(chan Received, 16)
	var wg sync.WaitGroup
	wg.Go(func() { readSignals(f, c) })
	return &signalSource{c: c, sender: true, close: func() { _ = f.Close(); wg.Wait() }}, nil
}

// readSignals ends when f is closed.
func readSignals(f *os.File, c chan<- Received) {
	defer close(c)
	var info unix.SignalfdSiginfo
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))
	for {
		if n, err := f.Read(buf); err != nil || n != len(buf) {
			return
		}
		g := Received{Name: signalName(unix.Signal(info.Signo)), Number: int(info.Signo), PID: int(info.Pid), UID: int(info.Uid)}
		switch info.Code {
		case 0: // SI_USER
			g.From = "user"
		case -1: // SI_QUEUE
			g.From = "queue"
		case -6: // SI_TKILL
			g.From = "thread"
		default:
			g.From, g.UID = "kernel", -1
		}
		if g.PID > 0 {
			if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", g.PID)); err == nil {
				g.Command = strings.TrimSpace(string(b))
			}
		}
		select {
		case c <- g:
		default: // sixteen signals that nobody has looked at: enough is known
		}
	}
}

func signalName(s unix.Signal) string {
	if n := unix.SignalName(s); n != "" {
		return n
	}
	if s >= 34 && s <= 64 {
		return fmt.Sprintf("SIGRTMIN+%d", s-34)
	}
	return fmt.Sprintf("signal %d", s)
}
