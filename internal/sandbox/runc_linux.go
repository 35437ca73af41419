package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Runc runs programs with runc, the runtime of most container engines: what
// happens here happens there. Its bundle and its state lie on a file system in
// memory that only one thread of ours and runc see, and that ends with them.
type Runc struct {
	Program string // the path of runc; empty: there is none
}

// Name gives runc.
func (Runc) Name() string { return "runc" }

// Check says whether there is a runc that can be used.
func (r Runc) Check(ctx context.Context) error {
	if r.Program == "" {
		return fault.New(ErrUnsupported, i18n.M("sandbox.check", r.Name()), i18n.M("sandbox.runc.missing"))
	}
	if os.Geteuid() != 0 {
		return fault.New(ErrUnsupported, i18n.M("sandbox.check", r.Name()), i18n.M("sandbox.runc.root"))
	}
	if out, err := exec.CommandContext(ctx, r.Program, "--version").CombinedOutput(); err != nil {
		return fault.New(fmt.Errorf("%w: %s", err, bytes.TrimSpace(out)), i18n.M("sandbox.check", r.Name()), i18n.M("sandbox.check.hint"))
	}
	return nil
}

// runcBox is a sandbox of Runc.
type runcBox struct {
	*box
	runc    Runc
	thread  *thread
	network Network
	cgroups *cgroups
	// unexecutable is why there is no container: what Start says.
	unexecutable error

	dir     string // in the thread's mount namespace: where bundle, state and root are
	once    sync.Once
	closing error
}

func (b *runcBox) Network() Network { return b.network }

// Prepare makes the container; its first process waits for Start.
func (r Runc) Prepare(ctx context.Context, spec Spec) (Box, error) {
	spec, err := spec.checked()
	if err != nil {
		return nil, err
	}
	if r.Program == "" || os.Geteuid() != 0 {
		return nil, r.Check(ctx)
	}
	for _, w := range spec.Without {
		if !strings.HasPrefix(w, "/etc/") && w != "/sys" {
			return nil, fmt.Errorf("runc without %s: %w", w, ErrUnsupported)
		}
	}
	if fi, err := os.Stat(spec.Root); err != nil || !fi.IsDir() {
		return nil, &os.PathError{Op: "open", Path: spec.Root, Err: errors.Join(err, syscall.ENOTDIR)}
	}
	b := &runcBox{box: newBox(spec), runc: r, thread: newThread(), network: hostNetwork{}, dir: spec.Root}
	if b.dir == "/" {
		b.dir = os.TempDir()
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *runcBox) prepare(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.cgroups, err = newCgroups(b.spec, true); err != nil {
		return err
	}
	b.oom = b.cgroups.oom
	// What runc says of it, and when, depends on its version.
	b.unexecutable = predictExec(b.spec)
	if b.spec.Net == NetOwn {
		if b.network, err = b.thread.network(); err != nil {
			return err
		}
	}
	if err := b.stdio.open(b.spec); err != nil {
		return err
	}
	defer b.stdio.closeChild()
	return b.thread.do(func() error {
		if b.spec.Net == NetOwn {
			// As in engines; kernels that cannot keep it for root alone.
			_ = os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
		}
		if err := b.bundle(); err != nil || b.unexecutable != nil {
			return err
		}
		return b.create(ctx)
	})
}

// bundle makes the file systems, on the thread.
func (b *runcBox) bundle() error {
	m, err := machine()
	if err != nil {
		return err
	}
	var root unix.Stat_t
	if err := unix.Stat(b.spec.Root, &root); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	lower, err := unix.OpenTree(unix.AT_FDCWD, b.spec.Root, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("open %s: %w", b.spec.Root, err)
	}
	defer unix.Close(lower)
	var binds []int
	defer func() { closeAll(binds) }()
	for _, bind := range b.spec.Binds {
		fd, err := unix.OpenTree(unix.AT_FDCWD, bind.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err != nil {
			return fmt.Errorf("open %s: %w", bind.Source, err)
		}
		binds = append(binds, fd)
	}
	if err := unix.Mount("slipway", b.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size="+maxMemoryFS); err != nil {
		return fmt.Errorf("mount %s: %w", b.dir, err)
	}
	// The thread has its own working directory since its mounts are its own,
	// and paths relative to it hold no character that overlayfs would split at.
	if err := unix.Chdir(b.dir); err != nil {
		return err
	}
	for _, d := range []string{"lower", "upper", "work", "rootfs", "state", "binds"} {
		if err := unix.Mkdir(d, 0o755); err != nil {
			return fmt.Errorf("make %s: %w", d, err)
		}
	}
	if err := unix.MoveMount(lower, "", unix.AT_FDCWD, "lower", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount the root: %w", err)
	}
	if err := errors.Join(unix.Chown("upper", int(root.Uid), int(root.Gid)), unix.Chmod("upper", root.Mode&0o7777)); err != nil {
		return err
	}
	marker := overlayMarker(m.pidns, os.Getpid(), m.started)
	if err := unix.Mount(marker, "rootfs", "overlay", unix.MS_NODEV|unix.MS_NOSUID, "lowerdir=lower,upperdir=upper,workdir=work"); err != nil {
		return fmt.Errorf("mount an overlay: %w", err)
	}
	for i, bind := range b.spec.Binds {
		if err := b.hold(binds[i], bind, path.Join("binds", strconv.Itoa(i))); err != nil {
			return err
		}
	}
	tree, err := os.OpenRoot("rootfs")
	if err != nil {
		return err
	}
	defer tree.Close()
	for _, w := range b.spec.Without {
		if err := tree.Remove(w[1:]); err != nil && !errors.Is(err, os.ErrNotExist) && strings.HasPrefix(w, "/etc/") {
			return err
		}
	}
	config, err := json.Marshal(b.config())
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"config.json": config, "hostname": []byte(b.spec.Hostname + "\n"), "hosts": hostsFile(b.spec), "resolv.conf": resolvConf(b.spec),
	} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// hold mounts the source of a bind where the tmpfs does not cover it.
func (b *runcBox) hold(tree int, bind Bind, at string) error {
	fi, err := os.Stat("/proc/self/fd/" + strconv.Itoa(tree))
	if err != nil {
		return err
	}
	if fi.IsDir() {
		err = unix.Mkdir(at, 0o755)
	} else {
		err = os.WriteFile(at, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount %s: %w", bind.Source, err)
	}
	return nil
}

// create has runc make the container, on the thread.
func (b *runcBox) create(ctx context.Context) error {
	cmd := b.command(ctx, "create", "--bundle", b.dir, "--pid-file", path.Join(b.dir, "pid"), b.cgroups.id)
	fds, err := above(b.stdio.child)
	if err != nil {
		return errors.Join(err, unixClose(fds))
	}
	var files [3]*os.File
	for i, fd := range fds {
		files[i] = os.NewFile(uintptr(fd), "stdio")
		defer files[i].Close()
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	// The container's first process becomes our child, so that its end can
	// be seen, when runc ends.
	adoption.Lock()
	defer adoption.Unlock()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt processes: %w", err)
	}
	err = cmd.Run()
	rerr := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	if err != nil {
		return errors.Join(fmt.Errorf("runc create: %w: %s", err, b.log()), rerr, ctx.Err())
	}
	text, err := os.ReadFile("pid")
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	// What runc's own process has used is not the program's.
	b.before.Maxrss = peakRSS(pid) >> 10
	return errors.Join(b.own(pid), rerr)
}

// adoption is held while this process is one that orphans are given to.
var adoption sync.Mutex

func unixClose(fds []int) error {
	closeAll(fds)
	return nil
}

// command is a command of runc, with its records below the directory.
func (b *runcBox) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{"--root", path.Join(b.dir, "state"), "--log", path.Join(b.dir, "log"), "--log-format", "json"}, args...)
	cmd := exec.CommandContext(ctx, b.runc.Program, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	// The thread outlives it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// log is what runc says went wrong, on the thread.
func (b *runcBox) log() string {
	text, _ := os.ReadFile("log")
	var last string
	for line := range strings.Lines(string(text)) {
		var entry struct{ Level, Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil && (entry.Level == "error" || entry.Level == "fatal") {
			last = entry.Msg
		}
	}
	return last
}

// Start lets the container's first process execute the program. That waits on
// a named pipe, which "runc start" opens as well.
func (b *runcBox) Start(ctx context.Context) (time.Time, error) {
	if b.unexecutable != nil {
		return time.Now(), b.unexecutable
	}
	if err := b.begin(); err != nil {
		return time.Time{}, err
	}
	var at time.Time
	err := b.thread.do(func() error {
		before, err := os.Readlink(b.exe())
		if err != nil {
			return err
		}
		at = time.Now()
		fifo, err := os.OpenFile(path.Join("state", b.cgroups.id, "exec.fifo"), os.O_RDONLY|unix.O_NONBLOCK, 0)
		if errors.Is(err, os.ErrNotExist) {
			if err := b.command(ctx, "start", b.cgroups.id).Run(); err != nil {
				return fmt.Errorf("runc start: %w: %s", err, b.log())
			}
			return nil
		}
		if err != nil {
			return err
		}
		defer fifo.Close()
		return b.executed(ctx, before)
	})
	return at, err
}

// exe is what the process executes.
func (b *runcBox) exe() string { return "/proc/" + strconv.Itoa(b.process.Pid) + "/exe" }

// executed waits until that is no more what it was before.
func (b *runcBox) executed(ctx context.Context, before string) error {
	for {
		if now, err := os.Readlink(b.exe()); err != nil || now != before {
			return nil
		}
		select {
		case <-b.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Microsecond):
		}
	}
}

// Close kills the container and takes away what is left of it.
func (b *runcBox) Close() error {
	b.once.Do(func() {
		b.end()
		b.thread.stop()
		b.closing = b.cgroups.remove()
	})
	return b.closing
}
