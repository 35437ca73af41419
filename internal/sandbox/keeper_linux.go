package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An ordinary user has rights over namespaces only inside a user namespace,
// and a process of several threads cannot enter one. So a small process, the
// keeper, is made in the user namespace and the network; it makes the first
// process of the sandbox as a sister of its own, and then sockets for us. It
// opens the files in which the kernel shows the network of who opens them.
type keeper struct {
	process *os.Process
	mu      sync.Mutex // one request at a time
	control int        // our end of its socket; -1: closed
}

// idMap maps user and group IDs into a user namespace.
type idMap struct {
	single bool // only those of Spec, to ours
}

func (b *nsBox) forkRootless(ctx context.Context, in surroundings, fds []int) error {
	ids, err := newIDMap(b.spec)
	if err != nil {
		return err
	}
	in.setgroups = !ids.single
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[1])
	b.keeper = &keeper{control: pair[0]}
	control, err := above(pair[1:])
	defer closeAll(control)
	if err != nil {
		return err
	}

	s := newScript()
	s.arrange(append(slices.Clone(fds), control...))
	s.dieWithParent()
	s.await() // for the maps
	message := s.words(4)
	s.memory[message] = msgPid
	pidfd := s.words(1)
	st := s.call("make namespaces", unix.SYS_CLONE, namespaces|unix.CLONE_PARENT|unix.CLONE_PIDFD|int(unix.SIGCHLD), 0, s.at(pidfd))
	if runtime.GOARCH == "s390x" {
		st.args[0], st.args[1] = st.args[1], st.args[0]
	}
	st.to = uint16(message + 2)
	st.onNonzero = s.here() // set below
	forking := len(s.steps) - 1
	s.call("leave the control socket", unix.SYS_CLOSE, controlFD)
	s.await() // until the keeper's message about it has been read
	s.inner(b.spec, in, &b.stdio)
	s.call("end", unix.SYS_EXIT_GROUP, 127)
	s.steps[forking].onNonzero = s.here()
	s.keeper(message, pidfd)
	b.script = s

	flags := uintptr(unix.CLONE_NEWUSER)
	if b.spec.Net == NetOwn {
		flags |= unix.CLONE_NEWNET
	}
	err = b.thread.do(func() error {
		pid, errno := fork(flags, &s.program)
		runtime.KeepAlive(s)
		if errno != 0 {
			return fmt.Errorf("make a user namespace: %w", errno)
		}
		p, err := os.FindProcess(pid)
		b.keeper.process = p
		return err
	})
	if err != nil {
		return err
	}
	if err := ids.write(ctx, b.keeper.process.Pid, b.spec); err != nil {
		return err
	}
	closeAll(fds)
	clear(fds)
	if _, err := b.start.Write([]byte{1}); err != nil {
		return fmt.Errorf("prepare a sandbox: %w", err)
	}
	m, err := b.message(ctx)
	if err != nil {
		return fmt.Errorf("prepare a sandbox: %w", err)
	}
	if m.kind != msgPid {
		return b.failed(m)
	}
	if err := b.own(int(m.value)); err != nil {
		return err
	}
	if _, err := b.start.Write([]byte{1}); err != nil {
		return fmt.Errorf("prepare a sandbox: %w", err)
	}
	if b.spec.Net == NetOwn {
		n := &inside{socket: b.keeper.socket, open: b.keeper.open}
		if err := configure(n.socket); err != nil {
			return err
		}
		b.network = n
	}
	return nil
}

// request is what the keeper is asked for: the three numbers of a socket, and
// for each of Openable whether that shall be opened instead. Each takes 32 bits.
var requestSize = 4 * (3 + len(Openable))

// keeper adds what the keeper does once it has made the sandbox's process: it
// tells its ID, makes sockets and opens files as long as somebody asks,
// and kills it then.
func (s *script) keeper(message, pidfd word) {
	s.call("report", unix.SYS_WRITE, reportFD, s.at(message), headerSize)
	for fd := range controlFD {
		s.call("close descriptors", unix.SYS_CLOSE, fd)
	}
	req, errno := s.words(3+len(Openable)), s.words(1)
	var opens []int
	cmsg := s.words(unix.CmsgSpace(4)/4 + 2)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&s.memory[cmsg]))
	h.Level, h.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS
	h.SetLen(unix.CmsgLen(4))
	fd := cmsg + word(unix.CmsgLen(0)/4)

	zero := make([]byte, 4)
	s.keep = append(s.keep, zero)
	descriptor := &unix.Msghdr{Iov: &unix.Iovec{Base: &zero[0]}, Iovlen: 1, Control: (*byte)(unsafe.Pointer(h))}
	descriptor.Iov.SetLen(4)
	descriptor.SetControllen(unix.CmsgSpace(4))

	loop := s.here()
	read := s.call("wait", unix.SYS_READ, controlFD, s.at(req), requestSize)
	read.onError = loop // set below
	at := len(s.steps) - 1
	for i, name := range Openable {
		st := s.call("open "+name, unix.SYS_OPENAT, here, name, openFlags, 0)
		st.when, st.to, st.errTo = uint16(req)+3+uint16(i), uint16(fd), uint16(errno)
		opens = append(opens, len(s.steps)-1)
	}
	st := s.call("make a socket", unix.SYS_SOCKET, req, req+1, req+2)
	st.to, st.errTo, st.onError = uint16(fd), uint16(errno), s.here()+3
	made := s.here()
	s.call("hand it over", unix.SYS_SENDMSG, controlFD, unsafe.Pointer(descriptor), unix.MSG_NOSIGNAL)
	s.call("close it", unix.SYS_CLOSE, fd)
	s.call("go on", unix.SYS_GETPID).onNonzero = loop
	for _, i := range opens {
		st := &s.steps[i]
		st.onZero, st.onNonzero, st.onError = made, made, s.here()
	}
	s.call("say why not", unix.SYS_WRITE, controlFD, s.at(errno), 4)
	s.call("go on", unix.SYS_GETPID).onNonzero = loop
	s.steps[at].onZero, s.steps[at].onError = s.here(), s.here()
	// However slipway ended, and whatever the program did about it.
	s.call("end the sandbox", unix.SYS_PIDFD_SEND_SIGNAL, pidfd, int(unix.SIGKILL), 0, 0).accept = unix.ESRCH
	s.call("end", unix.SYS_EXIT_GROUP, 0)
}

// socket asks for a socket.
func (k *keeper) socket(domain, kind, protocol int) (int, error) {
	return k.ask(domain, kind, protocol, -1)
}

// open asks for a file.
func (k *keeper) open(name string) (int, error) {
	return k.ask(0, 0, 0, slices.Index(Openable, name))
}

func (k *keeper) ask(domain, kind, protocol, file int) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.control < 0 {
		return -1, os.ErrClosed
	}
	e := binary.NativeEndian
	req := make([]byte, 0, requestSize)
	for _, v := range []int{domain, kind, protocol} {
		req = e.AppendUint32(req, uint32(v))
	}
	for i := range Openable {
		wanted := uint32(0)
		if i == file {
			wanted = 1
		}
		req = e.AppendUint32(req, wanted)
	}
	if err := unix.Sendto(k.control, req, unix.MSG_NOSIGNAL, nil); err != nil {
		return -1, err
	}
	answer, oob := make([]byte, 4), make([]byte, unix.CmsgSpace(4))
	var n, oobn int
	for {
		var err error
		n, oobn, _, _, err = unix.Recvmsg(k.control, answer, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, err
		}
		break
	}
	if n != 4 {
		return -1, os.ErrClosed
	}
	if code := e.Uint32(answer); code != 0 {
		return -1, unix.Errno(code)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return -1, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			return fds[0], nil
		}
	}
	return -1, unix.EBADMSG
}

func (k *keeper) close() {
	k.mu.Lock()
	if k.control >= 0 {
		_ = unix.Close(k.control)
		k.control = -1
	}
	k.mu.Unlock()
	if k.process != nil {
		_ = k.process.Kill()
		_, _ = k.process.Wait()
	}
}

// newIDMap says how users are mapped. With newuidmap, which administrators set
// up, the IDs of a program are not those of the owner of its files; without,
// there is one user and one group.
func newIDMap(spec Spec) (idMap, error) {
	if u, err := user.Current(); err == nil && subordinate("/etc/subuid", u) > spec.UID && subordinate("/etc/subgid", u) > spec.GID {
		_, uerr := exec.LookPath("newuidmap")
		_, gerr := exec.LookPath("newgidmap")
		if uerr == nil && gerr == nil {
			return idMap{}, nil
		}
	}
	if len(spec.Groups) > 0 {
		return idMap{}, fmt.Errorf("supplementary groups %v without newuidmap and newgidmap: %w", spec.Groups, ErrUnsupported)
	}
	return idMap{single: true}, nil
}

// subordinate is how many IDs a user has been given, by subuid(5).
func subordinate(name string, u *user.User) int {
	b, _ := os.ReadFile(name)
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 3 && (f[0] == u.Username || f[0] == u.Uid) {
			n, _ := strconv.Atoi(f[2])
			return n
		}
	}
	return 0
}

func (m idMap) write(ctx context.Context, pid int, spec Spec) error {
	proc := "/proc/" + strconv.Itoa(pid) + "/"
	if m.single {
		for _, f := range [][2]string{
			{"setgroups", "deny"},
			{"uid_map", fmt.Sprintf("%d %d 1", spec.UID, os.Geteuid())},
			{"gid_map", fmt.Sprintf("%d %d 1", spec.GID, os.Getegid())},
		} {
			if err := os.WriteFile(proc+f[0], []byte(f[1]), 0); err != nil {
				return fmt.Errorf("map users: %w", err)
			}
		}
		return nil
	}
	u, err := user.Current()
	if err != nil {
		return err
	}
	for _, t := range []struct {
		tool, file string
		own        int
	}{{"newuidmap", "/etc/subuid", os.Geteuid()}, {"newgidmap", "/etc/subgid", os.Getegid()}} {
		first, count := subordinateRange(t.file, u)
		args := []string{strconv.Itoa(pid), "0", strconv.Itoa(t.own), "1", "1", first, count}
		if out, err := exec.CommandContext(ctx, t.tool, args...).CombinedOutput(); err != nil {
			return errors.Join(fmt.Errorf("map users: %s: %w", t.tool, err), errors.New(strings.TrimSpace(string(out))))
		}
	}
	return nil
}

func subordinateRange(name string, u *user.User) (first, count string) {
	b, _ := os.ReadFile(name)
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 3 && (f[0] == u.Username || f[0] == u.Uid) {
			return f[1], f[2]
		}
	}
	return "0", "0"
}
