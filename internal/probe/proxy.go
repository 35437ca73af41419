package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"
)

// Proxy is what net/http would do about proxies for one address
// (http.ProxyFromEnvironment).
type Proxy struct {
	URL   string `json:"url,omitempty"`   // without a password; empty: none is used
	From  string `json:"from,omitempty"`  // the variable that decided, or --proxy
	Value string `json:"value,omitempty"` // of that variable, without passwords
	Error string `json:"error,omitempty"` // why the variable is of no use

	url *url.URL
}

// variable gives the value of the first name that is set, as x/net/http/httpproxy
// does: the one in capitals is stronger.
func variable(sys System, names ...string) (name, value string) {
	for _, n := range names {
		if v := sys.getenv(n); v != "" {
			return n, v
		}
	}
	return "", ""
}

// decideProxy says which proxy net/http would use for a URL, and which variable
// decides. CGI programs are not thought of: REQUEST_METHOD turns HTTP_PROXY off
// there.
func decideProxy(sys System, target *url.URL) Proxy {
	httpsName, https := variable(sys, "HTTPS_PROXY", "https_proxy")
	httpName, plain := variable(sys, "HTTP_PROXY", "http_proxy")
	noName, no := variable(sys, "NO_PROXY", "no_proxy")
	cfg := httpproxy.Config{HTTPProxy: plain, HTTPSProxy: https, NoProxy: no, CGI: sys.getenv("REQUEST_METHOD") != ""}
	name, value := httpName, plain
	if target.Scheme == "https" {
		name, value = httpsName, https
	}
	p := Proxy{From: name, Value: redacted(value)}
	u, err := cfg.ProxyFunc()(target)
	switch {
	case err != nil:
		p.Error = err.Error()
	case u != nil:
		p.url, p.URL = u, u.Redacted()
	case value == "":
		p = Proxy{}
	default:
		cfg.NoProxy = ""
		if again, _ := cfg.ProxyFunc()(target); again != nil {
			p.From, p.Value = noName, no
		} else {
			p.From, p.Value = "loopback", target.Hostname()
		}
	}
	return p
}

func redacted(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return u.Redacted()
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "xxxxx" + s[i:]
	}
	return s
}

// proxyFlag is the proxy that --proxy names.
func proxyFlag(s string) (Proxy, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return Proxy{}, fmt.Errorf("%s is no address of a proxy", redacted(s))
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return Proxy{}, fmt.Errorf("no proxy speaks %s", u.Scheme)
	}
	return Proxy{URL: u.Redacted(), From: "--proxy", Value: u.Redacted(), url: u}, nil
}

// proxyRefusal is a proxy that says no.
type proxyRefusal struct {
	status string
	code   int
}

func (e *proxyRefusal) Error() string { return "the proxy answers CONNECT with " + e.status }

// connect makes a connection to addr, through p if it names a proxy. The
// proxy's own certificate is verified against roots.
func (p Proxy) connect(ctx context.Context, addr string, tlsConfig *tls.Config) (net.Conn, error) {
	var d net.Dialer
	if p.url == nil {
		return d.DialContext(ctx, "tcp", addr)
	}
	if strings.HasPrefix(p.url.Scheme, "socks5") {
		var auth *proxy.Auth
		if u := p.url.User; u != nil {
			auth = &proxy.Auth{User: u.Username()}
			auth.Password, _ = u.Password()
		}
		s, err := proxy.SOCKS5("tcp", withPort(p.url.Host, "1080"), auth, &d)
		if err != nil {
			return nil, err
		}
		cd, ok := s.(proxy.ContextDialer)
		if !ok {
			return nil, errors.ErrUnsupported
		}
		return cd.DialContext(ctx, "tcp", addr)
	}
	port := "80"
	if p.url.Scheme == "https" {
		port = "443"
	}
	conn, err := d.DialContext(ctx, "tcp", withPort(p.url.Host, port))
	if err != nil {
		return nil, fmt.Errorf("dial the proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	out, err := p.tunnel(ctx, conn, addr, tlsConfig)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return out, nil
}

func (p Proxy) tunnel(ctx context.Context, conn net.Conn, addr string, tlsConfig *tls.Config) (net.Conn, error) {
	if p.url.Scheme == "https" {
		c := &tls.Config{ServerName: p.url.Hostname()}
		if tlsConfig != nil {
			c.RootCAs = tlsConfig.RootCAs
		}
		t := tls.Client(conn, c)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("handshake with the proxy: %w", err)
		}
		conn = t
	}
	req := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if u := p.url.User; u != nil {
		pass, _ := u.Password()
		req += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+pass)) + "\r\n"
	}
	if _, err := conn.Write([]byte(req + "\r\n")); err != nil {
		return nil, fmt.Errorf("ask the proxy: %w", err)
	}
	br := bufio.NewReaderSize(&oneByOne{conn, 32 << 10}, 16)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, fmt.Errorf("read the proxy's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &proxyRefusal{resp.Status, resp.StatusCode}
	}
	return conn, nil
}

// oneByOne gives a reader no more than it asks for next, so that nothing of
// what follows the proxy's answer is taken, and ends after left bytes.
type oneByOne struct {
	net.Conn
	left int
}

func (o *oneByOne) Read(b []byte) (int, error) {
	if o.left <= 0 {
		return 0, errors.New("answer without an end")
	}
	o.left--
	return o.Conn.Read(b[:min(len(b), 1)])
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
