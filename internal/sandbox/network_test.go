//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOwnNetwork(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		b, out := launch(t, c, Spec{Root: newRoot(t), UID: 65532, GID: 65532}, "addrs", "--", "serve", ":80")
		out.await(t, `"ready"`)
		if !strings.Contains(out.String(), `{"lo":"up|loopback|running"}`) {
			t.Errorf("interfaces: %s", out.String())
		}
		n := b.Network()
		if !n.Own() {
			t.Error("the network is not its own")
		}
		client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: n.DialContext, DisableKeepAlives: true}}
		for _, host := range []string{"localhost:80", "127.0.0.1:80", "[::1]:80", "203.0.113.7:80"} {
			resp, err := client.Get("http://" + host + "/")
			if err != nil {
				t.Error(err)
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(body) != "hello "+strings.TrimSuffix(host, ":80") && string(body) != "hello "+host {
				t.Errorf("%s: %q", host, body)
			}
		}
		if c, err := n.DialContext(within(t), "tcp", "example.org:80"); err == nil {
			_ = c.Close()
			t.Error("a name was resolved outside")
		}
		if c, err := n.DialContext(within(t), "unix", "/x"); err == nil {
			_ = c.Close()
			t.Error("a socket that is a file of this machine")
		}
		var d net.Dialer
		if conn, err := d.DialContext(within(t), "tcp", "127.0.0.1:80"); err == nil {
			_ = conn.Close()
			// Something of this machine may listen there, but not this.
			if resp, err := http.Get("http://127.0.0.1:80/"); err == nil {
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if strings.HasPrefix(string(body), "hello 127") {
					t.Error("the sandbox listens on this machine")
				}
			}
		}
	})
}

func TestListenInside(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		for _, address := range []string{"198.51.100.9:443", "[2001:db8::1]:443"} {
			var out buffer
			b := prepare(t, c, Spec{
				Root: newRoot(t), UID: 65532, GID: 65532, Stdout: &out, Stderr: &out,
				Args: []string{"/bin/guest", "dial", "tcp", address, "--", "dial", "tcp", "192.0.2.1:81"},
			})
			// Before the program runs, whoever it will call is listening.
			l, err := b.Network().Listen(within(t), "tcp", ":443")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			p, err := b.Network().ListenPacket(within(t), "udp", "127.0.0.53:53")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			got := make(chan string, 1)
			go func() {
				conn, err := l.Accept()
				if err != nil {
					got <- err.Error()
					return
				}
				got <- conn.LocalAddr().String()
				_, _ = io.WriteString(conn, "from outside")
				_ = conn.Close()
			}()
			if _, err := b.Start(within(t)); err != nil {
				t.Fatal(err)
			}
			if exit, err := b.Wait(within(t)); err != nil || exit.Code != 0 {
				t.Errorf("%+v, %v", exit, err)
			}
			_ = l.Close() // a call that has not come does not come any more
			if to := <-got; to != address {
				t.Errorf("called %s, expected %s", to, address)
			}
			if out.String() != "\"from outside\"\n\"ECONNREFUSED\"\n" {
				t.Errorf("output %s", out.String())
			}
		}
	})
}

// TestOpened opens what belongs to the network of who opens it: the number of
// its switch of IPv6 is the sandbox's, and a socket finds no device but lo.
func TestOpened(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		b := prepare(t, c, Spec{Root: newRoot(t), Args: []string{"/bin/guest"}})
		n := b.Network()
		s, err := n.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(s)
		for index, want := range map[uint32]string{1: "lo", 2: ""} {
			if name, err := interfaceName(s, index); name != want {
				t.Errorf("device %d is %q, %v", index, name, err)
			}
		}
		before, err := os.ReadFile(IPv6Switch)
		if err == nil {
			fd, err := n.Open(IPv6Switch)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := unix.Write(fd, []byte("1")); err != nil {
				t.Error(err)
			}
			_ = unix.Close(fd)
			if after, err := os.ReadFile(IPv6Switch); err != nil || !bytes.Equal(before, after) {
				t.Errorf("this machine's switch is %q, %v, and was %q", after, err, before)
			}
			if l, err := n.Listen(within(t), "tcp", "[::1]:0"); err == nil {
				_ = l.Close()
				t.Error("IPv6 is still there")
			}
		}
		for name, want := range map[string]error{"/dev/net/none": ErrUnsupported, "/etc/passwd": ErrUnsupported} {
			if fd, err := n.Open(name); !errors.Is(err, want) {
				t.Errorf("%s: %d %v", name, fd, err)
			}
		}
		// One that is refused does not end the keeper.
		if fd, err := n.Socket(-1, 0, 0); err == nil {
			t.Errorf("socket %d of no family", fd)
		}
		if s, err := n.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0); err != nil {
			t.Error(err)
		} else {
			_ = unix.Close(s)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := n.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err == nil {
			t.Error("a closed sandbox has a network")
		}
		if c, err := n.DialContext(within(t), "tcp", "127.0.0.1:1"); err == nil {
			_ = c.Close()
			t.Error("a closed sandbox has a network")
		}
	})
}

// interfaceName asks the network of a socket for the name of a device.
func interfaceName(s int, index uint32) (string, error) {
	for _, name := range []string{"lo", "eth0", "docker0", "tunl0", "sit0"} {
		req, err := unix.NewIfreq(name)
		if err != nil {
			return "", err
		}
		if unix.IoctlIfreq(s, unix.SIOCGIFINDEX, req) == nil && req.Uint32() == index {
			return name, nil
		}
	}
	return "", nil
}

func TestHostNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "of this machine")
			_ = conn.Close()
		}
	}()
	t.Run("all", func(t *testing.T) {
		each(t, func(t *testing.T, c contender) {
			var out buffer
			b := prepare(t, c, Spec{
				Root: newRoot(t), Net: NetHost, Stdout: &out,
				Args: []string{"/bin/guest", "dial", "tcp", l.Addr().String()},
			})
			if b.Network().Own() {
				t.Error("the machine's network is said to be the sandbox's")
			}
			if _, err := b.Start(within(t)); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Wait(within(t)); err != nil {
				t.Fatal(err)
			}
			if out.String() != "\"of this machine\"\n" {
				t.Errorf("output %s", out.String())
			}
		})
	})
}
