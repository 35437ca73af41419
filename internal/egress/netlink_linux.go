package egress

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/sandbox"
)

// netlink speaks the few sentences of rtnetlink(7) that are needed here.
type netlink struct {
	fd  int
	seq uint32
}

func openNetlink(n sandbox.Network) (*netlink, error) {
	fd, err := n.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &netlink{fd: fd}, nil
}

func (n *netlink) close() { unix.Close(n.fd) }

// ask sends one request and waits for its acknowledgement.
func (n *netlink) ask(typ uint16, flags uint16, body []byte) error {
	n.seq++
	b := make([]byte, 16, 16+len(body))
	binary.NativeEndian.PutUint32(b, uint32(16+len(body)))
	binary.NativeEndian.PutUint16(b[4:], typ)
	binary.NativeEndian.PutUint16(b[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(b[8:], n.seq)
	if err := unix.Sendto(n.fd, append(b, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send to netlink: %w", err)
	}
	in := make([]byte, 8192)
	for {
		m, _, err := unix.Recvfrom(n.fd, in, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("read from netlink: %w", err)
		}
		if m < 20 || binary.NativeEndian.Uint16(in[4:]) != unix.NLMSG_ERROR || binary.NativeEndian.Uint32(in[8:]) != n.seq {
			continue
		}
		if code := int32(binary.NativeEndian.Uint32(in[16:])); code != 0 {
			return unix.Errno(-code)
		}
		return nil
	}
}

func attr(typ uint16, v []byte) []byte {
	b := make([]byte, 4, 4+len(v)+3)
	binary.NativeEndian.PutUint16(b, uint16(4+len(v)))
	binary.NativeEndian.PutUint16(b[2:], typ)
	b = append(b, v...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func family(a netip.Addr) byte {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// up switches a device on.
func (n *netlink) up(index int) error {
	b := make([]byte, 16)
	b[0] = unix.AF_UNSPEC
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP)
	return n.ask(unix.RTM_NEWLINK, 0, b)
}

// address gives a device an address.
func (n *netlink) address(index int, p netip.Prefix) error {
	b := make([]byte, 8)
	b[0], b[1] = family(p.Addr()), byte(p.Bits())
	if p.Addr().Is6() {
		b[2] = unix.IFA_F_NODAD // nobody else can have it
	}
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	a := p.Addr().AsSlice()
	b = append(b, attr(unix.IFA_LOCAL, a)...)
	b = append(b, attr(unix.IFA_ADDRESS, a)...)
	return n.ask(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, b)
}

// route adds (or, with del, removes) a default route.
func (n *netlink) route(del bool, fam, table, scope, kind byte, index int) error {
	b := make([]byte, 12)
	b[0], b[4], b[5], b[6], b[7] = fam, table, unix.RTPROT_BOOT, scope, kind
	typ, flags := uint16(unix.RTM_NEWROUTE), uint16(unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	if del {
		typ, flags, b[5] = unix.RTM_DELROUTE, 0, unix.RTPROT_UNSPEC
	}
	oif := make([]byte, 4)
	binary.NativeEndian.PutUint32(oif, uint32(index))
	return n.ask(typ, flags, append(b, attr(unix.RTA_OIF, oif)...))
}
