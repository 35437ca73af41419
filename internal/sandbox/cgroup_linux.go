package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are kept by control groups, version 1 or 2, below a directory of
// ours in each hierarchy. A group is locked (flock) while its sandbox lives: a
// group that can be locked belongs to nobody any more.

// groupParent is the directory in which the groups are.
const groupParent = "slipway"

// cgroups are the control groups of one sandbox; nil when it has no limits.
type cgroups struct {
	id      string
	limited []string // the controllers that limit
	unified bool
	dirs    map[string]string // controller, or mount point → directory; of version 2 all the same
	locks   []*os.File
}

// hierarchy is one mounted hierarchy of control groups.
type hierarchy struct {
	at          string
	unified     bool
	controllers []string
}

// hierarchies reads those of this machine.
func hierarchies() ([]hierarchy, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var out []hierarchy
	for line := range strings.Lines(string(b)) {
		before, after, ok := strings.Cut(line, " - ")
		f, a := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(a) < 3 {
			continue
		}
		switch a[0] {
		case "cgroup":
			out = append(out, hierarchy{at: f[4], controllers: strings.Split(a[2], ",")})
		case "cgroup2":
			list, _ := os.ReadFile(filepath.Join(f[4], "cgroup.controllers"))
			out = append(out, hierarchy{at: f[4], unified: true, controllers: strings.Fields(string(list))})
		}
	}
	return out, nil
}

// newCgroups makes the groups that keep the limits of spec; with all, one in
// every hierarchy, for a runtime that insists.
func newCgroups(spec Spec, every bool) (*cgroups, error) {
	want := map[string]bool{"memory": spec.Memory > 0, "pids": spec.Pids > 0, "cpu": spec.CPUs > 0}
	var controllers []string
	for _, c := range []string{"cpu", "memory", "pids"} {
		if want[c] {
			controllers = append(controllers, c)
		}
	}
	if len(controllers) == 0 && !every {
		return nil, nil
	}
	all, err := hierarchies()
	if err != nil {
		return nil, err
	}
	id := rand.Text()
	g := &cgroups{id: id, limited: controllers, dirs: map[string]string{}}
	for _, c := range controllers {
		i := slices.IndexFunc(all, func(h hierarchy) bool { return slices.Contains(h.controllers, c) })
		if i < 0 {
			return nil, errors.Join(fmt.Errorf("limit of %s: no such control group controller here: %w", c, ErrUnsupported), g.remove())
		}
		h := all[i]
		g.unified = h.unified
		if err := g.add(h, c, controllers, id); err != nil {
			return nil, errors.Join(err, g.remove())
		}
	}
	for _, h := range all {
		if !every || g.in(h) != "" {
			continue
		}
		if err := g.add(h, h.at, nil, id); err != nil {
			return nil, errors.Join(err, g.remove())
		}
	}
	if err := g.set(spec); err != nil {
		return nil, errors.Join(err, g.remove())
	}
	return g, nil
}

// parents are the directories that may hold groups of ours, best first. An
// ordinary user has them only where a service manager has delegated some.
func (h hierarchy) parents() []string {
	if !h.unified || os.Geteuid() == 0 {
		return []string{h.at}
	}
	b, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(b)) {
		if own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return []string{filepath.Join(h.at, filepath.Dir(own))}
		}
	}
	return nil
}

// in gives the group in a hierarchy; empty: none yet.
func (g *cgroups) in(h hierarchy) string {
	for _, dir := range g.dirs {
		if strings.HasPrefix(dir, h.at+"/") {
			return dir
		}
	}
	return ""
}

func (g *cgroups) add(h hierarchy, controller string, controllers []string, id string) error {
	if dir := g.in(h); dir != "" { // where controllers are together
		g.dirs[controller] = dir
		return nil
	}
	err := fs.ErrNotExist
	for _, parent := range h.parents() {
		for range 5 {
			var lock *os.File
			var dir string
			if dir, lock, err = lockedGroup(parent, h.unified, controllers, id); err == nil {
				g.dirs[controller] = dir
				g.locks = append(g.locks, lock)
				return nil
			}
			if !errors.Is(err, errSwept) {
				break
			}
		}
	}
	return fmt.Errorf("limit of %s: make a control group: %w (%w)", controller, err, ErrUnsupported)
}

// errSwept is the fate of a group that another slipway has taken for an
// abandoned one, before it was locked.
var errSwept = errors.New("swept by another slipway")

// lockedGroup makes a group and locks it.
func lockedGroup(parent string, unified bool, controllers []string, id string) (string, *os.File, error) {
	dir, err := makeGroup(parent, unified, controllers, id)
	if err != nil {
		return "", nil, err
	}
	lock, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, errSwept
	}
	if err != nil {
		return "", nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), lock.Close())
	}
	if _, err := os.Stat(dir); err != nil {
		return "", nil, errors.Join(errSwept, lock.Close())
	}
	return dir, lock, nil
}

// makeGroup makes a group below parent.
func makeGroup(parent string, unified bool, controllers []string, id string) (string, error) {
	ours := filepath.Join(parent, groupParent)
	dir := filepath.Join(ours, id)
	for range 10 {
		if err := os.Mkdir(ours, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if unified {
			for _, at := range []string{parent, ours} {
				for _, c := range controllers {
					name := filepath.Join(at, "cgroup.subtree_control")
					if err := os.WriteFile(name, []byte("+"+c), 0); err != nil {
						return "", err
					}
				}
			}
		}
		err := os.Mkdir(dir, 0o755)
		if !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
		// Another slipway has just removed the empty parent.
	}
	return "", fmt.Errorf("make %s: %w", dir, fs.ErrNotExist)
}

// period is the span in which processor time is given out, in microseconds.
const period = 100_000

func (g *cgroups) set(spec Spec) error {
	type value struct {
		controller, v1, v2, text string
		optional                 bool
	}
	quota := strconv.FormatInt(max(1000, int64(spec.CPUs*period)), 10)
	memory := strconv.FormatInt(spec.Memory, 10)
	var values []value
	if spec.Memory > 0 {
		values = append(values, value{"memory", "memory.limit_in_bytes", "memory.max", memory, false})
		// Without swap the limit is one; many kernels do not count it.
		if g.unified {
			values = append(values, value{"memory", "", "memory.swap.max", "0", true})
		} else {
			values = append(values, value{"memory", "memory.memsw.limit_in_bytes", "", memory, true})
		}
	}
	if spec.Pids > 0 {
		values = append(values, value{"pids", "pids.max", "pids.max", strconv.FormatInt(spec.Pids, 10), false})
	}
	if spec.CPUs > 0 {
		if g.unified {
			values = append(values, value{"cpu", "", "cpu.max", quota + " " + strconv.Itoa(period), false})
		} else {
			values = append(values,
				value{"cpu", "cpu.cfs_period_us", "", strconv.Itoa(period), false},
				value{"cpu", "cpu.cfs_quota_us", "", quota, false})
		}
	}
	for _, v := range values {
		file := v.v1
		if g.unified {
			file = v.v2
		}
		name := filepath.Join(g.dirs[v.controller], file)
		if err := os.WriteFile(name, []byte(v.text), 0); err != nil && (!v.optional || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("limit of %s: %w (%w)", v.controller, err, ErrUnsupported)
		}
	}
	return nil
}

// shown says what of /sys/fs/cgroup the program shall see.
func (g *cgroups) shown() []string {
	switch {
	case g == nil || len(g.limited) == 0:
		return nil
	case g.unified:
		return []string{"2"}
	}
	return g.limited
}

// each gives every directory once.
func (g *cgroups) each() []string {
	var out []string
	for _, dir := range g.dirs {
		if !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}

// place puts a process into the groups.
func (g *cgroups) place(pid int) error {
	for _, dir := range g.each() {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("place a process into its control group: %w", err)
		}
	}
	return nil
}

// oom reports whether the memory limit has ended a process.
func (g *cgroups) oom() bool {
	if g == nil || g.dirs["memory"] == "" {
		return false
	}
	name := "memory.oom_control"
	if g.unified {
		name = "memory.events"
	}
	b, _ := os.ReadFile(filepath.Join(g.dirs["memory"], name))
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return n != "0"
		}
	}
	return false
}

// remove takes the groups away. Their processes have ended.
func (g *cgroups) remove() error {
	if g == nil {
		return nil
	}
	var errs []error
	for _, dir := range g.each() {
		errs = append(errs, removeGroup(context.Background(), dir))
	}
	for _, l := range g.locks {
		errs = append(errs, l.Close())
	}
	g.dirs, g.locks = nil, nil
	return errors.Join(errs...)
}

// removeGroup removes a group, waiting a little for processes that have been
// killed to be gone from it; and the directory of all when it is empty.
func removeGroup(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := unix.Rmdir(dir)
		if err == nil || err == unix.ENOENT {
			break
		}
		if err != unix.EBUSY {
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		select {
		case <-ctx.Done():
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		case <-time.After(wait):
		}
	}
	_ = unix.Rmdir(filepath.Dir(dir)) // others may be in it
	return nil
}
