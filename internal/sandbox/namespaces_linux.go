package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Namespaces is the built-in runner. It needs Linux 5.12 with overlayfs, and
// root or user namespaces; no program and no daemon.
type Namespaces struct {
	// Rootless makes user namespaces even as root.
	Rootless bool
}

// Name gives namespaces.
func (Namespaces) Name() string { return "namespaces" }

// facts about this machine that do not change while we run.
var machine = sync.OnceValues(func() (m struct {
	masked  map[string]bool
	pidns   uint64
	started string
}, err error,
) {
	m.masked = map[string]bool{}
	for _, p := range maskedPaths {
		if fi, err := os.Stat(p); err == nil {
			m.masked[p] = !fi.IsDir()
		}
	}
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &st); err != nil {
		return m, fmt.Errorf("read /proc/self/ns/pid: %w", err)
	}
	m.pidns = st.Ino
	m.started, err = startTime(os.Getpid())
	return m, err
})

// startTime is when a process started, in ticks since the machine did: with
// its ID the name of a process that is never given twice.
func startTime(pid int) (string, error) {
	name := "/proc/" + strconv.Itoa(pid) + "/stat"
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	// The second field is in parentheses and may hold anything.
	s := string(b)
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("%s is too short", name)
	}
	return fields[19], nil
}

// Prepare makes the namespaces and the root file system, and a process that
// waits in them for Start.
func (n Namespaces) Prepare(ctx context.Context, spec Spec) (Box, error) {
	spec, err := spec.checked()
	if err != nil {
		return nil, err
	}
	m, err := machine()
	if err != nil {
		return nil, err
	}
	in := surroundings{
		rootless: n.Rootless || os.Geteuid() != 0,
		marker:   overlayMarker(m.pidns, os.Getpid(), m.started),
		masked:   m.masked,
	}
	if err := unix.Stat(spec.Root, &in.upper); err != nil {
		return nil, &os.PathError{Op: "stat", Path: spec.Root, Err: err}
	}
	for _, b := range spec.Binds {
		fi, err := os.Stat(b.Source)
		if err != nil {
			return nil, err
		}
		in.files = append(in.files, !fi.IsDir())
	}
	b := &nsBox{box: newBox(spec), thread: newThread(), network: hostNetwork{}}
	if err := b.prepare(ctx, in); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// checkDir begins the name of the empty directory that Check needs.
const checkDir = "slipway-check-"

// Check makes a sandbox and says what is in the way of that.
func (n Namespaces) Check(ctx context.Context) error {
	owner, err := Owner()
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", checkDir+owner+".")
	if err != nil {
		return err
	}
	defer os.Remove(root)
	b, err := n.Prepare(ctx, Spec{Root: root, Args: []string{"/"}})
	if err == nil {
		return b.Close()
	}
	hint := i18n.M("sandbox.check.hint")
	switch {
	case errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EINVAL):
		hint = i18n.M("sandbox.check.kernel")
	case (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC)) && os.Geteuid() != 0:
		hint = i18n.M("sandbox.check.userns")
	case errors.Is(err, syscall.EPERM):
		hint = i18n.M("sandbox.check.privileged")
	}
	return fault.New(err, i18n.M("sandbox.check", n.Name()), hint)
}

// nsBox is a sandbox of Namespaces.
type nsBox struct {
	*box
	thread  *thread
	network Network
	keeper  *keeper // of a rootless one
	cgroups *cgroups
	once    sync.Once
	closing error
}

func (b *nsBox) Network() Network { return b.network }

func (b *nsBox) prepare(ctx context.Context, in surroundings) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.cgroups, err = newCgroups(b.spec, false); err != nil {
		return err
	}
	b.oom, in.cgroups = b.cgroups.oom, b.cgroups.shown()
	if err := b.stdio.open(b.spec); err != nil {
		return err
	}
	defer b.stdio.closeChild()
	reportR, reportW, err := pipe(0)
	if err != nil {
		return err
	}
	defer unix.Close(reportW)
	b.report = os.NewFile(uintptr(reportR), "report")
	startR, startW, err := pipe(1)
	if err != nil {
		return err
	}
	defer unix.Close(startR)
	b.start = os.NewFile(uintptr(startW), "start")

	fds, err := above(append(slices.Clone(b.stdio.child), reportW, startR))
	defer closeAll(fds)
	if err != nil {
		return err
	}
	if in.rootless {
		err = b.forkRootless(ctx, in, fds)
	} else {
		err = b.forkRoot(in, fds)
	}
	if err != nil {
		return err
	}
	// Only the child's own copy is left, so that its end can be seen.
	closeAll(fds)
	clear(fds)
	return b.ready(ctx, b.cgroups)
}

// namespaces are those of every program; its network is that of the thread or
// of the keeper.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// inner adds the steps from the first one in the program's namespaces to the
// last one, which executes it.
func (s *script) inner(spec Spec, in surroundings, stdio *stdio) {
	s.dieWithParent()
	if len(in.cgroups) > 0 {
		s.tell(msgPlace)
		s.await()
		s.call("make a control group namespace", unix.SYS_UNSHARE, unix.CLONE_NEWCGROUP)
	}
	s.call("make a session", unix.SYS_SETSID)
	s.signals()
	s.call("set the umask", unix.SYS_UMASK, 0)
	if spec.Net == NetOwn {
		// As in container engines, a user that is not root may listen on
		// port 80.
		s.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
	}
	s.rootfs(spec, in)
	s.limits(fileLimit())
	s.credentials(spec, in.setgroups, stdio.pipes)
	s.dieWithParent() // again: a change of user undoes it

	ready := make([]byte, headerSize+rusageSize)
	*(*header)(ptr(ready)) = header{kind: msgReady}
	s.call("read the resources used", unix.SYS_GETRUSAGE, unix.RUSAGE_SELF, ready[headerSize:])
	s.call("report", unix.SYS_WRITE, reportFD, ready, len(ready))
	s.await()
	s.execute(spec)
}

func (b *nsBox) forkRoot(in surroundings, fds []int) error {
	if b.spec.Net == NetOwn {
		n, err := b.thread.network()
		if err != nil {
			return err
		}
		b.network = n
	}
	in.setgroups = true
	s := newScript()
	s.arrange(fds)
	s.inner(b.spec, in, &b.stdio)
	b.script = s
	return b.thread.do(func() error {
		pid, errno := fork(namespaces, &s.program)
		runtime.KeepAlive(s)
		if errno != 0 {
			return fmt.Errorf("make namespaces: %w", errno)
		}
		return b.own(pid)
	})
}

// Close kills every process of the sandbox with the first one, whose
// namespaces take the mounts and the network with them.
func (b *nsBox) Close() error {
	b.once.Do(func() {
		b.end()
		if b.keeper != nil {
			b.keeper.close()
		}
		b.thread.stop()
		b.closing = b.cgroups.remove()
	})
	return b.closing
}

// fileLimit is how many files a program may have open: as it is in a
// container, few at first and then as many as there may be.
func fileLimit() unix.Rlimit {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return unix.Rlimit{Cur: 1024, Max: 1024}
	}
	return unix.Rlimit{Cur: min(1024, l.Max), Max: l.Max}
}

// pipe makes a pipe. The parent's end, 0 to read and 1 to write, is for the
// poller; the child's end waits.
func pipe(parent int) (r, w int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, os.NewSyscallError("pipe2", err)
	}
	if err := unix.SetNonblock(p[parent], true); err != nil {
		return -1, -1, errors.Join(err, unix.Close(p[0]), unix.Close(p[1]))
	}
	return p[0], p[1], nil
}

// above duplicates descriptors to numbers above those that children use.
func above(fds []int) ([]int, error) {
	var out []int
	for _, fd := range fds {
		d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 16)
		if err != nil {
			return out, os.NewSyscallError("fcntl", err)
		}
		out = append(out, d)
	}
	return out, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		if fd > 2 {
			_ = unix.Close(fd)
		}
	}
}

// checked gives a Spec with its defaults, or why it cannot be.
func (s Spec) checked() (Spec, error) {
	if len(s.Args) == 0 {
		return s, errors.New("sandbox: no program")
	}
	root, err := filepath.Abs(s.Root)
	if err != nil {
		return s, err
	}
	s.Root = root
	if s.Dir == "" {
		s.Dir = "/"
	}
	if s.Hostname == "" {
		s.Hostname = "slipway"
	}
	for _, list := range [][]string{s.Args, s.Env, s.Tmpfs, {s.Root, s.Dir, s.Hostname}} {
		for _, e := range list {
			if !clean(e) {
				return s, fmt.Errorf("sandbox: %q: %w", e, syscall.EINVAL)
			}
		}
	}
	targets := slices.Concat(s.Tmpfs, s.Without, []string{s.Dir})
	for _, b := range s.Binds {
		targets = append(targets, b.Source, b.Target)
	}
	for _, t := range targets {
		if !filepath.IsAbs(t) || filepath.Clean(t) != t || !clean(t) {
			return s, fmt.Errorf("sandbox: %q is not an absolute, clean path", t)
		}
	}
	for _, w := range s.Without {
		if !slices.Contains(Provided, w) {
			return s, fmt.Errorf("sandbox: without %s: %w", w, ErrUnsupported)
		}
	}
	return s, nil
}
