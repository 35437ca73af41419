package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/sandbox"
	"github.com/slipway-build/slipway/internal/testkit"
)

// guestVariable names a guest that has been built already.
const guestVariable = "TRIAL_TEST_GUEST"

var guestRoot = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(guestVariable); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "slipway-guest-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "guest"), "./testdata/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return dir, os.Chmod(dir, 0o755)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := guestRoot(); err == nil && dir != os.Getenv(guestVariable) {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// guest is the fixture in an empty root file system.
func guest(t *testing.T, mode string) (Subject, Options) {
	t.Helper()
	testkit.NeedE2E(t)
	root, err := guestRoot()
	if err != nil {
		t.Fatal(err)
	}
	r, ok := sandbox.New("namespaces", sandbox.Options{Env: os.Environ()})
	if !ok {
		t.Fatal("no runner")
	}
	s := Subject{
		Name: "guest", Root: root, Args: []string{"/guest"}, Env: []string{"MODE=" + mode, "HOME=/"},
		UID: 65532, GID: 65532, Ports: []uint16{8080},
	}
	p, err := ParseProbe("http://:8080/healthz")
	if err != nil {
		t.Fatal(err)
	}
	return s, Options{Runner: r, Probe: p, Start: 5 * time.Second, Steady: 300 * time.Millisecond, Stop: 3 * time.Second}
}

func ids(r *Result) string {
	var out []string
	for _, f := range r.Findings {
		id := f.ID
		if f.Advisory {
			id += "?"
		}
		out = append(out, id)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func tried(t *testing.T, s Subject, o Options) *Result {
	t.Helper()
	r, err := Run(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFaultsOfALife(t *testing.T) {
	for mode, want := range map[string]string{
		"":         "",
		"exit":     "BIN041",
		"silent":   "BIN043",
		"loopback": "BIN044",
		"unwell":   "BIN045",
		"crash":    "BIN046",
		"stubborn": "BIN047",
		"abrupt":   "BIN048?",
		"code":     "BIN049?",
		"reload":   "BIN050",
		"fat":      "BIN042",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, o := guest(t, mode)
			if mode == "" || mode == "reload" {
				o.Reload = "SIGHUP"
			}
			if mode == "silent" {
				o.Start = time.Second
			}
			if mode == "fat" {
				o.Memory = 64 << 20
			}
			if mode == "stubborn" {
				o.Stop = time.Second
			}
			r := tried(t, s, o)
			if got := ids(r); got != want {
				t.Errorf("%s instead of %s: %+v", got, want, r.Life)
			}
		})
	}
}

func TestNotExecuted(t *testing.T) {
	s, o := guest(t, "")
	s.Args = []string{"/nothing"}
	if r := tried(t, s, o); ids(r) != "BIN040" || r.Life.Phase != NotStarted {
		t.Errorf("%s %+v", ids(r), r.Life)
	}
}

func TestSlowRequestIsFinished(t *testing.T) {
	s, o := guest(t, "")
	var err error
	if o.Slow, err = ParseProbe("http://:8080/slow"); err != nil {
		t.Fatal(err)
	}
	r := tried(t, s, o)
	if st := r.Life.Stop; ids(r) != "" || st.Request != Finished || st.Ms < 500 || r.Life.Exit.Code != 0 {
		t.Errorf("%s %+v", ids(r), st)
	}
	s, _ = guest(t, "abrupt")
	if r := tried(t, s, o); ids(r) != "BIN048" {
		t.Errorf("%s %+v", ids(r), r.Life.Stop)
	}
}

func TestWithoutAProbeTheAnswerIsFound(t *testing.T) {
	s, o := guest(t, "")
	o.Probe, s.Ports = nil, nil
	r := tried(t, s, o)
	if r.Life.Phase != Serving || r.Life.Answer.Probe != "http://:8080/healthz" || r.Life.ListenMs <= 0 || r.Life.ReadyMs < r.Life.ListenMs {
		t.Errorf("%+v %+v", r.Life, r.Life.Answer)
	}
}

func TestCallsBeforeTheFirstAnswer(t *testing.T) {
	s, o := guest(t, "telemetry")
	r := tried(t, s, o)
	var got []string
	for _, h := range r.Egress {
		if h.Before {
			got = append(got, h.Proto+" "+h.Name+" "+portText(h.Port)+" "+h.Request)
		}
	}
	slices.Sort(got)
	want := []string{"http updates.example.com 8000 GET /latest?v=1", "https telemetry.example.com 443 "}
	// Happy eyeballs may have tried the other address too, and said nothing there.
	got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "tcp ") })
	if !slices.Equal(got, want) {
		t.Errorf("%q in %+v", got, r.Egress)
	}
	if ids(r) != "BIN055?" {
		t.Errorf("%s", ids(r))
	}
	o.Allow = []string{"updates.example.com:8000"}
	if r := tried(t, s, o); ids(r) != "BIN055" || !strings.Contains(r.Findings[0].Entity, "telemetry") {
		t.Errorf("%+v", r.Findings)
	}
}

func TestSurroundings(t *testing.T) {
	for _, c := range []struct{ mode, only, want string }{
		{"", "", ""},
		{"write", "read-only read-only-tmp other-user", "BIN051 BIN052"},
		{"write-tmp", "read-only read-only-tmp no-home", "BIN051"},
		{"root", "read-only other-user", "BIN052"},
		{"resolv", "no-resolv-conf net-refused net-dropped", "BIN053?"},
		{"devnull", "no-dev-null", "BIN054?"},
		{"home", "no-home HUP", "BIN057?"},
		{"zone", "zone no-ipv6", "BIN057?"},
		{"needs-net", "no-resolv-conf net-refused net-dropped", "BIN055? BIN056?"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			s, o := guest(t, c.mode)
			o.Variations = true
			if c.only != "" {
				o.only = strings.Fields(c.only)
			}
			switch c.mode {
			case "root", "write":
				s.UID, s.GID = 0, 0
			case "write-tmp":
				s = withTmp(t, s)
			}
			r := tried(t, s, o)
			if got := ids(r); got != c.want {
				t.Errorf("%s instead of %s", got, c.want)
			}
			for _, c := range r.Cells {
				if t.Logf("%-13s %-16s %-9s %s %v", c.Area, c.ID, c.Verdict, c.Evidence, c.Log); c.Verdict == NotRun {
					t.Errorf("%s is not run: %s", c.ID, c.Detail)
				}
			}
			if m := r.Memory; c.only == "" && (m == nil || m.Limit == 0 || m.Limit > 128<<20 || len(r.Cells) != len(variants())+len(signalCases())) {
				t.Errorf("%d cells, memory: %+v", len(r.Cells), m)
			}
		})
	}
}

// withTmp gives s a root file system with nothing but a directory /tmp.
func withTmp(t *testing.T, s Subject) Subject {
	t.Helper()
	s.Binds = []sandbox.Bind{{Source: s.Root, Target: "/app"}}
	s.Args = []string{"/app/guest"}
	s.Root = t.TempDir()
	tmp := filepath.Join(s.Root, "tmp")
	if err := os.Mkdir(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(tmp, 0o1777); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMatrixAsksTheProgram(t *testing.T) {
	for mode, want := range map[string]string{"": "", "insecure": "BIN059"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, o := guest(t, mode)
			dns, err := ParseProbe("http://:8080/resolve?name={name}")
			if err != nil {
				t.Fatal(err)
			}
			dial, err := ParseProbe("http://:8080/dial?url={url}")
			if err != nil {
				t.Fatal(err)
			}
			o.Matrix = &Matrix{DNS: dns, TLS: dial}
			r := tried(t, s, o)
			for _, c := range r.Cells {
				t.Logf("%-4s %-20s %-9s %6.0f %s | %s", c.Area, c.ID, c.Verdict, c.Ms, c.Evidence, c.Detail)
			}
			if mode == "insecure" {
				if !strings.Contains(ids(r), want) {
					t.Errorf("%s", ids(r))
				}
				return
			}
			if got := ids(r); got != want {
				t.Errorf("%s", got)
			}
			for id, v := range map[string]Verdict{
				"ipv6": Pass, "truncated": Pass, "search": Pass, "lossy": Degraded, "servfail-first": Pass, "nxdomain": Pass,
				"tls13": Pass, "x25519mlkem768": Pass, "expired": Pass, "client-certificate": Degraded, "http-proxy": Pass, "tls11": Pass,
			} {
				if c := r.cell(id); c == nil || c.Verdict != v {
					t.Errorf("%s: %+v instead of %s", id, c, v)
				}
			}
		})
	}
}
