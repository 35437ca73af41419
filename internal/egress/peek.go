package egress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	peekTime  = 1500 * time.Millisecond // to say the first word; who waits for the server says none
	peekBytes = 32 << 10
)

// peek reads what the program says first on c into call, answers nothing but
// the CONNECT of a proxy, and closes c.
func peek(c net.Conn, call *Call) {
	defer c.Close()
	if c.SetDeadline(time.Now().Add(peekTime)) != nil {
		return
	}
	br := bufio.NewReader(io.LimitReader(c, peekBytes))
	for range 2 { // once more after CONNECT
		first, err := br.Peek(1)
		if err != nil {
			return
		}
		if first[0] == 0x16 { // a TLS record with a handshake
			call.SNI = serverName(c, br)
			return
		}
		line, _ := br.Peek(min(br.Buffered(), 16))
		if !looksHTTP(line) {
			return
		}
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		call.HTTP, call.Host = trim(req.Method+" "+req.RequestURI), trim(req.Host)
		if req.URL.IsAbs() {
			call.Proxy = true
		}
		if req.Method != http.MethodConnect {
			return
		}
		call.Proxy = true
		if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
			return
		}
	}
}

// trim keeps what a stranger says short enough for a table.
func trim(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func looksHTTP(b []byte) bool {
	method, _, ok := bytes.Cut(b, []byte(" "))
	if !ok || len(method) == 0 {
		return false
	}
	for _, c := range method {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

var errSeen = errors.New("seen")

// serverName reads a TLS hello. The library parses it; nothing is answered.
func serverName(c net.Conn, r io.Reader) string {
	var name string
	t := tls.Server(mute{c, r}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		name = trim(h.ServerName)
		return nil, errSeen
	}})
	// Its own deadline is on c.
	_ = t.HandshakeContext(context.Background())
	return name
}

// mute is a connection that says nothing.
type mute struct {
	net.Conn
	r io.Reader
}

func (m mute) Read(b []byte) (int, error)  { return m.r.Read(b) }
func (m mute) Write(b []byte) (int, error) { return len(b), nil }

// splice copies both ways until both ends are done, and closes them.
func splice(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() {
		a.Close()
		b.Close()
	})
	defer stop()
	defer a.Close()
	defer b.Close()
	done := make(chan struct{})
	half := func(dst, src net.Conn) {
		_, err := io.Copy(dst, src)
		if w, ok := dst.(interface{ CloseWrite() error }); ok && err == nil {
			_ = w.CloseWrite()
			return
		}
		dst.Close()
	}
	go func() {
		defer close(done)
		half(a, b)
	}()
	half(b, a)
	<-done
}
