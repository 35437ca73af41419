package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Sweep takes away what a killed slipway left: sandboxes whose owner is gone,
// and control groups that nobody holds. It needs no records: every sandbox
// names its owner in the source of its root file system, and every group is
// locked while it is used. What others are still using is left alone.
func Sweep(ctx context.Context, o Options) error {
	errs := []error{sweepProcesses(ctx), sweepGroups(ctx), sweepChecks()}
	if o.Docker {
		errs = append(errs, sweepDocker(ctx, Docker{Host: variable(o.Env, "DOCKER_HOST")}))
	}
	return errors.Join(errs...)
}

// sweepChecks removes the empty directories that a Check did not get to.
func sweepChecks() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), checkDir+"*"))
	if err != nil {
		return nil // the path holds a pattern
	}
	var errs []error
	for _, dir := range dirs {
		if owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), checkDir), "."); Abandoned(owner) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// sweepProcesses kills the first process of each sandbox without an owner.
// Normally there is none, since they end with the thread that started them;
// but a program can undo that.
func sweepProcesses(ctx context.Context) error {
	m, err := machine()
	if err != nil {
		return err
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	dir, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || ctx.Err() != nil {
			continue
		}
		// Another mount namespace, or one we may not see.
		if ns, err := os.Readlink("/proc/" + name + "/ns/mnt"); err != nil || ns == own {
			continue
		}
		if marker := rootMarker(pid); abandoned(marker, m.pidns) {
			errs = append(errs, killMarked(pid, marker))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// killMarked kills a process that still has the marker once it is held.
func killMarked(pid int, marker string) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return nil // it has ended
	}
	defer p.Release()
	if rootMarker(pid) != marker {
		return nil
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// rootMarker is the source of a process's root file system, if it is one of
// ours; else empty.
func rootMarker(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/mountinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		before, after, _ := strings.Cut(line, " - ")
		f, a := strings.Fields(before), strings.Fields(after)
		if len(f) > 4 && f[4] == "/" && len(a) > 1 && strings.HasPrefix(a[1], markerPrefix) {
			return a[1]
		}
	}
	return ""
}

// abandoned reports whether the owner that a marker names is gone. Of an owner
// in another process ID namespace nothing is known.
func abandoned(marker string, pidns uint64) bool {
	rest, ok := strings.CutPrefix(marker, markerPrefix)
	f := strings.Split(rest, ":")
	if !ok || len(f) != 3 || f[0] != strconv.FormatUint(pidns, 10) {
		return false
	}
	owner, err := strconv.Atoi(f[1])
	if err != nil {
		return false
	}
	started, err := startTime(owner)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	return err == nil && started != f[2]
}

// sweepGroups removes the control groups that nobody has locked.
func sweepGroups(ctx context.Context) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	var errs []error
	for _, h := range all {
		for _, parent := range h.parents() {
			groups, err := filepath.Glob(filepath.Join(parent, groupParent, "*", "cgroup.procs"))
			if err != nil {
				continue // the path holds a pattern
			}
			for _, g := range groups {
				errs = append(errs, sweepGroup(ctx, filepath.Dir(g)))
			}
		}
	}
	return errors.Join(errs...)
}

func sweepGroup(ctx context.Context, dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return nil // gone meanwhile
	}
	defer f.Close()
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || int(st.Uid) != os.Geteuid() {
		return nil // another user's
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil // in use
	}
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	for _, field := range strings.Fields(string(b)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
		}
	}
	return removeGroup(ctx, dir)
}
