package trial

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/egress"
)

// Socket is one that the program listens on.
type Socket struct {
	Proto string         `json:"proto"` // tcp, udp
	Addr  netip.AddrPort `json:"addr"`  // [::]:8080 takes IPv4 as well, unless it was told otherwise
}

// loopback reports whether nobody outside can reach the socket.
func (s Socket) loopback() bool { return s.Addr.Addr().Unmap().IsLoopback() }

// listening gives the sockets that the network of process pid listens on.
func listening(pid int) []Socket {
	own := owned(pid)
	var out []Socket
	for _, f := range []struct{ name, proto, state string }{
		{"tcp", "tcp", "0A"}, {"tcp6", "tcp", "0A"}, {"udp", "udp", "07"}, {"udp6", "udp", "07"},
	} {
		file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/net/" + f.name)
		if err != nil {
			continue
		}
		out = append(out, parseSockets(file, f.proto, f.state, own)...)
		file.Close()
	}
	return out
}

// parseSockets reads a file of /proc/net, see proc_net_tcp.txt of the kernel.
// own are the inodes that count; nil: all do.
func parseSockets(r io.Reader, proto, state string, own map[string]bool) []Socket {
	var out []Socket
	sc := bufio.NewScanner(io.LimitReader(r, 8<<20))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 10 || f[3] != state {
			continue
		}
		if own != nil && !own[f[9]] {
			continue
		}
		addr, ok := hexAddr(f[1])
		// The recorder's own, where the owner of a socket cannot be seen.
		if !ok || own == nil && addr.Addr().String() == egress.Self {
			continue
		}
		// A UDP socket with a peer is a client.
		if remote, ok := hexAddr(f[2]); proto == "udp" && ok && remote.Port() != 0 {
			continue
		}
		out = append(out, Socket{Proto: proto, Addr: addr})
	}
	return out
}

// hexAddr reads an address as /proc/net has it: words in the order of the
// machine, all that slipway runs programs on being little-endian.
func hexAddr(s string) (netip.AddrPort, bool) {
	a, p, ok := strings.Cut(s, ":")
	b, err := hex.DecodeString(a)
	port, perr := strconv.ParseUint(p, 16, 16)
	if !ok || err != nil || perr != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr, uint16(port)), true
}

// owned gives the inodes of the sockets of all processes in the process's own
// PID namespace; nil if that cannot be seen.
func owned(pid int) map[string]bool {
	ns, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/pid")
	if err != nil {
		return nil
	}
	pids := []string{strconv.Itoa(pid)}
	if here, err := os.Readlink("/proc/self/ns/pid"); err == nil && here != ns {
		all, _ := filepath.Glob("/proc/[1-9]*/ns/pid")
		for _, p := range all {
			if l, err := os.Readlink(p); err == nil && l == ns {
				pids = append(pids, strings.Split(p, "/")[2])
			}
		}
	}
	own := map[string]bool{}
	for _, p := range pids {
		dir := "/proc/" + p + "/fd"
		fds, err := os.ReadDir(dir)
		if err != nil {
			return nil
		}
		for _, fd := range fds {
			l, err := os.Readlink(filepath.Join(dir, fd.Name()))
			if rest, ok := strings.CutPrefix(l, "socket:["); err == nil && ok {
				own[strings.TrimSuffix(rest, "]")] = true
			}
		}
	}
	return own
}
