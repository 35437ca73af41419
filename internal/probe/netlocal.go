package probe

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// local says what network there is, without sending anything.
func (n *Net) local(r *Report) {
	ifs, err := net.Interfaces()
	if err != nil {
		r.add(Step{Status: Warn, What: i18n.M("probe.net.interfaces"), Seen: cause(err)})
	}
	outside := false
	for _, i := range ifs {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		f := Interface{Name: i.Name, MTU: i.MTU, Addresses: []string{}}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			f.Addresses = append(f.Addresses, a.String())
		}
		n.Interfaces = append(n.Interfaces, f)
		st := Step{Status: Info, What: i18n.M("probe.net.interface", i.Name), Seen: fmt.Sprintf("%s mtu=%d", orNone(list(f.Addresses, 4)), i.MTU)}
		if i.Flags&net.FlagLoopback == 0 {
			outside = outside || len(f.Addresses) > 0
			if i.MTU < 1500 {
				st.Note = i18n.M("probe.net.mtu")
			}
		}
		r.add(st)
	}
	if !outside {
		r.add(Step{Status: Warn, What: i18n.M("probe.net.interfaces"), Seen: "lo", Note: i18n.M("probe.net.onlylo")})
	}
	n.Routes = routes()
	for _, rt := range n.Routes {
		if rt.Destination == "0.0.0.0/0" || rt.Destination == "::/0" {
			r.add(Step{Status: Info, What: i18n.M("probe.net.route"), Seen: fmt.Sprintf("%s via %s dev %s", rt.Destination, orNone(rt.Gateway), rt.Interface)})
		}
	}
	n.Listening = listening()
	if len(n.Listening) > 0 {
		r.add(Step{Status: Info, What: i18n.M("probe.net.listening"), Seen: list(n.Listening, 8)})
	}
}

// routes reads the tables of the kernel; nothing elsewhere than on Linux.
func routes() []Route {
	var out []Route
	b, _ := os.ReadFile("/proc/net/route")
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		dst, ok := hexAddr(f[1])
		gw, ok2 := hexAddr(f[2])
		mask, ok3 := hexAddr(f[7])
		if !ok || !ok2 || !ok3 {
			continue
		}
		ones := 0
		for _, m := range mask.AsSlice() {
			for ; m != 0; m <<= 1 {
				ones++
			}
		}
		rt := Route{Destination: netip.PrefixFrom(dst, ones).String(), Interface: f[0]}
		if !gw.IsUnspecified() {
			rt.Gateway = gw.String()
		}
		out = append(out, rt)
	}
	b, _ = os.ReadFile("/proc/net/ipv6_route")
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[9] == "lo" {
			continue
		}
		dst, err := hex.DecodeString(f[0])
		gw, err2 := hex.DecodeString(f[4])
		ones, err3 := strconv.ParseUint(f[1], 16, 8)
		if err != nil || err2 != nil || err3 != nil || len(dst) != 16 || len(gw) != 16 {
			continue
		}
		rt := Route{Destination: netip.PrefixFrom(netip.AddrFrom16([16]byte(dst)), int(ones)).String(), Interface: f[9]}
		if g := netip.AddrFrom16([16]byte(gw)); !g.IsUnspecified() {
			rt.Gateway = g.String()
		}
		out = append(out, rt)
	}
	return out
}

// hexAddr reads an address of /proc/net: words of 32 bits in the byte order of
// the machine, which is little endian wherever we run.
func hexAddr(s string) (netip.Addr, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.Addr{}, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return netip.AddrFromSlice(b)
}

// stateListen is TCP_LISTEN of include/net/tcp_states.h.
const stateListen = "0A"

func listening() []string {
	var out []string
	for _, f := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(f)
		for line := range strings.Lines(string(b)) {
			w := strings.Fields(line)
			if len(w) < 4 || w[3] != stateListen {
				continue
			}
			ip, port, _ := strings.Cut(w[1], ":")
			a, ok := hexAddr(ip)
			p, err := strconv.ParseUint(port, 16, 16)
			if ok && err == nil {
				out = append(out, netip.AddrPortFrom(a, uint16(p)).String())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
