package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// service is a run of the program in this process.
type service struct {
	url  string
	stop context.CancelFunc
	done chan error
	log  bytes.Buffer // to be read once done has given its error
}

func start(t *testing.T, args ...string) *service {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &service{stop: stop, done: make(chan error, 1)}
	addr := make(chan net.Addr, 1)
	go func() {
		s.done <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), func(string) string { return "" }, &s.log, func(a net.Addr) { addr <- a })
	}()
	select {
	case a := <-addr:
		s.url = "http://" + a.String()
	case err := <-s.done:
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestDrain(t *testing.T) {
	s := start(t, "-drain", "1h") // it ends with the test binary
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/version": `"devel"`} {
		if code, body := get(t, s.url+path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	s.stop()
	// While it drains it still answers, but asks for no new work.
	for {
		code, _ := get(t, s.url+"/readyz")
		if code == http.StatusServiceUnavailable {
			break
		}
	}
	if code, _ := get(t, s.url+"/healthz"); code != 200 {
		t.Errorf("healthz while draining: %d", code)
	}
}

func TestStopFinishesTheRequestAtHand(t *testing.T) {
	s := start(t, "-drain", "0s")
	body, w := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		resp, err := http.Post(s.url+"/api/orders", "application/json", body)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	if _, err := io.WriteString(w, order[:20]); err != nil { // taken: the request is under way
		t.Fatal(err)
	}
	waitForRequest(t, s)
	s.stop()
	// Only when nobody new is let in is the rest of the body sent.
	for {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), time.Second)
		if err != nil {
			break
		}
		c.Close()
	}
	if _, err := io.WriteString(w, order[20:]); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if code := <-answered; code != http.StatusCreated {
		t.Errorf("the request at hand got %d", code)
	}
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(s.log.String()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Errorf("log line %q: %v", line, err)
		}
	}
	if !strings.Contains(s.log.String(), `"msg":"stopped"`) {
		t.Errorf("log:\n%s", &s.log)
	}
}

// waitForRequest returns once the server has accepted the connections made
// before: they are accepted in order, and a later one has been answered.
func waitForRequest(t *testing.T, s *service) {
	t.Helper()
	if code, _ := get(t, s.url+"/healthz"); code != 200 {
		t.Fatal(code)
	}
}

func TestBadCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-addr", "nonsense"}, {"-drain", "soon"}} {
		if err := run(t.Context(), args, func(string) string { return "" }, io.Discard, func(net.Addr) {}); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	env := func(string) string { return "ftp://x" }
	if err := run(t.Context(), nil, env, io.Discard, func(net.Addr) {}); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("got %v", err)
	}
}
