package faultlab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/testkit"
)

// server is a program of a rule's testdata, built and running on loopback.
type server struct {
	url, addr string
	cmd       *exec.Cmd
	stderr    *bytes.Buffer
}

// serve builds package pkg of bad/ or good/ of a rule's testdata and starts
// it with an address to listen on, which takes the place of ":8080" in its
// text as well.
func serve(t *testing.T, rule, half, pkg string) *server {
	t.Helper()
	if runtime.GOOS != "linux" {
		if testkit.E2E() {
			t.Fatal("SLIPWAY_E2E=1, but this is not Linux")
		}
		t.Skip("the programs are built for Linux")
	}
	a, err := txtar.ParseFile(filepath.Join("..", "testdata", rule+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	addr, other := freeAddr(t), freeAddr(t)
	dir := t.TempDir()
	var own txtar.Archive
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, half+"/"); ok {
			data := bytes.ReplaceAll(f.Data, []byte(`":8080"`), []byte(`"`+addr+`"`))
			data = bytes.ReplaceAll(data, []byte("127.0.0.1:6060"), []byte(other))
			own.Files = append(own.Files, txtar.File{Name: name, Data: data})
		}
	}
	lay(t, dir, string(txtar.Format(&own)))
	binary := filepath.Join(t.TempDir(), "server")
	if out, err := goRun(t, dir, []string{"GOARCH=" + runtime.GOARCH}, "build", "-o", binary, pkg); err != nil {
		t.Fatalf("build %s %s/: %v\n%s", rule, half, err, out)
	}
	s := &server{url: "http://" + addr, addr: addr, cmd: exec.CommandContext(t.Context(), binary, addr), stderr: &bytes.Buffer{}}
	s.cmd.Stderr = s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s %s/ does not listen: %v\n%s", rule, half, err, s.stderr)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// halves runs a test of what a client sees with bad/ and with good/.
func halves(t *testing.T, rule, pkg string, fails func(t *testing.T, s *server) bool) {
	t.Helper()
	t.Parallel()
	for _, half := range []string{"bad", "good"} {
		t.Run(half, func(t *testing.T) {
			if got := fails(t, serve(t, rule, half, pkg)); got != (half == "bad") {
				t.Errorf("%s %s/ fails: %t", rule, half, got)
			}
		})
	}
	observedRule(t, rule)
}

func get(t *testing.T, url, origin string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// mayRead is the CORS check of the Fetch standard (4.9) for a request with
// credentials: whether a browser lets a page of origin read the answer.
func mayRead(res *http.Response, origin string) bool {
	allow := res.Header.Values("Access-Control-Allow-Origin")
	return len(allow) == 1 && allow[0] == origin && res.Header.Get("Access-Control-Allow-Credentials") == "true"
}

// TestCORS: any page reads what is reflected to it, and nobody what is "*".
func TestCORS(t *testing.T) {
	halves(t, "WEB001", "./std", func(t *testing.T, s *server) bool {
		const stranger, app = "https://evil.example.net", "https://app.example.com"
		reflected := mayRead(get(t, s.url+"/reflect", stranger), stranger)
		refused := !mayRead(get(t, s.url+"/star", app), app)
		if reflected != refused {
			t.Errorf("a stranger reads: %t, the app does not: %t", reflected, refused)
		}
		return reflected
	})
}

// TestSessionCookie: a browser sends it over plain HTTP, and scripts see it.
func TestSessionCookie(t *testing.T) {
	halves(t, "WEB002", ".", func(t *testing.T, s *server) bool {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		res := get(t, s.url+"/login", "")
		cs := res.Cookies()
		if len(cs) != 1 {
			t.Fatalf("cookies %v", cs)
		}
		// Loopback may count as safe; a server in the world does not.
		site := &url.URL{Scheme: "http", Host: "app.example.com", Path: "/"}
		jar.SetCookies(&url.URL{Scheme: "https", Host: site.Host, Path: "/login"}, cs)
		plain := len(jar.Cookies(site)) > 0
		if plain == cs[0].HttpOnly {
			t.Errorf("sent in plain: %t, hidden from scripts: %t", plain, cs[0].HttpOnly)
		}
		return plain
	})
}

// TestSlowHeaders: a client that never ends its headers keeps its connection.
func TestSlowHeaders(t *testing.T) {
	halves(t, "WEB003", ".", func(t *testing.T, s *server) bool {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
		c.SetReadDeadline(time.Now().Add(4 * time.Second)) // good/ gives a second
		_, err = io.Copy(io.Discard, c)
		var timeout net.Error
		return errors.As(err, &timeout) && timeout.Timeout()
	})
}

// TestWriteTimeout: the stream breaks off when the server's limit is reached.
func TestWriteTimeout(t *testing.T) {
	halves(t, "WEB004", ".", func(t *testing.T, s *server) bool {
		body := bufio.NewReader(get(t, s.url+"/events", "").Body)
		for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); { // the limit is a second
			if _, err := body.ReadString('\n'); err != nil {
				return true
			}
		}
		return false
	})
}

// TestHiddenFlush: behind a wrapper that cannot flush no event arrives, or the
// handler gives up.
func TestHiddenFlush(t *testing.T) {
	halves(t, "WEB005", ".", func(t *testing.T, s *server) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // twenty events
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return errors.Is(err, context.DeadlineExceeded)
		}
		defer res.Body.Close()
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		return err != nil || line != "data: x\n"
	})
	t.Run("asserts", func(t *testing.T) {
		s := serve(t, "WEB005", "bad", "./cmd/asserts") // with Unwrap, but no Flush
		if res := get(t, s.url+"/events", ""); res.StatusCode != http.StatusInternalServerError {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}

// TestOwnHeader: a trailer set in a map of the wrapper's own never arrives.
func TestOwnHeader(t *testing.T) {
	halves(t, "WEB006", ".", func(t *testing.T, s *server) bool {
		res := get(t, s.url+"/", "")
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		return res.Trailer.Get("Checksum") == ""
	})
}

// TestDeafStream: the handler still runs a second after its client has gone;
// SIGQUIT has the Go runtime print every goroutine.
func TestDeafStream(t *testing.T) {
	halves(t, "WEB007", ".", func(t *testing.T, s *server) bool {
		res := get(t, s.url+"/events", "")
		if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		<-time.After(time.Second)
		if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		s.cmd.Wait()
		if !strings.Contains(s.stderr.String(), "main.serve(") {
			t.Fatalf("no goroutines in\n%s", s.stderr)
		}
		return strings.Contains(s.stderr.String(), "main.events(")
	})
}

// TestDebugExposed: the public address gives away the command line.
func TestDebugExposed(t *testing.T) {
	halves(t, "WEB008", ".", func(t *testing.T, s *server) bool {
		res := get(t, s.url+"/debug/pprof/cmdline", "")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode == http.StatusOK && slices.Contains(strings.Split(string(body), "\x00"), s.addr)
	})
}

// TestNoShutdown: SIGTERM cuts the request that is being answered.
func TestNoShutdown(t *testing.T) {
	halves(t, "WEB009", ".", func(t *testing.T, s *server) bool {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
		<-time.After(300 * time.Millisecond) // the answer takes a second
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(c)
		return !strings.HasSuffix(string(all), "done")
	})
}
