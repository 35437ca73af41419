package compare

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// built compiles a Go file once for a test.
func built(t *testing.T, name, source string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, name+".go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-o", out, file)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return out
}

func starts(files ...string) (list []Start) {
	for i, f := range files {
		s := Start{Cell: i, File: f, Cache: Warm}
		s.Spec.Args = []string{f, PortMark}
		list = append(list, s)
	}
	return list
}

func empty(names ...string) *Result {
	r := &Result{SchemaVersion: SchemaVersion, Axes: []Axis{{Name: "subject", Values: names}}, Method: Method{Confidence: 0.95, Alpha: 0.05}}
	for _, n := range names {
		r.Cells = append(r.Cells, Cell{Values: []string{n}, Digest: "sha256:" + n})
	}
	return r
}

// late is a server that is ready 25 ms later than it listens, and says 503
// until then.
const late = `package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	began := time.Now()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if time.Since(began) < 25*time.Millisecond {
			w.WriteHeader(503)
			return
		}
		w.Write([]byte("ok"))
	})
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
`

func TestMeasureServers(t *testing.T) {
	floor, slow := built(t, "floor", FloorSource), built(t, "late", late)
	probe, err := ParseProbe("http://:8080/x?y")
	if err != nil {
		t.Fatal(err)
	}
	r := empty("floor", "late")
	o := Options{
		Runner: Bare{}, Starts: starts(floor, slow), Probe: probe, Until: UntilReady, Timeout: 20 * time.Second,
		Seed: 1, Warmup: 1, MinRuns: 12, MaxRuns: 12, Precision: 0.01,
	}
	if err := Measure(t.Context(), r, o); err != nil {
		t.Fatal(err)
	}
	r.Conclude()
	if r.Method.Rounds != 12 || r.Method.Stopped != StopMax || r.Incomplete {
		t.Errorf("method %+v", r.Method)
	}
	for i, c := range r.Cells {
		if c.Reason != nil {
			t.Fatalf("%s: %s %s", c.Values[0], c.Reason, c.Said)
		}
		for _, m := range []Metric{Listening, Ready, First, Second, CPU, RSS} {
			if len(c.Samples[m]) != 12 && (m != CPU && m != RSS) {
				t.Errorf("%s: %d samples of %s", c.Values[0], len(c.Samples[m]), m)
			}
		}
		for k := range c.Samples[Ready] {
			if c.Samples[Listening][k] > c.Samples[Ready][k] || c.Samples[First][k] > c.Samples[Ready][k] {
				t.Errorf("cell %d run %d: times out of order: %v", i, k, c.Samples)
			}
		}
		if len(c.Orders) != 12 {
			t.Errorf("%d places", len(c.Orders))
		}
	}
	if v := r.Cells[1].Summary[Ready].Min; v < 25e6 {
		t.Errorf("ready after %v, which is before it said 200", time.Duration(v))
	}
	var found bool
	for _, c := range r.Comparisons {
		if c.Metric == Ready {
			found = true
			if !c.Differs || c.Ratio < 1.5 || c.Lo > c.Ratio || c.Hi < c.Ratio {
				t.Errorf("25 ms make no difference: %+v", c)
			}
		}
	}
	if !found {
		t.Error("the starts were not compared")
	}
	if len(r.Noise.Spin) != 12 {
		t.Errorf("%d spins", len(r.Noise.Spin))
	}
}

func TestMeasureWhatFails(t *testing.T) {
	good := built(t, "floor", FloorSource)
	bad := built(t, "bad", "package main\nimport (\"fmt\"; \"os\")\nfunc main() { fmt.Fprintln(os.Stderr, \"no such database\"); os.Exit(7) }\n")
	probe, _ := ParseProbe("http://:1/")
	r := empty("good", "bad", "gone")
	o := Options{
		Runner: Bare{}, Starts: starts(good, bad, good), Probe: probe, Until: UntilReady, Timeout: 10 * time.Second,
		Seed: 1, MinRuns: 3, MaxRuns: 3, Precision: 0.01,
	}
	o.Starts[2].Spec.Args[0] = filepath.Join(t.TempDir(), "nothing")
	if err := Measure(t.Context(), r, o); err != nil {
		t.Fatal(err)
	}
	r.Conclude()
	if r.Cells[0].Reason != nil || len(r.Cells[0].Samples[Ready]) != 3 {
		t.Errorf("the good one was not measured: %+v", r.Cells[0])
	}
	if c := r.Cells[1]; c.Reason == nil || c.Reason.ID != "compare.ended" || c.Reason.Args[0] != "7" || !strings.Contains(c.Said, "no such database") {
		t.Errorf("the bad one: %v %q", c.Reason, c.Said)
	}
	if c := r.Cells[2]; c.Reason == nil || c.Reason.ID != "compare.start" {
		t.Errorf("the one that is not there: %v", c.Reason)
	}
}

func TestMeasureUntilExit(t *testing.T) {
	prog := built(t, "done", "package main\nfunc main() {}\n")
	r := empty("done")
	s := starts(prog)
	s[0].Spec.Args = []string{prog}
	if err := Measure(t.Context(), r, Options{Runner: Bare{}, Starts: s, Until: UntilExit, Timeout: 10 * time.Second, Seed: 1, MinRuns: 5, MaxRuns: 5, Precision: 0.5}); err != nil {
		t.Fatal(err)
	}
	c := r.Cells[0]
	if len(c.Samples[Exited]) != 5 || len(c.Samples[RSS]) != 5 {
		t.Errorf("%v %v", c.Reason, c.Samples)
	}
}

// TestInterrupted ends a measuring in the middle: whole rounds stay, and
// nothing runs on.
func TestInterrupted(t *testing.T) {
	prog := built(t, "floor", FloorSource)
	probe, _ := ParseProbe("http://:1/")
	r := empty("a", "b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := Options{
		Runner: Bare{}, Starts: starts(prog, prog), Probe: probe, Until: UntilReady, Timeout: 10 * time.Second, Seed: 1, MinRuns: 1000, MaxRuns: 1000, Precision: 0.01,
		Progress: func(done, _ int, _ time.Duration) {
			if done == 4 {
				cancel()
			}
		},
	}
	if err := Measure(ctx, r, o); err != nil {
		t.Fatal(err)
	}
	if !r.Incomplete || r.Method.Stopped != StopInterrupted || r.Method.Rounds != 4 {
		t.Errorf("%+v", r.Method)
	}
	for _, c := range r.Cells {
		if len(c.Samples[Ready]) != 4 || c.Reason != nil {
			t.Errorf("%d samples, %v", len(c.Samples[Ready]), c.Reason)
		}
	}
}

func TestPortThatIsTaken(t *testing.T) {
	prog := built(t, "floor", FloorSource)
	ln, err := hostNetwork{}.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	probe, _ := ParseProbe("http://" + ln.Addr().String() + "/")
	s := starts(prog)
	s[0].Spec.Args = []string{prog, probe.Port()}
	err = Measure(t.Context(), empty("a"), Options{Runner: Bare{}, Starts: s, Probe: probe, Until: UntilReady, Timeout: time.Second, MinRuns: 1, MaxRuns: 1})
	if err == nil || !strings.Contains(err.Error(), "answers at") {
		t.Errorf("a server of somebody else was measured: %v", err)
	}
}

func TestParseProbe(t *testing.T) {
	for in, want := range map[string]string{
		"http://:8080":             "http://127.0.0.1:8080/",
		"http://:8080/healthz?x=1": "http://127.0.0.1:8080/healthz?x=1",
		"https://[::1]:8443/":      "https://[::1]:8443/",
	} {
		p, err := ParseProbe(in)
		if err != nil || p.String() != want {
			t.Errorf("%s = %v, %v; want %s", in, p, err, want)
		}
	}
	for _, in := range []string{"", "8080", "http://", "http:///x", "ftp://:1/", "http://u:p@:1/", "http://:1/\r\nx: y", "http://:99999999999/x y"} {
		if p, err := ParseProbe(in); err == nil && strings.ContainsAny(p.String(), "\r\n ") || in == "" && err == nil {
			t.Errorf("%q is taken for %v", in, p)
		}
	}
}

func TestColdIsCold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := readAhead(name); err != nil {
		t.Fatal(err)
	}
	err := dropFile(name)
	if e, ok := errors.AsType[*errCell](err); ok {
		t.Logf("this file system keeps its pages: %v", e) // tmpfs is nothing but page cache
		return
	}
	if err != nil {
		t.Fatal(err)
	}
}

// secured is a server with TLS.
const secured = `package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.URL.Path != "/health" {
			w.WriteHeader(500)
		}
	}))
	s.Listener = l
	s.StartTLS()
	select {}
}
`

func TestMeasureHTTPS(t *testing.T) {
	probe, err := ParseProbe("https://:8443/health")
	if err != nil {
		t.Fatal(err)
	}
	r := empty("secured")
	o := Options{Runner: Bare{}, Starts: starts(built(t, "secured", secured)), Probe: probe, Until: UntilReady, Timeout: 20 * time.Second, Seed: 1, MinRuns: 3, MaxRuns: 3, Precision: 0.5}
	if err := Measure(t.Context(), r, o); err != nil {
		t.Fatal(err)
	}
	c := r.Cells[0]
	if c.Reason != nil || len(c.Samples[Second]) != 3 {
		t.Fatalf("%v %s %v", c.Reason, c.Said, c.Samples)
	}
	for k := range c.Samples[Ready] {
		if c.Samples[Second][k] > c.Samples[First][k] {
			t.Errorf("run %d: the second request took longer than the handshake and the first: %v", k, c.Samples)
		}
		if c.Samples[Whole][k] < c.Samples[Ready][k] {
			t.Errorf("run %d: times out of order: %v", k, c.Samples)
		}
	}
}
