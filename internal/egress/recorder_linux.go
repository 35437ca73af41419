package egress

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/sandbox"
)

// Addresses of the recorder. The program sees self as its own network's; peer
// is who its calls seem to come back from.
var (
	self4 = netip.MustParseAddr(Self)
	peer4 = netip.MustParseAddr("198.18.0.2")
	self6 = netip.MustParseAddr("fd5c::1")
	peer6 = netip.MustParseAddr("fd5c::2")
)

const (
	device  = "eth0" // what a program sees in a container, too
	mtu     = 1500
	firstID = 1024 // of the ports that stand for a connection
	maxConn = 1<<16 - firstID
)

// flow is one connection of the program, by its two ends.
type flow struct{ src, dst netip.AddrPort }

// nat keeps which connection stands behind which port of peer.
type nat struct {
	mu    sync.Mutex
	id    map[flow]uint16
	flows map[uint16]flow
	calls map[uint16]*Call
	next  int
}

// tun is the device with what is needed to work on its packets.
type tun struct {
	r      *Recorder
	f      *os.File
	nat    nat
	listen map[bool]netip.AddrPort // by IPv6
}

// Start puts the world outside around a network of its own. It is
// sandbox.ErrUnsupported where that cannot be done. The caller closes the
// Recorder before the network goes.
func Start(ctx context.Context, n sandbox.Network, o Options) (*Recorder, error) {
	if !n.Own() {
		return nil, fmt.Errorf("record calls: %w: the program shares this machine's network", sandbox.ErrUnsupported)
	}
	r := newRecorder(ctx, o)
	t := &tun{r: r, listen: map[bool]netip.AddrPort{}, nat: nat{id: map[flow]uint16{}, flows: map[uint16]flow{}, calls: map[uint16]*Call{}}}
	var err error
	if t.f, err = openTUN(n, o.NoIPv6); err != nil {
		r.cancel()
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w: %w", sandbox.ErrUnsupported, err)
		}
		return nil, fmt.Errorf("record calls: %w", err)
	}
	listeners, err := t.listeners(ctx, n, o.NoIPv6)
	if err != nil {
		r.cancel()
		t.f.Close()
		return nil, fmt.Errorf("record calls: %w", err)
	}
	r.stop = func() {
		for _, l := range listeners {
			l.Close()
		}
		t.f.Close()
	}
	for _, l := range listeners {
		r.wg.Go(func() { t.accept(l) })
	}
	r.wg.Go(t.loop)
	return r, nil
}

func (t *tun) listeners(ctx context.Context, n sandbox.Network, noIPv6 bool) ([]net.Listener, error) {
	var ls []net.Listener
	for _, a := range []netip.Addr{self4, self6} {
		if a.Is6() && noIPv6 {
			continue
		}
		l, err := n.Listen(ctx, "tcp", netip.AddrPortFrom(a, 0).String())
		if err != nil {
			for _, l := range ls {
				l.Close()
			}
			return nil, err
		}
		ls = append(ls, l)
		t.listen[a.Is6()] = netip.AddrPortFrom(a, uint16(l.Addr().(*net.TCPAddr).Port))
	}
	return ls, nil
}

// openTUN makes the device and the routes to it. Who owns the network may do
// that from outside, as long as everything was opened in it.
func openTUN(n sandbox.Network, noIPv6 bool) (*os.File, error) {
	fd, err := n.Open(sandbox.TUN)
	if err != nil {
		return nil, fmt.Errorf("open the device: %w", err)
	}
	ok := false
	defer func() {
		if !ok {
			unix.Close(fd)
		}
	}()
	req, err := unix.NewIfreq(device)
	if err != nil {
		return nil, fmt.Errorf("name the device: %w", err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, fmt.Errorf("make device %s: %w", device, err)
	}
	if err := configure(n, noIPv6); err != nil {
		return nil, err
	}
	ok = true
	return os.NewFile(uintptr(fd), sandbox.TUN), nil
}

func configure(n sandbox.Network, noIPv6 bool) error {
	if noIPv6 {
		if err := switchIPv6Off(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("switch IPv6 off: %w", err)
		}
	}
	index, err := indexOf(n, device)
	if err != nil {
		return fmt.Errorf("find device %s: %w", device, err)
	}
	nl, err := openNetlink(n)
	if err != nil {
		return err
	}
	defer nl.close()
	if err := nl.up(index); err != nil {
		return fmt.Errorf("switch device %s on: %w", device, err)
	}
	prefixes := []netip.Prefix{netip.PrefixFrom(self4, 32), netip.PrefixFrom(self6, 128)}
	if noIPv6 {
		prefixes = prefixes[:1]
	}
	for _, p := range prefixes {
		if err := nl.address(index, p); err != nil {
			return fmt.Errorf("give device %s the address %s: %w", device, p, err)
		}
		fam := family(p.Addr())
		// A network of its own may lead every address back to itself; then no
		// packet would ever come here. The loopback device is always the first.
		for _, table := range []byte{unix.RT_TABLE_LOCAL, unix.RT_TABLE_MAIN} {
			for nl.route(true, fam, table, unix.RT_SCOPE_NOWHERE, unix.RTN_LOCAL, 1) == nil {
			}
		}
		scope := byte(unix.RT_SCOPE_LINK)
		if p.Addr().Is6() {
			scope = unix.RT_SCOPE_UNIVERSE
		}
		if err := nl.route(false, fam, unix.RT_TABLE_MAIN, scope, unix.RTN_UNICAST, index); err != nil {
			return fmt.Errorf("route to device %s: %w", device, err)
		}
	}
	return nil
}

func switchIPv6Off(n sandbox.Network) error {
	fd, err := n.Open(sandbox.IPv6Switch)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("1"))
	return os.NewSyscallError("write", err)
}

// indexOf is the number of a device.
func indexOf(n sandbox.Network, name string) (int, error) {
	fd, err := n.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	return int(req.Uint32()), nil
}

func (t *tun) loop() {
	b := make([]byte, mtu+512)
	for {
		n, err := t.f.Read(b)
		if err != nil {
			return
		}
		p, ok := parse(b[:n])
		if !ok {
			continue
		}
		if p.proto == protoUDP {
			t.udp(p)
		} else {
			t.tcp(p)
		}
	}
}

// send writes a packet; one that the kernel does not take is lost, as packets
// are.
func (t *tun) send(p packet) { _, _ = t.f.Write(p.raw) }

func (t *tun) udp(p packet) {
	r := t.r
	if p.dst.Addr().IsMulticast() {
		return
	}
	if p.dst.Port() == 53 {
		rep, call, ok := r.answer(p.payload(), p.dst.Addr(), false)
		if !ok {
			return
		}
		r.record(call)
		if rep.msg == nil {
			return
		}
		out := p.datagram(rep.msg)
		if rep.delay == 0 {
			t.send(out)
			return
		}
		r.wg.Go(func() {
			if wait(r.ctx, rep.delay) {
				t.send(out)
			}
		})
		return
	}
	c := Call{At: time.Now(), Proto: "udp", Name: r.names.of(p.dst.Addr()), Addr: p.dst.Addr(), Port: p.dst.Port(), Outcome: Unreachable}
	if r.opts.Policy == Drop {
		c.Outcome = Dropped
		r.record(c)
		return
	}
	r.record(c)
	t.send(p.unreachable())
}

func (t *tun) tcp(p packet) {
	self := t.listen[p.v6]
	peer := peer4
	if p.v6 {
		peer = peer6
	}
	if p.src == self && p.dst.Addr() == peer {
		t.nat.mu.Lock()
		f, ok := t.nat.flows[p.dst.Port()]
		t.nat.mu.Unlock()
		if ok {
			p.rewrite(f.dst, f.src)
			t.send(p)
		}
		return
	}
	f := flow{p.src, p.dst}
	t.nat.mu.Lock()
	id, known := t.nat.id[f]
	t.nat.mu.Unlock()
	if !known {
		if p.flags()&(flagSYN|flagACK) != flagSYN {
			return
		}
		call := t.r.verdict(p.dst)
		switch call.Outcome {
		case Dropped:
			return
		case Refused:
			t.send(p.reset())
			return
		}
		if id, known = t.nat.add(f, call); !known {
			t.send(p.reset())
			return
		}
	}
	p.rewrite(netip.AddrPortFrom(peer, id), self)
	t.send(p)
}

// add gives a connection a port; !ok when there are too many.
func (n *nat) add(f flow, c *Call) (uint16, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.flows) >= maxConn {
		return 0, false
	}
	for {
		id := uint16(firstID + n.next%maxConn)
		n.next++
		if _, taken := n.flows[id]; !taken {
			n.id[f], n.flows[id], n.calls[id] = id, f, c
			return id, true
		}
	}
}

func (t *tun) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		from := c.RemoteAddr().(*net.TCPAddr).AddrPort()
		id := from.Port()
		t.nat.mu.Lock()
		f, ok := t.nat.flows[id]
		call := t.nat.calls[id]
		t.nat.mu.Unlock()
		if !ok || from.Addr().Unmap() != peer4 && from.Addr() != peer6 {
			c.Close()
			continue
		}
		t.r.wg.Go(func() {
			t.r.serve(c, f.dst, call)
			// The last packets of a connection still come by here.
			wait(t.r.ctx, 2*time.Second)
			t.nat.mu.Lock()
			delete(t.nat.id, f)
			delete(t.nat.flows, id)
			delete(t.nat.calls, id)
			t.nat.mu.Unlock()
		})
	}
}
