package compare

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Probe is where a server is asked.
type Probe struct {
	Scheme string // http or https
	Addr   string // host:port in the sandbox's network
	Path   string
}

func (p Probe) String() string { return p.Scheme + "://" + p.Addr + p.Path }

// Port is the port of Addr.
func (p Probe) Port() string {
	_, port, _ := net.SplitHostPort(p.Addr) // ParseProbe has made sure of it
	return port
}

// ParseProbe reads http://:8080/healthz. The host is the loopback address
// unless it is named.
func ParseProbe(s string) (Probe, error) {
	bad := fault.UsageError(i18n.M("compare.probe", s), i18n.M("compare.probe.hint"))
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Port() == "" {
		return Probe{}, bad
	}
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	return Probe{Scheme: u.Scheme, Addr: net.JoinHostPort(host, u.Port()), Path: u.RequestURI()}, nil
}

// ask sends the two requests. There is no time in v if the server is not ready
// yet; then it gives the status of its answer, if there was one.
func ask(ctx context.Context, conn net.Conn, probe Probe, began, connected time.Time, pid int, v map[Metric]float64) (status int, err error) {
	if d, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(d); err != nil {
			return 0, fmt.Errorf("bound the request: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if probe.Scheme == "https" {
		// Whose certificate it is plays no part in how long it takes.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec
	}
	r := bufio.NewReader(conn)
	status, err = request(conn, r, probe)
	first := time.Now()
	if err != nil || status/100 != 2 {
		return status, err
	}
	usage(pid, v)
	v[Ready], v[First] = float64(first.Sub(began)), float64(first.Sub(connected))
	again := time.Now()
	if status, err = request(conn, r, probe); err == nil && status/100 == 2 {
		v[Second] = float64(time.Since(again))
	}
	return http.StatusOK, nil
}

// maxBody bounds what is read of an answer.
const maxBody = 64 << 20

func request(w io.Writer, r *bufio.Reader, probe Probe) (status int, err error) {
	if _, err := io.WriteString(w, "GET "+probe.Path+" HTTP/1.1\r\nHost: "+probe.Addr+"\r\nUser-Agent: slipway\r\nAccept: */*\r\n\r\n"); err != nil {
		return 0, fmt.Errorf("send request: %w", err)
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if n > maxBody {
		return 0, &errCell{msg: i18n.M("compare.answer.large", maxBody>>20)}
	}
	return resp.StatusCode, nil
}
