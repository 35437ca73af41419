package testkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/testkit"
)

type download struct {
	Path, Version, Error, Dir, Sum string
}

// goModDownload runs the real go command with exactly env besides PATH and HOME.
func goModDownload(ctx context.Context, t *testing.T, env []string, mod string) (download, string, error) {
	t.Helper()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", mod)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + testkit.Home(t), "SystemRoot=" + os.Getenv("SystemRoot")}, env...)
	cmd.WaitDelay = time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var d download
	if len(out) > 0 {
		if jerr := json.Unmarshal(out, &d); jerr != nil {
			t.Fatalf("go mod download -json %s wrote %q: %v", mod, out, jerr)
		}
	}
	return d, stderr.String() + d.Error, err
}

func TestNoTelemetryAtHome(t *testing.T) {
	home := testkit.Home(t)
	cmd := exec.CommandContext(t.Context(), "go", "env", "GOTELEMETRY")
	cmd.Env = append(testkit.GoDirs(t), "PATH="+os.Getenv("PATH"), "HOME="+home, "AppData="+filepath.Join(home, "AppData", "Roaming"), "SystemRoot="+os.Getenv("SystemRoot"))
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "off" {
		t.Errorf("GOTELEMETRY is %q, %v; want off", out, err)
	}
}

func TestGoModDownload(t *testing.T) {
	p := testkit.NewModProxy(t)
	files := map[string]string{"main.go": "package main\n\nfunc main() {}\n"}
	p.Add(t, "good.test/tool/v2", "v2.0.1", files)
	p.Add(t, "good.test/Upper", "v0.1.0", map[string]string{"u.go": "package upper\n"})
	p.Add(t, "tampered.test/tool", "v1.0.0", files)
	p.AddRaw("unknown.test/tool", "v1.0.0", []byte("module unknown.test/tool\n"), nil)
	mod, zip := testkit.MakeZip(t, "tampered.test/tool", "v1.0.0", map[string]string{"main.go": "package main\n\nfunc main() { println(`evil`) }\n"})
	p.AddRaw("tampered.test/tool", "v1.0.0", mod, zip)
	p.Fail("outage.test", http.StatusBadGateway, -1)
	env := p.Env(t)

	for _, m := range []string{"good.test/tool/v2@latest", "good.test/Upper@v0.1.0"} {
		d, msg, err := goModDownload(t.Context(), t, env, m)
		if err != nil || !strings.HasPrefix(d.Sum, "h1:") || d.Dir == "" {
			t.Errorf("%s: %+v, %v\n%s", m, d, err, msg)
		}
	}
	refused := map[string]string{
		"tampered.test/tool@v1.0.0": "SECURITY ERROR",
		"unknown.test/tool@v1.0.0":  "404",
		"nowhere.test/tool@v1.0.0":  "404",
		"good.test/tool/v2@v2.9.9":  "404",
		"outage.test/tool@v1.0.0":   "502",
	}
	for m, says := range refused {
		if _, msg, err := goModDownload(t.Context(), t, env, m); err == nil || !strings.Contains(msg, says) {
			t.Errorf("%s: err %v; want %q in:\n%s", m, err, says, msg)
		}
	}
	if !slices.Contains(p.Requests(), "/good.test/!upper/@v/v0.1.0.zip") {
		t.Errorf("the zip of good.test/Upper was not asked for: %q", p.Requests())
	}
}

func TestHostileZips(t *testing.T) {
	p := testkit.NewModProxy(t)
	env := p.Env(t)
	for _, h := range testkit.HostileZips(t) {
		t.Run(h.Name, func(t *testing.T) {
			p.AddHostile(t, h)
			d, msg, err := goModDownload(t.Context(), t, env, h.Module+"@"+h.Version)
			if h.Says != "" {
				if err == nil || !strings.Contains(msg, h.Says) {
					t.Fatalf("err %v; want %q in:\n%s", err, h.Says, msg)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, msg)
			}
			fi, err := os.Lstat(filepath.Join(d.Dir, h.Unpacked))
			if err != nil || !fi.Mode().IsRegular() {
				t.Fatalf("%s: %v, %v; want a plain file", h.Unpacked, fi, err)
			}
		})
	}
	for _, kv := range env {
		if dir, ok := strings.CutPrefix(kv, "GOMODCACHE="); ok {
			err := filepath.WalkDir(filepath.Dir(dir), func(path string, _ fs.DirEntry, err error) error {
				if strings.HasPrefix(filepath.Base(path), "evil") {
					t.Errorf("%s was written", path)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestHangingProxyEndsWithTheTest(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Fail("hang.test", 0, -1)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, msg, err := goModDownload(ctx, t, p.Env(t), "hang.test/tool@v1.0.0"); err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("err %v, %s; want the deadline", err, msg)
	}
}

func TestUpstreamNeedsNoNetwork(t *testing.T) {
	env := testkit.Upstream(t, "golang.org/x/mod@v0.42.0")
	if d, msg, err := goModDownload(t.Context(), t, env, "golang.org/x/mod@v0.42.0"); err != nil || d.Dir == "" {
		t.Fatalf("%+v, %v\n%s", d, err, msg)
	}
}

func TestTLSServerIsTrustedByItsOwnRootOnly(t *testing.T) {
	s := testkit.NewTLSServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(s.URL); err == nil {
		resp.Body.Close()
		t.Fatal("a client without the root trusts the server")
	}
	if b, err := os.ReadFile(s.CAFile); err != nil || !strings.Contains(string(b), "BEGIN CERTIFICATE") {
		t.Fatalf("%s: %q, %v", s.CAFile, b, err)
	}
}
