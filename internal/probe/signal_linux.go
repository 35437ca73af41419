package probe

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
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

// keepMask makes rt_sigprocmask do nothing where it would change something, in
// this thread and in what it executes.
func keepMask() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_RT_SIGPROCMASK, Jf: 5},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 24}, // the new mask: a pointer, both halves
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0, Jf: 2},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 28},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
	runtime.KeepAlive(filter)
	return err
}

// openSignals reads signals from a signalfd, which says who sent them. For that
// they must be blocked in every thread, and the Go runtime unblocks HUP, INT,
// QUIT and TERM in each thread it starts, whatever the process began with
// (src/runtime/signal_unix.go, blockableSig). So this program executes itself
// once, with the signals blocked and a seccomp filter that keeps them so; the
// process stays the same, and so does what the platform thinks of it.
func openSignals(again, env []string) (*signalSource, error) {
	signals := watched()
	all := make([]os.Signal, len(signals))
	for i, s := range signals {
		all[i] = s
	}
	set := sigset(signals)
	runtime.LockOSThread()
	var now unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &now); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("read the signal mask: %w", err)
	}
	if !has(now, unix.SIGTERM) {
		if self, err := Executable(); err == nil && len(again) > 0 && unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil) == nil && keepMask() == nil {
			_ = unix.Exec(self, again, env) // comes back only with an error
		}
		// The thread is of no use to anybody else; it ends with its goroutine.
		return notified(all...), nil
	}
	runtime.UnlockOSThread()
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open a signalfd: %w", err)
	}
	f := os.NewFile(uintptr(fd), "signalfd")
	c := make(chan Received, 64)
	var wg sync.WaitGroup
	wg.Go(func() { readSignals(f, c) })
	return &signalSource{c: c, sender: true, close: func() { _ = f.Close(); wg.Wait() }}, nil
}

func has(set unix.Sigset_t, s unix.Signal) bool {
	bits := uint(unsafe.Sizeof(set.Val[0]) * 8)
	n := uint(s) - 1
	return set.Val[n/bits]&(1<<(n%bits)) != 0
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
		default: // 64 signals that nobody has looked at: enough is known
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

func nameOfSignal(s syscall.Signal) string { return signalName(s) }

// ignorable is the signal that the Go runtime preempts goroutines with.
func ignorable(s syscall.Signal) bool { return s == unix.SIGURG }
