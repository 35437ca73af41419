package sandbox

import (
	"context"
	"net"
)

// hostNetwork is the network of this machine.
type hostNetwork struct{}

func (hostNetwork) Own() bool { return false }

func (hostNetwork) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

func (hostNetwork) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, network, addr)
}

func (hostNetwork) ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	var c net.ListenConfig
	return c.ListenPacket(ctx, network, addr)
}

func (hostNetwork) Socket(int, int, int) (int, error) { return -1, ErrUnsupported }

func (hostNetwork) Open(string) (int, error) { return -1, ErrUnsupported }
