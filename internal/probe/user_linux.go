package probe

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// capNames are the capabilities by number (include/uapi/linux/capability.h).
var capNames = strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap
linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease
audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon
bpf checkpoint_restore`)

func capName(n int) string {
	if n < len(capNames) {
		return strings.ToUpper(capNames[n])
	}
	return strconv.Itoa(n)
}

// kernel asks by system calls, so that it works without /proc as well.
func (u *User) kernel(sys System) {
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		u.Kernel = unix.ByteSliceToString(uts.Release[:]) + " " + unix.ByteSliceToString(uts.Machine[:])
	}
	u.Effective, u.Bounding = []string{}, []string{}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&hdr, &data[0]) == nil {
		set := uint64(data[0].Effective) | uint64(data[1].Effective)<<32
		for n := range 64 {
			if set&(1<<n) != 0 {
				u.Effective = append(u.Effective, capName(n))
			}
		}
	}
	for n := range 64 {
		v, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0)
		if err != nil {
			break
		}
		if v == 1 {
			u.Bounding = append(u.Bounding, capName(n))
		}
	}
	if v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil {
		u.NoNewPrivs = v == 1
	}
	// PR_GET_SECCOMP kills a process in strict mode, which Go could not live in.
	if v, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err == nil {
		u.Seccomp = map[int]string{0: "off", 1: "strict", 2: "filter"}[v]
	}
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		u.Proc = true
		u.UIDMap = strings.Join(strings.Fields(string(b)), " ")
	}
	u.RootRO = mountOf("/").ReadOnly
	u.cgroup()
	for _, l := range []struct {
		name string
		res  int
	}{{"nofile", unix.RLIMIT_NOFILE}, {"nproc", unix.RLIMIT_NPROC}, {"stack", unix.RLIMIT_STACK}, {"core", unix.RLIMIT_CORE}, {"as", unix.RLIMIT_AS}, {"memlock", unix.RLIMIT_MEMLOCK}} {
		var r unix.Rlimit
		if unix.Getrlimit(l.res, &r) == nil {
			u.Limits = append(u.Limits, Limit{l.name, rlim(r.Cur), rlim(r.Max)})
		}
	}
}

func rlim(n uint64) int64 {
	if n == unix.RLIM_INFINITY || n > 1<<62 {
		return -1
	}
	return int64(n)
}

// cgroup reads the limits as the Go runtime does: those of the own group and
// of every group above it that can be seen; the smallest one counts.
func (u *User) cgroup() {
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return
	}
	c := &u.Cgroup
	for line := range strings.Lines(string(self)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[1] == "" && c.Version == 0:
			if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err != nil {
				continue
			}
			c.Version = 2
			climb("/sys/fs/cgroup", f[2], func(dir string) {
				least(&c.Memory, number(path.Join(dir, "memory.max")))
				least(&c.Pids, number(path.Join(dir, "pids.max")))
				if q := fields(path.Join(dir, "cpu.max")); len(q) == 2 {
					c.quota(q[0], q[1])
				}
			})
			c.Used = number(path.Join("/sys/fs/cgroup", f[2], "memory.current"))
			if c.Used == 0 {
				c.Used = number("/sys/fs/cgroup/memory.current")
			}
		case strings.Contains(f[1], "memory"):
			c.Version = 1
			climb("/sys/fs/cgroup/memory", f[2], func(dir string) { least(&c.Memory, number(path.Join(dir, "memory.limit_in_bytes"))) })
		case strings.Contains(f[1], "pids"):
			climb("/sys/fs/cgroup/pids", f[2], func(dir string) { least(&c.Pids, number(path.Join(dir, "pids.max"))) })
		case f[1] == "cpu" || strings.Contains(f[1], "cpu,"):
			climb("/sys/fs/cgroup/"+f[1], f[2], func(dir string) {
				c.quota(fmt.Sprint(number(path.Join(dir, "cpu.cfs_quota_us"))), fmt.Sprint(number(path.Join(dir, "cpu.cfs_period_us"))))
			})
		}
	}
}

// climb calls f for a group and all above it. A path that leads out of what
// is mounted (a container sees its own group as the root) ends at the mount.
func climb(mount, group string, f func(dir string)) {
	group = path.Clean("/" + strings.ReplaceAll(group, "..", ""))
	for {
		f(path.Join(mount, group))
		if group == "/" {
			return
		}
		group = path.Dir(group)
	}
}

func fields(file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

// number reads a limit; 0 if there is none. cgroup v1 writes "no limit" as a
// number near 2^63.
func number(file string) int64 {
	f := fields(file)
	if len(f) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil || n < 0 || n > 1<<60 {
		return 0
	}
	return n
}

func least(to *int64, n int64) {
	if n > 0 && (*to == 0 || n < *to) {
		*to = n
	}
}

func (c *Cgroup) quota(quota, period string) {
	q, err := strconv.ParseFloat(quota, 64)
	p, perr := strconv.ParseFloat(period, 64)
	if err != nil || perr != nil || q <= 0 || p <= 0 {
		return
	}
	if n := q / p; c.CPUs == 0 || n < c.CPUs {
		c.CPUs = n
	}
}
