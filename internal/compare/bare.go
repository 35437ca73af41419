package compare

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/slipway-build/slipway/internal/sandbox"
)

// Bare starts programs as plain processes of this machine, without any
// sandbox: nothing lies between the kernel and the measuring. It is the
// yardstick for every other runner.
type Bare struct{}

// Name is what --runner takes.
func (Bare) Name() string { return "none" }

// Check says that it can always be used.
func (Bare) Check(context.Context) error { return nil }

// Prepare takes the program from where it is. What only a sandbox can keep is
// an error.
func (Bare) Prepare(_ context.Context, s sandbox.Spec) (sandbox.Box, error) {
	if s.Memory > 0 || s.Pids > 0 || s.CPUs > 0 || len(s.Without) > 0 {
		return nil, fmt.Errorf("limits without a sandbox: %w", sandbox.ErrUnsupported)
	}
	if len(s.Args) == 0 {
		return nil, fmt.Errorf("no program: %w", os.ErrInvalid)
	}
	name := filepath.Join(s.Root, filepath.FromSlash(s.Args[0]))
	for _, b := range s.Binds {
		if b.Target == s.Args[0] {
			name = b.Source
		}
	}
	c := &exec.Cmd{Path: name, Args: append([]string{name}, s.Args[1:]...), Env: s.Env, Stdin: s.Stdin, Stdout: s.Stdout, Stderr: s.Stderr}
	if c.Env == nil {
		c.Env = []string{}
	}
	// A program that was killed may have left children that hold its output.
	c.WaitDelay = time.Second
	ownGroup(c)
	return &bareBox{cmd: c, done: make(chan struct{})}, nil
}

type bareBox struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	ran  bool
	exit sandbox.Exit
	err  error
	done chan struct{}
	once sync.Once
}

func (b *bareBox) Start(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	began := time.Now()
	if err := b.cmd.Start(); err != nil {
		return began, fmt.Errorf("start program: %w", err)
	}
	b.ran = true
	go func() {
		defer close(b.done)
		err := b.cmd.Wait()
		b.exit, b.err = exitOf(b.cmd.ProcessState, time.Now())
		if b.cmd.ProcessState == nil {
			b.err = err
		}
	}()
	return began, nil
}

func (b *bareBox) started() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ran
}

func (b *bareBox) Pid() int {
	if !b.started() {
		return 0
	}
	return b.cmd.Process.Pid
}

func (b *bareBox) Signal(sig os.Signal) error {
	if !b.started() {
		return os.ErrProcessDone
	}
	return b.cmd.Process.Signal(sig)
}

func (b *bareBox) Wait(ctx context.Context) (sandbox.Exit, error) {
	select {
	case <-b.done:
		return b.exit, b.err
	case <-ctx.Done():
		return sandbox.Exit{}, ctx.Err()
	}
}

func (b *bareBox) Network() sandbox.Network { return hostNetwork{} }

func (b *bareBox) Close() error {
	b.once.Do(func() {
		if b.started() {
			killGroup(b.cmd)
			<-b.done
		}
	})
	return nil
}

// hostNetwork is this machine's network.
type hostNetwork struct{}

func (hostNetwork) Own() bool { return false }

func (hostNetwork) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

func (hostNetwork) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, network, addr)
}

func (hostNetwork) ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	var c net.ListenConfig
	return c.ListenPacket(ctx, network, addr)
}

func (hostNetwork) Socket(int, int, int) (int, error) { return -1, sandbox.ErrUnsupported }

func (hostNetwork) Open(string) (int, error) { return -1, sandbox.ErrUnsupported }
