package compare

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// placed chooses a free port if the program is told which one to take.
func (m *meter) placed(s sandbox.Spec) (sandbox.Spec, Probe, error) {
	uses := func(list []string) bool {
		for _, v := range list {
			if strings.Contains(v, PortMark) {
				return true
			}
		}
		return false
	}
	if !uses(s.Args) && !uses(s.Env) {
		return s, m.probe, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return s, m.probe, fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if cerr := ln.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return s, m.probe, fmt.Errorf("find a free port: %w", err)
	}
	replace := func(list []string) []string {
		out := make([]string, len(list))
		for i, v := range list {
			out[i] = strings.ReplaceAll(v, PortMark, port)
		}
		return out
	}
	s.Args, s.Env = replace(s.Args), replace(s.Env)
	p := m.probe
	if host, _, err := net.SplitHostPort(p.Addr); err == nil {
		p.Addr = net.JoinHostPort(host, port)
	}
	return s, p, nil
}

// PortMark stands for a free port in arguments and variables.
const PortMark = "{port}"

// free makes sure that nobody else answers there.
func free(ctx context.Context, n sandbox.Network, addr string) error {
	conn, err := n.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil
	}
	conn.Close()
	return fault.UsageError(i18n.M("compare.port", addr), i18n.M("compare.port.hint", PortMark))
}
