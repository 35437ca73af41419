package probe

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func pemOf(certs ...*x509.Certificate) string {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.String()
}

func TestRoots(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	one, two := pemOf(ca.root), pemOf(other.root)
	const debian, alpine = "etc/ssl/certs/ca-certificates.crt", "etc/ssl/cert.pem"
	for _, test := range []struct {
		name    string
		files   map[string]string
		env     []string
		count   int
		verdict Status
		note    string
	}{
		{"nothing", nil, nil, 0, Fail, "probe.ca.none"},
		{"one file", map[string]string{debian: one}, nil, 1, OK, ""},
		{"first file counts", map[string]string{debian: one, alpine: two}, nil, 1, OK, "probe.ca.notneeded"},
		{"directory as well", map[string]string{debian: one, "etc/pki/tls/certs/mine.crt": two}, nil, 2, OK, ""},
		{"empty file hides the next", map[string]string{debian: "", alpine: two}, nil, 0, Fail, "probe.ca.nothing"},
		{"variable", map[string]string{debian: one, "mnt/ca.pem": two}, []string{"SSL_CERT_FILE=/mnt/ca.pem", "SSL_CERT_DIR=/none"}, 1, Warn, "probe.ca.env.missing"},
		{"variable to nothing", map[string]string{"etc/ssl/certs/x.pem": one}, []string{"SSL_CERT_FILE=/mnt/ca.pem"}, 1, Warn, "probe.ca.env.missing"},
		{"directories", map[string]string{"a/1.pem": one, "b/2.pem": two}, []string{"SSL_CERT_DIR=/a:/b"}, 2, OK, "probe.ca.env"},
		{"broken block", map[string]string{debian: one + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, nil, 1, Warn, "probe.ca.bad"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Roots(t.Context(), System{Root: rootWith(t, test.files), Env: test.env}, "")
			if r.CA.Count != test.count || r.Verdict != test.verdict || test.note != "" && step(r, test.note) == nil {
				t.Errorf("%d, %s: %+v", r.CA.Count, r.Verdict, r.Steps)
			}
			if len(r.CA.Private) != test.count {
				t.Errorf("private: %q", r.CA.Private)
			}
		})
	}
}

func TestRootsAsked(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	root := rootWith(t, map[string]string{"etc/ssl/cert.pem": pemOf(ca.root), "in.pem": pemOf(ca.root), "leads.pem": pemOf(ca.inter), "out.pem": pemOf(other.root), "none.pem": "x"})
	for file, want := range map[string]struct {
		verdict Status
		note    string
	}{"/in.pem": {OK, "probe.ca.asked.in"}, "/leads.pem": {OK, "probe.ca.asked.leads"}, "/out.pem": {Fail, "probe.ca.asked.out"}, "/none.pem": {Fail, "probe.ca.asked.none"}, "/missing.pem": {Fail, ""}} {
		r := Roots(t.Context(), System{Root: root}, file)
		if r.Verdict != want.verdict || want.note != "" && step(r, want.note) == nil {
			t.Errorf("%s: %s %+v", file, r.Verdict, r.Steps)
		}
	}
}

func TestZones(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	z := &TZ{}
	zipped := System{Env: []string{"ZONEINFO=" + filepath.Join(strings.TrimSpace(string(out)), "lib/time/zoneinfo.zip")}}
	z.find(zipped)
	zone := z.load(zipped, "Europe/Berlin")
	if zone.Error != "" || zone.Next.Before(time.Now()) || zone.Offset == zone.NextOffset {
		t.Fatalf("%+v", zone)
	}
	data, _, err := z.read(zipped, "Europe/Berlin", false)
	if err != nil {
		t.Fatal(err)
	}
	root := rootWith(t, map[string]string{"usr/share/zoneinfo/Europe/Berlin": string(data), "usr/share/zoneinfo/tzdata.zi": "# version 2026b\nR", "etc/localtime": string(data), "broken/Europe/Berlin": "TZif"})
	for _, test := range []struct {
		name    string
		root    string
		env     []string
		ask     []string
		verdict Status
		local   string
		silent  bool
	}{
		{"nothing", t.TempDir(), nil, nil, Warn, "UTC", false},
		{"localtime", root, nil, nil, OK, "Local", false},
		{"TZ", root, []string{"TZ=Europe/Berlin"}, nil, OK, "Europe/Berlin", false},
		{"TZ with colon", root, []string{"TZ=:Europe/Berlin"}, nil, OK, "Europe/Berlin", false},
		{"TZ as a path", root, []string{"TZ=/etc/localtime"}, nil, OK, "/etc/localtime", false},
		{"TZ empty", root, []string{"TZ="}, nil, OK, "UTC", false},
		{"TZ unknown", root, []string{"TZ=Mars/Olympus"}, nil, Fail, "UTC", true},
		{"TZ without database", t.TempDir(), []string{"TZ=Europe/Berlin"}, nil, Fail, "UTC", true},
		{"asked", root, nil, []string{"Europe/Berlin", "UTC"}, OK, "Local", false},
		{"asked for nothing", root, nil, []string{"Mars/Olympus"}, Fail, "Local", false},
		{"asked to escape", root, nil, []string{"../../../etc/localtime"}, Fail, "Local", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Zones(t.Context(), System{Root: test.root, Env: test.env}, test.ask)
			if r.Verdict != test.verdict || r.TZ.Local.Name != test.local || r.TZ.Local.SilentlyUTC != test.silent {
				t.Errorf("%s %+v", r.Verdict, r.TZ)
			}
			if test.root == root && r.TZ.Version != "2026b" {
				t.Errorf("version %q", r.TZ.Version)
			}
		})
	}
}

// TestZonesAsGo holds what we say of this machine against package time.
func TestZonesAsGo(t *testing.T) {
	sys := System{}
	if tz, ok := os.LookupEnv("TZ"); ok {
		sys.Env = []string{"TZ=" + tz}
	}
	r := Zones(t.Context(), sys, nil)
	if _, want := time.Now().Zone(); r.TZ.Local.Offset != want {
		t.Errorf("local offset %d, package time says %d", r.TZ.Local.Offset, want)
	}
}

func TestPlaces(t *testing.T) {
	tmp := t.TempDir()
	r := Places(t.Context(), System{Env: []string{"TMPDIR=" + tmp, "HOME=/nowhere"}})
	if p := r.Tmp.Places[0]; !p.Writable || p.From != "TMPDIR" || r.Verdict == Fail {
		t.Errorf("%+v", r)
	}
	if entries, err := os.ReadDir(tmp); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	r = Places(t.Context(), System{Env: []string{"TMPDIR=" + filepath.Join(tmp, "gone")}})
	if r.Verdict != Fail || step(r, "probe.tmp.none") == nil {
		t.Errorf("%+v", r)
	}
	if p := r.Tmp.Places[1]; p.Error != "$HOME is not defined" {
		t.Errorf("%+v", p)
	}
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	if r := Places(t.Context(), System{Env: []string{"TMPDIR=" + tmp}}); runtime.GOOS != "windows" && step(r, "probe.tmp.sticky") == nil {
		t.Errorf("%+v", r.Steps)
	}
}

func TestIdentity(t *testing.T) {
	r := Identity(t.Context(), System{})
	u := r.User
	if u.PID != os.Getpid() || u.UID != os.Getuid() || u.Runtime.GOMAXPROCS != runtime.GOMAXPROCS(0) {
		t.Errorf("%+v", u)
	}
	if runtime.GOOS == "linux" {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		// The kernel's own text says the same as the system calls.
		if strings.Contains(string(status), "NoNewPrivs:\t1") != u.NoNewPrivs {
			t.Errorf("no_new_privs %t", u.NoNewPrivs)
		}
		if strings.Contains(string(status), "CapEff:\t0000000000000000") != (len(u.Effective) == 0) {
			t.Errorf("capabilities %q", u.Effective)
		}
	}
	r = Identity(t.Context(), System{Root: rootWith(t, map[string]string{"etc/passwd": "a:x:1:1::/:/bin/sh\n"})})
	if r.User.Name != "" || r.User.NameError == "" {
		t.Errorf("%+v", r.User)
	}
	for s, want := range map[string]int64{"off": 1<<63 - 1, "64MiB": 64 << 20, "10": 10, "3B": 3, "1GiB": 1 << 30} {
		if got, ok := memLimit(s); !ok || got != want {
			t.Errorf("%s: %d, %t", s, got, ok)
		}
	}
	for _, s := range []string{"", "64MB", "-1", "9999999TiB", "1.5GiB"} {
		if _, ok := memLimit(s); ok {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestReach(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(plain.Close)
	ca := newAuthority(t)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	secure.TLS = newServerConfig(t, ca)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().String()
	_ = ln.Close()
	host := strings.TrimPrefix(plain.URL, "http://")
	proxy := connectProxy(t, "")
	for _, test := range []struct {
		name    string
		o       NetOptions
		env     []string
		verdict Status
		status  int
		what    string // ID of a step
	}{
		{"tcp", NetOptions{Targets: []string{host}}, nil, OK, 0, "probe.net.dial"},
		{"http", NetOptions{Targets: []string{plain.URL + "/moved"}}, nil, OK, 302, "probe.net.http"},
		{"https", NetOptions{Targets: []string{secure.URL}, CAFile: ca.file}, nil, Warn, 503, "probe.net.5xx"},
		{"https not trusted", NetOptions{Targets: []string{secure.URL}}, nil, Fail, 0, "probe.net.tls.fail"},
		{"refused", NetOptions{Targets: []string{closed}}, nil, Fail, 0, "probe.net.refused"},
		{"no name", NetOptions{Targets: []string{"nobody.invalid:80"}, Timeout: 2 * time.Second}, nil, Fail, 0, "probe.net.dns.fail"},
		{"proxy by flag", NetOptions{Targets: []string{host}, Proxy: proxy}, nil, OK, 0, "probe.net.connect"},
		{"proxy refuses", NetOptions{Targets: []string{"forbidden.test:443"}, Proxy: proxy}, nil, Fail, 0, "probe.net.proxyrefused"},
		{"proxy by variable", NetOptions{Targets: []string{"http://anything.test/"}}, []string{"HTTP_PROXY=http://" + proxy}, OK, 200, "probe.net.proxy"},
		{"loopback needs none", NetOptions{Targets: []string{plain.URL}}, []string{"HTTP_PROXY=http://127.0.0.1:1"}, OK, 200, "probe.net.proxy.loopback"},
		{"proxy gone", NetOptions{Targets: []string{"https://anything.test/"}}, []string{"HTTPS_PROXY=http://" + closed}, Fail, 0, "probe.net.refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// An empty root: no certificates but those of the flag.
			r, err := Reach(t.Context(), System{Root: t.TempDir(), Env: test.env}, test.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Net.Targets[0]; r.Verdict != test.verdict || got.Status != test.status || step(r, test.what) == nil {
				t.Errorf("%s, %+v\n%+v", r.Verdict, got, r.Steps)
			}
		})
	}
	for _, bad := range []string{"host", "ftp://host", "http://", "%"} {
		if _, err := Reach(t.Context(), System{}, NetOptions{Targets: []string{bad}}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	r, err := Reach(t.Context(), System{}, NetOptions{})
	if err != nil || len(r.Net.Interfaces) == 0 {
		t.Errorf("%+v, %v", r.Net, err)
	}
	if _, port, _ := strings.Cut(host, ":"); runtime.GOOS == "linux" && !strings.Contains(strings.Join(r.Net.Listening, " "), ":"+port) {
		t.Errorf("our own server is not listed: %q", r.Net.Listening)
	}
}

func TestDecideProxy(t *testing.T) {
	for _, test := range []struct{ env, target, url, from string }{
		{"", "https://a.test", "", ""},
		{"HTTPS_PROXY=http://p:1", "https://a.test", "http://p:1", "HTTPS_PROXY"},
		{"https_proxy=p:1", "https://a.test", "http://p:1", "https_proxy"},
		{"HTTPS_PROXY=http://u:secret@p:1", "https://a.test", "http://u:xxxxx@p:1", "HTTPS_PROXY"},
		{"HTTP_PROXY=http://p:1", "https://a.test", "", ""},
		{"HTTPS_PROXY=http://p:1 NO_PROXY=.a.test,b.test", "https://x.a.test", "", "NO_PROXY"},
		{"HTTPS_PROXY=http://p:1 no_proxy=b.test", "https://a.test", "http://p:1", "HTTPS_PROXY"},
		{"HTTPS_PROXY=http://p:1", "https://localhost:8443", "", "loopback"},
	} {
		u, err := url.Parse(test.target)
		if err != nil {
			t.Fatal(err)
		}
		if p := decideProxy(System{Env: strings.Fields(test.env)}, u); p.URL != test.url || p.From != test.from || strings.Contains(p.Value, "secret") {
			t.Errorf("%s, %s: %+v", test.env, test.target, p)
		}
	}
}

func FuzzFiles(f *testing.F) {
	f.Add("hosts: files dns [NOTFOUND=return]\n", "127.0.0.1 a\n::1 b #\n", []byte("TZif2"), "a")
	f.Fuzz(func(t *testing.T, nss, hosts string, raw []byte, name string) {
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		for n, c := range map[string]string{"nsswitch.conf": nss, "hosts": hosts, "localtime": string(raw)} {
			if err := os.WriteFile(filepath.Join(root, "etc", n), []byte(c), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sys := System{Root: root}
		o := readOrder(sys, ResolvConf{}, name)
		if o.Go == "" || o.Cgo == "" {
			t.Errorf("%+v", o)
		}
		if _, err := readHosts(sys, name); err != nil {
			t.Error(err)
		}
		(&TZ{}).local(sys)
		certificates(raw)
	})
}
