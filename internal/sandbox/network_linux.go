package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maker makes a socket in the network of a sandbox.
type maker func(domain, kind, protocol int) (fd int, err error)

// openFlags are those of Openable. What is opened stays as it is when it goes
// from one process to another.
const openFlags = unix.O_RDWR | unix.O_CLOEXEC | unix.O_NONBLOCK

// inside is the network of its own of a sandbox. A socket belongs to the
// network of the thread that makes it, and to that for ever: so the methods
// let package net do everything and only put a socket from inside in the place
// of the one it has just made.
type inside struct {
	socket maker
	open   func(name string) (fd int, err error)
}

// network gives a thread a network of its own.
func (t *thread) network() (Network, error) {
	n := &inside{socket: t.socket, open: t.open}
	return n, t.do(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network: %w", err)
		}
		return configure(unix.Socket)
	})
}

func (t *thread) socket(domain, kind, protocol int) (fd int, err error) {
	err = t.do(func() error {
		fd, err = unix.Socket(domain, kind, protocol)
		return err
	})
	return fd, err
}

func (t *thread) open(name string) (fd int, err error) {
	err = t.do(func() error {
		fd, err = unix.Open(name, openFlags, 0)
		return err
	})
	return fd, err
}

func (n *inside) Own() bool { return true }

func (n *inside) Socket(domain, kind, protocol int) (int, error) {
	fd, err := n.socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	return fd, os.NewSyscallError("socket", err)
}

func (n *inside) Open(name string) (int, error) {
	if !slices.Contains(Openable, name) {
		return -1, &os.PathError{Op: "open", Path: name, Err: ErrUnsupported}
	}
	fd, err := n.open(name)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// transports are the networks that make sense: unix sockets are files.
var transports = []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}

// literal replaces the names that are known without asking a name server: what
// this machine would answer is of no meaning inside.
func literal(network, addr string) (string, error) {
	if !slices.Contains(transports, network) {
		return "", net.UnknownNetworkError(network)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if host == "localhost" {
		host = "127.0.0.1"
		if strings.HasSuffix(network, "6") {
			host = "::1"
		}
	}
	if ip, _, _ := strings.Cut(host, "%"); host != "" && net.ParseIP(ip) == nil {
		return "", &net.AddrError{Err: "a sandbox is reached by IP address", Addr: addr}
	}
	return net.JoinHostPort(host, port), nil
}

func (n *inside) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	addr, err := literal(network, addr)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Control: n.control}
	d.SetMultipathTCP(false)
	return d.DialContext(ctx, network, addr)
}

func (n *inside) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	addr, err := literal(network, addr)
	if err != nil {
		return nil, err
	}
	c := net.ListenConfig{Control: n.control}
	c.SetMultipathTCP(false)
	return c.Listen(ctx, network, addr)
}

func (n *inside) ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	addr, err := literal(network, addr)
	if err != nil {
		return nil, err
	}
	c := net.ListenConfig{Control: n.control}
	return c.ListenPacket(ctx, network, addr)
}

// control puts a socket from inside in the place of one that package net has
// made and not yet used.
func (n *inside) control(_, _ string, c syscall.RawConn) error {
	var err error
	cerr := c.Control(func(fd uintptr) { err = n.replace(int(fd)) })
	if cerr != nil {
		return cerr
	}
	return err
}

func (n *inside) replace(fd int) error {
	var of [3]int
	for i, option := range []int{unix.SO_DOMAIN, unix.SO_TYPE, unix.SO_PROTOCOL} {
		v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
		if err != nil {
			return os.NewSyscallError("getsockopt", err)
		}
		of[i] = v
	}
	s, err := n.socket(of[0], of[1]|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, of[2])
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(s)
	options := [][2]int{{unix.SOL_SOCKET, unix.SO_BROADCAST}, {unix.SOL_SOCKET, unix.SO_REUSEADDR}}
	if of[0] == unix.AF_INET6 {
		options = append(options, [2]int{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY})
	}
	for _, o := range options {
		v, err := unix.GetsockoptInt(fd, o[0], o[1])
		if err == nil {
			err = unix.SetsockoptInt(s, o[0], o[1], v)
		}
		if err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("dup3", unix.Dup3(s, fd, unix.O_CLOEXEC))
}

// configure brings up the loopback interface and makes every address lead to
// it, as "ip route add local default dev lo" does.
func configure(open maker) error {
	s, err := open(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up the loopback interface: %w", err)
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		err := addLocalRoute(open, family)
		if family == unix.AF_INET6 && (err == unix.EOPNOTSUPP || err == unix.EAFNOSUPPORT || err == unix.EACCES) {
			continue // this machine has no IPv6
		}
		if err != nil {
			return fmt.Errorf("lead every address to the loopback interface: %w", err)
		}
	}
	return nil
}

// addLocalRoute sends one message of rtnetlink(7) and reads the answer.
func addLocalRoute(open maker, family uint8) error {
	s, err := open(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	const loopback = 1 // index of lo in every network namespace
	scope := uint8(unix.RT_SCOPE_HOST)
	if family == unix.AF_INET6 {
		scope = unix.RT_SCOPE_UNIVERSE
	}
	e := binary.NativeEndian
	m := make([]byte, 0, 64)
	m = e.AppendUint32(m, unix.SizeofNlMsghdr+unix.SizeofRtMsg+8)
	m = e.AppendUint16(m, unix.RTM_NEWROUTE)
	m = e.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	m = e.AppendUint32(m, 1)
	m = e.AppendUint32(m, 0)
	m = append(m, family, 0, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, scope, unix.RTN_LOCAL)
	m = e.AppendUint32(m, 0)
	m = e.AppendUint16(m, 8)
	m = e.AppendUint16(m, unix.RTA_OIF)
	m = e.AppendUint32(m, loopback)
	if err := unix.Sendto(s, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	k, _, err := unix.Recvfrom(s, answer, 0)
	if err != nil {
		return err
	}
	if k < unix.SizeofNlMsghdr+4 || e.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return unix.EBADMSG
	}
	if code := int32(e.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}
