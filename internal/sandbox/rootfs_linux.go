package sandbox

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The root file system of a program is an overlay: Spec.Root below, a tmpfs
// above it that takes the places to mount things on and, if it is writable,
// what the program writes. So nothing is ever made in Root, and nothing on
// this machine's disk; everything goes with the mount namespace.
//
// What is provided in it follows Docker's defaults for Linux, since that is
// what images are tried with: https://github.com/moby/moby/blob/master/daemon/pkg/oci/defaults.go

// maxMemoryFS bounds each file system in memory; the kernel's own bound is
// half of the machine's memory.
const maxMemoryFS = "1g"

// maskedPaths are empty, and readonlyPaths read-only, as they tell about or
// change the whole machine.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// devices are the nodes of /dev, by minor number of major 1, tty being 5:0.
var devices = []struct {
	name         string
	major, minor uint32
}{
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
}

// surroundings is what the steps depend on beside the Spec.
type surroundings struct {
	rootless  bool
	setgroups bool     // whether supplementary groups can be set
	marker    string   // source of the overlay, by which a later run knows it
	cgroups   []string // controllers whose version 1 hierarchies are shown; "2" for the unified one
	upper     unix.Stat_t
	files     []bool          // per bind: its source is no directory
	masked    map[string]bool // those of maskedPaths that this machine has; whether it is no directory
}

// rootfs adds the steps that make the root file system the child's root.
func (s *script) rootfs(spec Spec, in surroundings) {
	s.call("make mounts private", unix.SYS_MOUNT, "", "/", "", unix.MS_REC|unix.MS_PRIVATE, 0)
	lower := s.tree(spec.Root)
	binds := make([]word, len(spec.Binds))
	for i, b := range spec.Binds {
		binds[i] = s.tree(b.Source)
	}
	var nodes []word
	if in.rootless {
		for _, d := range devices {
			nodes = append(nodes, s.tree("/dev/"+d.name))
		}
	}

	// Mounted on Root itself, a directory that surely is there; this covers it
	// in the child's namespace alone.
	at := spec.Root
	if at == "/" {
		at = "/proc"
	}
	s.mount("slipway", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size="+maxMemoryFS)
	s.call("enter "+at, unix.SYS_CHDIR, at)
	for _, dir := range []string{"lower", "upper", "work", "root", "proc", "sys"} {
		s.call("make "+dir, unix.SYS_MKDIRAT, here, dir, 0o755)
	}
	s.move(lower, "lower")
	// In a user namespace the kernel mounts these only as long as the
	// machine's own can be seen.
	proc := s.kernel("proc", "proc", spec, 0)
	var sys word
	if !in.rootless || spec.Net == NetOwn { // sysfs shows devices of a network, which must be ours
		sys = s.kernel("sys", "sysfs", spec, unix.MS_RDONLY)
	}
	options := "lowerdir=lower,upperdir=upper,workdir=work"
	if in.rootless {
		options += ",userxattr"
	} else {
		s.call("own upper", unix.SYS_FCHOWNAT, here, "upper", int(in.upper.Uid), int(in.upper.Gid), 0)
	}
	s.call("set the mode of upper", unix.SYS_FCHMODAT, here, "upper", int(in.upper.Mode&0o7777))
	s.mount(in.marker, "root", "overlay", unix.MS_NOSUID|unix.MS_NODEV, options)
	s.call("enter the root", unix.SYS_CHDIR, "root")
	s.call("change the root", unix.SYS_PIVOT_ROOT, ".", ".")
	s.call("leave the old root", unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	s.call("enter /", unix.SYS_CHDIR, "/")

	s.proc(proc)
	s.dev(spec, nodes)
	s.sys(sys, in)
	s.masks(spec, in)
	s.etc(spec)
	for _, t := range spec.Tmpfs {
		s.directories(t, 0o777)
		s.mount("tmpfs", t, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size="+maxMemoryFS)
	}
	for i, b := range spec.Binds {
		if in.files[i] {
			s.directories(path.Dir(b.Target), 0o755)
			w := s.words(1)
			// Not O_EXCL: it may be there, and stays what it is then.
			s.call("make "+b.Target, unix.SYS_OPENAT, here, b.Target, unix.O_CREAT|unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0o644).to = uint16(w)
			s.call("close "+b.Target, unix.SYS_CLOSE, w)
		} else {
			s.directories(b.Target, 0o755)
		}
		s.move(binds[i], b.Target)
		attr := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
		if !b.Writable {
			attr |= unix.MOUNT_ATTR_RDONLY
		}
		s.attributes(b.Target, attr)
	}
	s.directories(spec.Dir, 0o755)
	if !spec.Writable {
		s.remount("/", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV)
	}
}

// kernel mounts a file system of the kernel aside, for move; 0 when the
// program is to be without it.
func (s *script) kernel(name, kind string, spec Spec, flags uintptr) word {
	if slices.Contains(spec.Without, "/"+name) {
		return 0
	}
	st := s.mount(name, name, kind, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|flags, "")
	if kind == "sysfs" {
		st.accept = syscall.EPERM // in a container that hides parts of its own, it stays empty
	}
	return s.tree(name)
}

func (s *script) proc(mounted word) {
	if mounted == 0 {
		return
	}
	s.directories("/proc", 0o555)
	s.move(mounted, "/proc")
	for _, p := range readonlyPaths {
		s.call("mount "+p, unix.SYS_MOUNT, p, p, "", unix.MS_BIND|unix.MS_REC, 0).accept = syscall.ENOENT
		st := s.remount(p, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
		st.accept, st.also = syscall.ENOENT, syscall.EINVAL
	}
}

// masks hides what lies at the masked paths.
func (s *script) masks(spec Spec, in surroundings) {
	for name, file := range in.masked {
		if top := name[:strings.IndexByte(name[1:], '/')+1]; slices.Contains(spec.Without, top) {
			continue
		}
		var st *step
		if file {
			if in.rootless && slices.Contains(spec.Without, "/dev/null") {
				continue // those files are for the machine's root alone
			}
			st = s.call("mask "+name, unix.SYS_MOUNT, "/dev/null", name, "", unix.MS_BIND, 0)
		} else {
			st = s.mount("tmpfs", name, "tmpfs", unix.MS_RDONLY, "size=4k,nr_inodes=2,mode=0555")
		}
		st.accept = syscall.ENOENT
	}
	if slices.Contains(spec.Without, "/dev/null") {
		s.remove("/dev/null")
	}
}

func (s *script) dev(spec Spec, nodes []word) {
	s.directories("/dev", 0o755)
	s.mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_STRICTATIME, "mode=0755,size=65536k")
	for i, d := range devices {
		name := "/dev/" + d.name
		// Without takes it away again once masks has used it.
		if in := slices.Contains(spec.Without, name); in && (nodes != nil || d.name != "null") {
			continue
		}
		if nodes == nil {
			s.call("make "+name, unix.SYS_MKNODAT, here, name, unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor)))
			continue
		}
		// An ordinary user makes no devices, but can show the machine's.
		s.file(name, nil)
		s.move(nodes[i], name)
	}
	for _, l := range [][2]string{
		{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"}, {"pts/ptmx", "/dev/ptmx"},
	} {
		s.symlink(l[0], l[1])
	}
	s.directories("/dev/pts", 0o755)
	pts := "newinstance,ptmxmode=0666,mode=0620"
	if nodes == nil {
		pts += ",gid=5"
	}
	s.mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, pts)
	s.directories("/dev/shm", 0o777)
	s.mount("shm", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=1777,size=65536k")
	s.directories("/dev/mqueue", 0o777)
	// A kernel may be built without them; programs that use them are few.
	st := s.mount("mqueue", "/dev/mqueue", "mqueue", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	st.accept, st.also = syscall.ENODEV, syscall.EPERM
}

// sys shows /sys read-only, as container engines do: programs read from it
// what network cards and processors there are, and the Go runtime the
// processor limit of its control group, which sets GOMAXPROCS.
func (s *script) sys(mounted word, in surroundings) {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if mounted == 0 {
		return
	}
	s.directories("/sys", 0o755)
	s.move(mounted, "/sys")
	if slices.Equal(in.cgroups, []string{"2"}) {
		s.mount("cgroup", "/sys/fs/cgroup", "cgroup2", flags|unix.MS_RDONLY, "")
		return
	}
	if len(in.cgroups) == 0 {
		return
	}
	s.mount("cgroup", "/sys/fs/cgroup", "tmpfs", flags, "mode=0755,size=64k")
	for _, c := range in.cgroups {
		s.directories("/sys/fs/cgroup/"+c, 0o755)
		s.mount("cgroup", "/sys/fs/cgroup/"+c, "cgroup", flags|unix.MS_RDONLY, c)
	}
	s.remount("/sys/fs/cgroup", flags|unix.MS_RDONLY)
}

// etc provides the files that engines write for each container.
func (s *script) etc(spec Spec) {
	for _, f := range []struct {
		name    string
		content []byte
	}{
		{"/etc/hostname", []byte(spec.Hostname + "\n")},
		{"/etc/hosts", hostsFile(spec)},
		{"/etc/resolv.conf", resolvConf(spec)},
	} {
		if slices.Contains(spec.Without, f.name) {
			s.remove(f.name)
			continue
		}
		s.file(f.name, f.content)
	}
}

func hostsFile(spec Spec) []byte {
	var b bytes.Buffer
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	fmt.Fprintf(&b, "127.0.0.1\t%s\n", spec.Hostname)
	for _, h := range spec.Hosts {
		fmt.Fprintf(&b, "%s\t%s\n", h.IP, strings.Join(h.Names, " "))
	}
	return b.Bytes()
}

func resolvConf(spec Spec) []byte {
	var b bytes.Buffer
	if len(spec.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(spec.Search, " "))
	}
	for _, n := range spec.Nameservers {
		fmt.Fprintf(&b, "nameserver %s\n", n)
	}
	return b.Bytes()
}

// overlayMarker names the run that made a root file system: the process ID
// namespace, the process and when that started.
func overlayMarker(pidns uint64, pid int, started string) string {
	return markerPrefix + strconv.FormatUint(pidns, 10) + ":" + strconv.Itoa(pid) + ":" + started
}

const markerPrefix = "slipway:"
