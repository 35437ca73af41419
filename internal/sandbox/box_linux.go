package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const rusageSize = int(unsafe.Sizeof(unix.Rusage{}))

// ptr is the address of bytes.
func ptr(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// box is the process of a sandbox of Namespaces, from its fork to its end.
type box struct {
	spec   Spec
	stdio  stdio
	script *script
	report *os.File // messages of the child; ends when it has become the program
	start  *os.File // each byte lets the child go on

	process *os.Process
	before  unix.Rusage // what the child had used before it became the program

	mu      sync.Mutex
	started bool
	ended   bool
	peak    int64 // highest resident size seen, bytes

	done chan struct{} // closed when exit is known
	exit Exit
	oom  func() bool // asked when the process has ended; nil: no limit
}

func newBox(spec Spec) *box { return &box{spec: spec, done: make(chan struct{})} }

// own takes over a child.
func (b *box) own(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return errors.Join(err, unix.Kill(pid, unix.SIGKILL))
	}
	b.process = p
	go b.reap()
	return nil
}

// reap waits for the end of the child. Nothing else of the sandbox can be
// alive then, as the first process of its namespace takes all others with it.
func (b *box) reap() {
	state, err := b.process.Wait()
	at := time.Now()
	b.mu.Lock()
	b.ended = true // from here on nothing is copied that is not already
	b.mu.Unlock()
	b.stdio.drain()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exit = Exit{Code: -1, At: at}
	if err == nil {
		b.exit.Code = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			b.exit.Signal = unix.SignalName(ws.Signal())
		}
		b.exit.User = max(0, state.UserTime()-time.Duration(b.before.Utime.Nano()))
		b.exit.System = max(0, state.SystemTime()-time.Duration(b.before.Stime.Nano()))
		// The kernel counts what the child was before it became the program,
		// a copy of slipway. Below that size its figure says nothing.
		if u, ok := state.SysUsage().(*syscall.Rusage); ok && u.Maxrss > b.before.Maxrss {
			b.peak = u.Maxrss << 10
		}
		b.exit.MaxRSS = b.peak
	}
	if b.oom != nil {
		b.exit.OOM = b.oom()
	}
	close(b.done)
}

// message reads one message of the child; io.EOF when there is none any more.
func (b *box) message(ctx context.Context) (header, error) {
	_ = b.report.SetReadDeadline(time.Time{}) // a closed one says so when it is read
	stop := context.AfterFunc(ctx, func() { _ = b.report.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var h [headerSize]byte
	if _, err := io.ReadFull(b.report, h[:]); err != nil {
		if ctx.Err() != nil {
			return header{}, ctx.Err()
		}
		return header{}, err
	}
	e := binary.NativeEndian
	m := header{kind: e.Uint32(h[:]), step: e.Uint32(h[4:]), value: e.Uint32(h[8:])}
	if m.kind == msgReady {
		var u [rusageSize]byte
		if _, err := io.ReadFull(b.report, u[:]); err != nil {
			return header{}, err
		}
		b.mu.Lock()
		b.before = *(*unix.Rusage)(ptr(u[:]))
		b.mu.Unlock()
	}
	return m, nil
}

// ready waits until the child is ready to execute the program.
func (b *box) ready(ctx context.Context, groups *cgroups) error {
	for {
		m, err := b.message(ctx)
		switch {
		case errors.Is(err, io.EOF):
			<-b.done
			return fmt.Errorf("prepare a sandbox: its process ended (exit code %d %s)", b.exit.Code, b.exit.Signal)
		case err != nil:
			return fmt.Errorf("prepare a sandbox: %w", err)
		}
		switch m.kind {
		case msgReady:
			return nil
		case msgPlace:
			if err := groups.place(b.process.Pid); err != nil {
				return err
			}
			if _, err := b.start.Write([]byte{1}); err != nil {
				return err
			}
		case msgFailed:
			return b.failed(m)
		}
	}
}

// failed is the error of a step.
func (b *box) failed(m header) error {
	what := "run"
	if int(m.step) < len(b.script.labels) {
		what = b.script.labels[m.step]
	}
	return fmt.Errorf("prepare a sandbox: %s: %w", what, syscall.Errno(m.value))
}

func (b *box) Start(ctx context.Context) (time.Time, error) {
	if err := b.begin(); err != nil {
		return time.Time{}, err
	}
	at := time.Now()
	if _, err := b.start.Write([]byte{1}); err != nil {
		return at, fmt.Errorf("start: %w", err)
	}
	m, err := b.message(ctx)
	if errors.Is(err, io.EOF) {
		return at, nil // closed by execve
	}
	if err != nil {
		return at, fmt.Errorf("start: %w", err)
	}
	<-b.done
	return at, explainExec(b.spec, b.script.steps[m.step].exec, syscall.Errno(m.value), b.failed(m))
}

// begin notes that the program is started, which can be done once.
func (b *box) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return os.ErrProcessDone
	}
	if b.started {
		return errors.New("sandbox: started already")
	}
	b.started = true
	b.stdio.start(b.spec.Stdin)
	return nil
}

func (b *box) Pid() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.started {
		return 0
	}
	return b.process.Pid
}

func (b *box) Signal(sig os.Signal) error {
	b.mu.Lock()
	started := b.started
	b.mu.Unlock()
	if !started {
		return errors.New("sandbox: not started")
	}
	// Its memory is gone when it has ended, so its peak is read before what
	// may end it.
	if peak := peakRSS(b.process.Pid); peak > 0 {
		b.mu.Lock()
		select {
		case <-b.done:
		default:
			b.peak = max(b.peak, peak)
		}
		b.mu.Unlock()
	}
	return b.process.Signal(sig)
}

func (b *box) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-b.done:
		return b.exit, nil
	default:
	}
	select {
	case <-b.done:
		return b.exit, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// end kills the process and everything it started, and waits for that.
func (b *box) end() {
	if b.process != nil {
		_ = b.process.Kill() // it may have ended
		<-b.done
	}
	b.stdio.close()
	for _, f := range []*os.File{b.report, b.start} {
		if f != nil {
			_ = f.Close()
		}
	}
}
