package sandbox

import (
	"path"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rootCaps are the capabilities of a program that runs as uid 0, those that
// Docker leaves it.
const rootCaps = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID |
	1<<unix.CAP_KILL | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP |
	1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_SYS_CHROOT |
	1<<unix.CAP_MKNOD | 1<<unix.CAP_AUDIT_WRITE | 1<<unix.CAP_SETFCAP

// arrange puts the descriptors of a child in their places and closes all
// others. from are those of stdin, stdout, stderr, the report and the
// synchronisation, and perhaps the control socket; each is above their number.
func (s *script) arrange(from []int) {
	for to, fd := range from {
		flags := unix.O_CLOEXEC
		if to <= 2 {
			flags = 0
		}
		s.call("place descriptors", unix.SYS_DUP3, fd, to, flags)
	}
	s.call("close descriptors", unix.SYS_CLOSE_RANGE, len(from), uintptr(^uint32(0)), 0)
}

// dieWithParent ends the child when the thread that made it ends, which is
// when slipway does, however it ends.
func (s *script) dieWithParent() {
	s.call("tie to the parent", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, int(unix.SIGKILL))
}

// sigactSize is that of the kernel's struct sigaction, with room to spare.
const sigactSize = 64

// signals gives every signal its default meaning: what slipway was started to
// ignore, by nohup for one, a container's program would not.
func (s *script) signals() {
	dfl := make([]byte, sigactSize)
	for sig := 1; sig <= 64; sig++ {
		s.call("reset signals", unix.SYS_RT_SIGACTION, sig, dfl, 0, 8).accept = syscall.EINVAL
	}
	s.call("unblock signals", unix.SYS_RT_SIGPROCMASK, 2 /* SIG_SETMASK */, dfl, 0, 8)
}

// credentials makes the child the user of spec, without a way back.
func (s *script) credentials(spec Spec, setgroups bool, stdio []int) {
	s.call("set the host name", unix.SYS_SETHOSTNAME, spec.Hostname, len(spec.Hostname))
	dir := spec.Dir
	if dir == "" {
		dir = "/"
	}
	s.call("enter "+dir, unix.SYS_CHDIR, dir)
	// A program opens /dev/stdout by name only if it owns the pipe.
	for _, fd := range stdio {
		st := s.call("own descriptors", unix.SYS_FCHOWN, fd, spec.UID, -1)
		st.accept, st.also = syscall.EPERM, syscall.EINVAL
	}

	var caps uint64
	if spec.UID == 0 {
		caps = rootCaps
	}
	for c := range 64 {
		if caps&(1<<c) == 0 {
			s.call("drop capabilities", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0, 0, 0).accept = syscall.EINVAL
		}
	}
	s.call("drop capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if setgroups {
		groups := make([]uint32, len(spec.Groups)+1) // one more, so that there is an address
		for i, g := range spec.Groups {
			groups[i] = uint32(g)
		}
		s.call("set groups", unix.SYS_SETGROUPS, len(spec.Groups), unsafe.Pointer(&groups[0]))
	}
	s.call("set the group", unix.SYS_SETRESGID, spec.GID, spec.GID, spec.GID)
	s.call("set the user", unix.SYS_SETRESUID, spec.UID, spec.UID, spec.UID)
	data := &[2]unix.CapUserData{
		{Effective: uint32(caps), Permitted: uint32(caps)},
		{Effective: uint32(caps >> 32), Permitted: uint32(caps >> 32)},
	}
	s.call("set capabilities", unix.SYS_CAPSET,
		unsafe.Pointer(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}), unsafe.Pointer(data))
	s.call("set no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	s.call("set the umask", unix.SYS_UMASK, 0o022)
}

// limits sets the resource limits that do not need control groups. No core is
// ever dumped: where it would be is this machine's affair.
func (s *script) limits(files unix.Rlimit) {
	for resource, l := range map[int]unix.Rlimit{unix.RLIMIT_CORE: {}, unix.RLIMIT_NOFILE: files} {
		s.call("set limits", unix.SYS_PRLIMIT64, 0, resource, unsafe.Pointer(&l), 0)
	}
}

// execute replaces the child by the program: of each directory of the PATH
// the first that has it.
func (s *script) execute(spec Spec) {
	argv, env := s.vector(spec.Args), s.vector(spec.Env)
	for _, name := range candidates(spec) {
		s.call("execute "+name, unix.SYS_EXECVE, name, argv, env).exec = true
	}
}

// candidates are the paths at which the program may lie.
func candidates(spec Spec) []string {
	name := spec.Args[0]
	if strings.Contains(name, "/") {
		return []string{name}
	}
	search := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, e := range spec.Env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			search = v
		}
	}
	var out []string
	for dir := range strings.SplitSeq(search, ":") {
		if !path.IsAbs(dir) {
			dir = path.Join("/", spec.Dir, dir)
		}
		out = append(out, path.Join(dir, name))
	}
	return out
}
