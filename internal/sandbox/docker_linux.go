package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Docker runs programs in a Docker engine, for those who want to see just
// that. It is slow, adds PATH, HOSTNAME and HOME to the environment, and tells
// an exit code above 128 and a signal as one.
type Docker struct {
	Host string // as DOCKER_HOST; empty: the local engine
}

const defaultDockerHost = "unix:///var/run/docker.sock"

// Name gives docker.
func (Docker) Name() string { return "docker" }

func (r Docker) api() (*dockerAPI, error) {
	if r.Host == "" {
		r.Host = defaultDockerHost
	}
	return newDockerAPI(r.Host)
}

// Check says whether an engine for Linux containers answers.
func (r Docker) Check(ctx context.Context) error {
	d, err := r.api()
	var v struct{ Os string }
	if err == nil {
		err = d.call(ctx, http.MethodGet, "/version", nil, nil, &v)
	}
	if err == nil && v.Os != "linux" {
		err = fmt.Errorf("an engine for %s: %w", v.Os, ErrUnsupported)
	}
	if err != nil {
		return fault.New(err, i18n.M("sandbox.check", r.Name()), i18n.M("sandbox.docker.hint"))
	}
	return nil
}

// dockerBox is a sandbox of Docker.
type dockerBox struct {
	spec    Spec
	api     *dockerAPI
	marker  string
	id      string  // the program's container
	holder  string  // the container whose network it has; empty: none
	thread  *thread // in that network
	network Network
	conn    net.Conn // its standard streams
	release []func() error
	// unexecutable is why there is no container: what Start says.
	unexecutable error

	mu      sync.Mutex
	started bool
	pid     int
	peak    int64

	done    chan struct{}
	exit    Exit
	waiting sync.WaitGroup
	once    sync.Once
	closing error
}

// Prepare imports the root and makes the containers.
func (r Docker) Prepare(ctx context.Context, spec Spec) (Box, error) {
	spec, err := spec.checked()
	if err != nil {
		return nil, err
	}
	if len(spec.Without) > 0 {
		return nil, fmt.Errorf("docker without %s: %w", strings.Join(spec.Without, ", "), ErrUnsupported)
	}
	if fi, err := os.Stat(spec.Root); err != nil || !fi.IsDir() {
		return nil, &os.PathError{Op: "open", Path: spec.Root, Err: errors.Join(err, syscall.ENOTDIR)}
	}
	m, err := machine()
	if err != nil {
		return nil, err
	}
	d, err := r.api()
	if err != nil {
		return nil, err
	}
	b := &dockerBox{
		spec: spec, api: d, marker: overlayMarker(m.pidns, os.Getpid(), m.started),
		network: hostNetwork{}, done: make(chan struct{}),
	}
	// What the engine says of it depends on its version.
	if b.unexecutable = predictExec(b.spec); b.unexecutable != nil && ctx.Err() == nil && os.Geteuid() == 0 {
		if spec.Net == NetOwn {
			b.thread = newThread()
			if b.network, err = b.thread.network(); err != nil {
				return nil, errors.Join(err, b.Close())
			}
		}
		return b, nil
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *dockerBox) prepare(ctx context.Context) error {
	image, release, err := imported.use(ctx, b.api, b.spec.Root, b.marker, tarDirectory(b.spec.Root))
	b.release = append(b.release, release)
	if err != nil {
		return err
	}
	c := b.container(image)
	if b.spec.Net == NetOwn {
		if err := b.hold(ctx); err != nil {
			return err
		}
		// These are the holder's, and so the network's.
		c.Hostname, c.HostConfig.DNS, c.HostConfig.DNSSearch, c.HostConfig.ExtraHosts = "", nil, nil, nil
		c.HostConfig.NetworkMode = "container:" + b.holder
	}
	if b.id, err = b.create(ctx, c); err != nil {
		return err
	}
	conn, r, err := b.api.attach(ctx, b.id, b.spec.Stdin != nil)
	if err != nil {
		return err
	}
	b.conn = conn
	b.waiting.Go(func() {
		stdout, stderr := b.spec.Stdout, b.spec.Stderr
		_ = demultiplex(r, orDiscard(stdout), orDiscard(stderr)) // ended by Close, or by the engine
	})
	return nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

func (b *dockerBox) create(ctx context.Context, c dockerContainer) (string, error) {
	var made struct{ ID string }
	// A name of ours, so that a container whose creation was interrupted is
	// found again.
	name := "slipway-" + strings.ToLower(rand.Text())
	if err := b.api.call(ctx, http.MethodPost, "/containers/create", url.Values{"name": {name}}, c, &made); err != nil {
		return "", fmt.Errorf("make a container: %w", err)
	}
	return made.ID, nil
}

// hold makes a container that does nothing and has the network, so that the
// network is there before the program. It is entered through /proc, which
// takes a local engine and root.
func (b *dockerBox) hold(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a network of its own in docker takes root: %w", ErrUnsupported)
	}
	image, release, err := imported.use(ctx, b.api, pausePath, b.marker, tarPause)
	b.release = append(b.release, release)
	if err != nil {
		return err
	}
	c := b.container(image)
	token := rand.Text()
	c.Entrypoint, c.Cmd, c.Env, c.WorkingDir = []string{pausePath}, []string{token}, nil, "/"
	c.OpenStdin, c.StdinOnce, c.AttachStdin, c.AttachStdout, c.AttachStderr = false, false, false, false, false
	limits := c.HostConfig
	c.HostConfig = dockerHostConfig{
		NetworkMode: "none", ReadonlyRootfs: true, SecurityOpt: limits.SecurityOpt,
		DNS: limits.DNS, DNSSearch: limits.DNSSearch, ExtraHosts: limits.ExtraHosts,
	}
	if b.holder, err = b.create(ctx, c); err != nil {
		return err
	}
	if err := b.api.call(ctx, http.MethodPost, "/containers/"+b.holder+"/start", nil, nil, nil); err != nil {
		return fmt.Errorf("start a container: %w", err)
	}
	state, err := b.inspect(ctx, b.holder)
	if err != nil {
		return err
	}
	proc := "/proc/" + strconv.Itoa(state.Pid)
	if err := becomes(ctx, proc, pausePath+"\x00"+token+"\x00"); err != nil {
		return err
	}
	ns, err := os.Open(proc + "/ns/net")
	if err != nil {
		return err
	}
	defer ns.Close()
	b.thread = newThread()
	b.network, err = b.thread.enter(int(ns.Fd()))
	return err
}

// becomes waits until a process has the command line: an engine says that a
// container is started when its process has yet to execute the program. On
// this machine it never has it when the engine is on another.
func becomes(ctx context.Context, proc, cmdline string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Second,
		fmt.Errorf("a network of its own in an engine on another machine: %w", ErrUnsupported))
	defer cancel()
	for {
		if line, _ := os.ReadFile(proc + "/cmdline"); string(line) == cmdline {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// enter moves a thread into a network and opens that to itself.
func (t *thread) enter(ns int) (Network, error) {
	n := &inside{socket: t.socket, open: t.open}
	return n, t.do(func() error {
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network: %w", err)
		}
		// The engine turns IPv6 off where it gives no address.
		for _, device := range []string{"all", "lo"} {
			name := "/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6"
			if err := os.WriteFile(name, []byte("0"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return configure(unix.Socket)
	})
}

type dockerState struct {
	Pid       int
	ExitCode  int
	OOMKilled bool
	Error     string
}

func (b *dockerBox) inspect(ctx context.Context, id string) (dockerState, error) {
	var c struct{ State dockerState }
	err := b.api.call(ctx, http.MethodGet, "/containers/"+id+"/json", nil, nil, &c)
	return c.State, err
}

// Start has the engine start the container.
func (b *dockerBox) Start(ctx context.Context) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.done:
		return time.Time{}, os.ErrProcessDone
	default:
	}
	if b.started {
		return time.Time{}, errors.New("sandbox: started already")
	}
	if b.unexecutable != nil {
		return time.Now(), b.unexecutable
	}
	at := time.Now()
	if err := b.api.call(ctx, http.MethodPost, "/containers/"+b.id+"/start", nil, nil, nil); err != nil {
		return at, fmt.Errorf("start: %w", err)
	}
	b.started = true
	if state, err := b.inspect(ctx, b.id); err == nil {
		b.pid = state.Pid
	}
	if b.spec.Stdin != nil {
		go func() { // as for a pipe: a reader that blocks for ever cannot be waited for
			_, _ = io.Copy(b.conn, b.spec.Stdin)
			if c, ok := b.conn.(interface{ CloseWrite() error }); ok {
				_ = c.CloseWrite()
			}
		}()
	}
	go b.reap()
	return at, nil
}

// reap waits for the end of the container.
func (b *dockerBox) reap() {
	ctx := context.Background() // ended by Close, which removes the container
	err := b.api.call(ctx, http.MethodPost, "/containers/"+b.id+"/wait", nil, nil, &json.RawMessage{})
	at := time.Now()
	b.waiting.Wait()
	state, ierr := b.inspect(ctx, b.id)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exit = Exit{Code: -1, At: at, MaxRSS: b.peak}
	if err != nil || ierr != nil {
		b.exit.Signal = "SIGKILL" // Close has removed it
	} else {
		b.exit.Code, b.exit.OOM = state.ExitCode, state.OOMKilled
		if name := unix.SignalName(syscall.Signal(state.ExitCode - 128)); state.ExitCode > 128 && name != "" {
			b.exit.Code, b.exit.Signal = -1, name
		}
	}
	close(b.done)
}

// Pid is the process ID that the engine knows, on its machine.
func (b *dockerBox) Pid() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pid
}

// Signal has the engine send a signal.
func (b *dockerBox) Signal(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !ok:
		return fmt.Errorf("signal %v: %w", sig, ErrUnsupported)
	case !b.started:
		return errors.New("sandbox: not started")
	}
	select {
	case <-b.done:
		return os.ErrProcessDone
	default:
	}
	if peak := peakRSS(b.pid); peak > 0 && b.thread != nil { // a local engine
		b.peak = max(b.peak, peak)
	}
	if s == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return b.api.call(ctx, http.MethodPost, "/containers/"+b.id+"/kill", url.Values{"signal": {strconv.Itoa(int(s))}}, nil, nil)
}

// Wait waits for the end of the container.
func (b *dockerBox) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-b.done:
		return b.exit, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Network is the holder's.
func (b *dockerBox) Network() Network { return b.network }

// Close removes the containers and what was imported for them.
func (b *dockerBox) Close() error {
	b.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var errs []error
		for _, id := range []string{b.id, b.holder} {
			if id != "" {
				errs = append(errs, gone(b.api.call(ctx, http.MethodDelete, "/containers/"+id, url.Values{"force": {"1"}, "v": {"1"}}, nil, nil)))
			}
		}
		if b.conn != nil {
			_ = b.conn.Close()
		}
		b.waiting.Wait()
		b.mu.Lock()
		started := b.started
		if !started {
			b.started = true // nothing starts any more
			close(b.done)
		}
		b.mu.Unlock()
		<-b.done
		if b.thread != nil {
			b.thread.stop()
		}
		for _, f := range b.release {
			errs = append(errs, f())
		}
		b.closing = errors.Join(errs...)
	})
	return b.closing
}
