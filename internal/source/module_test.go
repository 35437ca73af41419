package source

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/testkit"
)

const program = "package main\n\nfunc main() {}\n"

func proxyOptions(t *testing.T, p *testkit.ModProxy, more ...string) Options {
	t.Helper()
	return options(t, t.TempDir(), userEnv(t, append(p.Env(t), more...)...))
}

func TestOpenModule(t *testing.T) {
	p := testkit.NewModProxy(t)
	const mod = "example.com/Org/tool/v2"
	for _, v := range []string{"v2.0.0", "v2.1.0"} {
		p.Add(t, mod, v, map[string]string{"main.go": program, "cmd/x/main.go": program, "cmd/y/main.go": program})
	}
	o := proxyOptions(t, p)
	for _, c := range []struct{ arg, ref, pattern string }{
		{mod + "@v2.0.0", mod + "@v2.0.0", "."},
		{mod + "@latest", mod + "@v2.1.0", "."},
		{mod + "/cmd/x@v2", mod + "@v2.1.0", "./cmd/x"},
		{mod + "/cmd/...@v2.0.0", mod + "@v2.0.0", "./cmd/..."},
		{mod + "/...@v2.0.0", mod + "@v2.0.0", "./..."},
	} {
		tree := mustOpen(t, o, c.arg)
		if tree.Ref != c.ref || !slices.Equal(tree.Patterns, []string{c.pattern}) || tree.Kind != KindModule || !tree.SumDB || tree.Arg != c.arg {
			t.Errorf("%s: %+v, want %s %s", c.arg, tree, c.ref, c.pattern)
		}
		if got, err := dirhash.HashDir(tree.Root, c.ref, dirhash.Hash1); err != nil || got != tree.Sum {
			t.Errorf("%s: sum %s, want %s (%v)", c.arg, tree.Sum, got, err)
		}
		r, err := tree.Revision(t.Context())
		if err != nil || r.Time != time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix() || r.Ref != c.ref || r.Sum != tree.Sum || !r.SumDB || r.Kind != KindModule {
			t.Errorf("%s: revision %+v, %v", c.arg, r, err)
		}
	}
	// A version in the cache is not asked for, nor are modules that might hold
	// more of its path.
	before := len(p.Requests())
	mustOpen(t, o, mod+"/cmd/y@v2.0.0")
	if n := len(p.Requests()); n != before {
		t.Errorf("with the version in the cache, the proxy was asked for %q", p.Requests()[before:])
	}
	asked := len(p.Requests())
	o.Offline = true
	mustOpen(t, o, mod+"/cmd/y@v2.0.0")
	if n := len(p.Requests()); n != asked {
		t.Errorf("offline, the proxy was asked for %q", p.Requests()[asked:])
	}
}

func TestModuleSumDB(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "example.com/m", "v1.0.0", map[string]string{"main.go": program})
	for env, want := range map[string]bool{"GONOSUMDB=example.com/*": false, "GOPRIVATE=other.com": true, "GOSUMDB=off": false} {
		if tree := mustOpen(t, proxyOptions(t, p, env), "example.com/m@v1.0.0"); tree.SumDB != want {
			t.Errorf("%s: SumDB %v", env, tree.SumDB)
		}
	}
	// GONOSUMDB follows GOPRIVATE only where it is not set itself.
	env := slices.DeleteFunc(p.Env(t), func(kv string) bool { return strings.HasPrefix(kv, "GONO") })
	o := options(t, t.TempDir(), userEnv(t, append(env, "GOPRIVATE=example.com", "GONOPROXY=none")...))
	if tree := mustOpen(t, o, "example.com/m@v1.0.0"); tree.SumDB {
		t.Error("GOPRIVATE: SumDB is set")
	}
}

func TestModuleOrigin(t *testing.T) {
	hash := strings.Repeat("0a", 20)
	info := filepath.Join(t.TempDir(), "v1.info")
	write(t, info, `{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://user:tok@Example.com/m.git","Hash":"`+hash+`"}}`)
	tree := &Tree{Kind: KindModule, info: info}
	r, err := tree.Revision(t.Context())
	if err != nil || r.VCS != "git" || r.State.Revision != hash || r.RemoteURL != "https://example.com/m" {
		t.Errorf("revision %+v, %v", r, err)
	}
	write(t, info, "<html>")
	if _, err := tree.Revision(t.Context()); err == nil {
		t.Error("an .info that is none gives no error")
	}
}

func TestModuleAbsent(t *testing.T) {
	p := testkit.NewModProxy(t)
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0-rc.1"} {
		p.Add(t, "example.com/m", v, map[string]string{"main.go": program})
	}
	p.Add(t, "example.com/m/nested", "v1.0.0", map[string]string{"x.go": "package x\n"})
	o := proxyOptions(t, p)
	for _, c := range []struct{ arg, id, hint string }{
		{"example.com/none/cmd/x@v1.0.0", "source.module.absent", "example.com/none/cmd/x example.com/none/cmd example.com/none example.com"},
		{"example.com/none@latest", "source.module.absent", "example.com/none"},
		{"fmt@v1.0.0", "source.module.absent", ""},
		{"example.com/m@v1.9.0", "source.version.absent", "v1.2.0-rc.1 v1.1.0 v1.0.0"},
		{"example.com/m@v7", "source.version.absent", "v1.2.0-rc.1 v1.1.0 v1.0.0"},
		{"example.com/m@nobranch", "source.version.absent", "v1.1.0"},
		{"example.com/m/sub@v1.0.0", "source.module.nopackage", ""},
		{"example.com/m/nested/sub@v1.0.0", "source.module.nopackage", ""},
	} {
		_, err := Open(t.Context(), o, []string{c.arg})
		e := wantFault(t, err, fault.Usage, c.id)
		if hint := e.Hint.String(); !strings.Contains(hint, c.hint) {
			t.Errorf("%s: hint %q lacks %q", c.arg, hint, c.hint)
		}
	}
	o.Offline = true
	_, err := Open(t.Context(), o, []string{"example.com/other@v1.0.0"})
	wantFault(t, err, fault.Failed, "source.module.offline")
}

func TestModuleOutage(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "example.com/m", "v1.0.0", map[string]string{"cmd/x/main.go": program})
	for _, status := range []int{401, 403, 429, 500, 502, 503} {
		id := "source.module.outage"
		if status < 404 {
			id = "source.module.forbidden"
		}
		p.Fail("example.com/m/cmd/x/@v/", status, 1)
		_, err := Open(t.Context(), proxyOptions(t, p), []string{"example.com/m/cmd/x@v1.0.0"})
		if e := wantFault(t, err, fault.Failed, id); !strings.Contains(e.Detail, http.StatusText(status)) {
			t.Errorf("%d: detail %q", status, e.Detail)
		}
	}
	// The version is known to exist, so a zip that is "not found" is no absence.
	p.Fail("v1.0.0.zip", 404, 1)
	_, err := Open(t.Context(), proxyOptions(t, p), []string{"example.com/m@v1.0.0"})
	wantFault(t, err, fault.Failed, "source.module.outage")
	// 404 and 410 are answers.
	p.Fail("example.com/m/cmd/x/@v/", 410, 1)
	mustOpen(t, proxyOptions(t, p), "example.com/m/cmd/x@v1.0.0")

	refused := httptest.NewServer(http.NotFoundHandler())
	refused.Close()
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>sign in</html>")) }))
	defer html.Close()
	for _, proxy := range []string{refused.URL, html.URL, "nonsense"} {
		_, err = Open(t.Context(), proxyOptions(t, p, "GOPROXY="+proxy), []string{"example.com/m@v1.0.0"})
		wantFault(t, err, fault.Failed, "source.module.outage")
	}

	o := proxyOptions(t, p)
	o.FetchTimeout = 200 * time.Millisecond
	p.Fail("", 0, -1)
	_, err = Open(t.Context(), o, []string{"example.com/m@v1.0.0"})
	wantFault(t, err, fault.Failed, "source.module.timeout")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, proxyOptions(t, p), []string{"example.com/m@v1.0.0"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestModuleDirect has proxies that are followed by the repositories, none of
// which can be reached.
func TestModuleDirect(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "localhost.test/m", "v1.0.0", map[string]string{"cmd/x/main.go": program})
	o := proxyOptions(t, p, "GOPROXY="+p.URL+",direct", "HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9")
	mustOpen(t, o, "localhost.test/m/cmd/x@v1.0.0")
	_, err := Open(t.Context(), o, []string{"localhost.test/m/cmd/x@v1.5.0"})
	if e := wantFault(t, err, fault.Failed, "source.module.direct"); !strings.Contains(e.Hint.String(), "v1.0.0") {
		t.Errorf("hint %q", e.Hint)
	}
	_, err = Open(t.Context(), o, []string{"localhost.test/m/cmd/none@v1.0.0"})
	wantFault(t, err, fault.Usage, "source.module.nopackage")
	// With | the proxy may have been down, so its silence proves nothing.
	o = proxyOptions(t, p, "GOPROXY="+p.URL+"|direct", "HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9")
	_, err = Open(t.Context(), o, []string{"localhost.test/m/cmd/x@v1.0.0"})
	wantFault(t, err, fault.Failed, "source.module.outage")
}

func TestModuleRefused(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "example.com/m", "v1.0.0", map[string]string{"main.go": program})
	gomod, zip := testkit.MakeZip(t, "example.com/m", "v1.0.0", map[string]string{"main.go": program + "\n// evil\n"})
	p.AddRaw("example.com/m", "v1.0.0", gomod, zip)
	_, err := Open(t.Context(), proxyOptions(t, p), []string{"example.com/m@v1.0.0"})
	if e := wantFault(t, err, fault.Failed, "source.module.tampered"); !strings.Contains(e.Detail, "SECURITY ERROR") {
		t.Errorf("detail %q", e.Detail)
	}

	gomod, zip = testkit.MakeZip(t, "example.com/unknown", "v1.0.0", map[string]string{"main.go": program})
	p.AddRaw("example.com/unknown", "v1.0.0", gomod, zip)
	_, err = Open(t.Context(), proxyOptions(t, p), []string{"example.com/unknown@v1.0.0"})
	wantFault(t, err, fault.Failed, "source.module.unverified")

	for _, h := range testkit.HostileZips(t) {
		p.AddHostile(t, h)
		tree, err := Open(t.Context(), proxyOptions(t, p), []string{h.Module + "@" + h.Version})
		if h.Says == "" {
			if err != nil {
				t.Errorf("%s: %v", h.Name, err)
			} else if fi, err := os.Lstat(filepath.Join(tree.Root, h.Unpacked)); err != nil || !fi.Mode().IsRegular() {
				t.Errorf("%s: %s is %v, %v", h.Name, h.Unpacked, fi, err)
			}
			continue
		}
		if e := wantFault(t, err, fault.Failed, "source.module.zip"); !strings.Contains(e.Detail, h.Says) {
			t.Errorf("%s: detail %q lacks %q", h.Name, e.Detail, h.Says)
		}
	}
}

func TestModuleNeedsSums(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "example.com/m", "v1.0.0", map[string]string{"main.go": program})
	env := p.Env(t)
	o := options(t, t.TempDir(), userEnv(t, append(env, "GOSUMDB=off")...))
	mustOpen(t, o, "example.com/m@v1.0.0") // in the cache, never held against the database
	o = options(t, t.TempDir(), userEnv(t, env...))
	o.Offline = true
	_, err := Open(t.Context(), o, []string{"example.com/m@v1.0.0"})
	wantFault(t, err, fault.Failed, "source.module.nosums")
}

func TestModuleForNewerGo(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "example.com/Next", "v1.0.0", map[string]string{"go.mod": "module example.com/Next\n\ngo 1.999\n", "main.go": program})
	tree := mustOpen(t, proxyOptions(t, p), "example.com/Next@v1.0.0")
	if tree.Ref != "example.com/Next@v1.0.0" || !isFile(filepath.Join(tree.Root, "main.go")) {
		t.Errorf("%+v", tree)
	}
}

func TestModuleWithoutGoMod(t *testing.T) {
	p := testkit.NewModProxy(t)
	h := testkit.HostileZip{Module: "example.com/old", Version: "v1.0.0", Zip: rawZip(t, map[string]string{"example.com/old@v1.0.0/main.go": program})}
	p.AddHostile(t, h)
	_, err := Open(t.Context(), proxyOptions(t, p), []string{"example.com/old@v1.0.0"})
	wantFault(t, err, fault.Usage, "source.module.nomod")
}

func TestModuleCacheTampered(t *testing.T) {
	p := testkit.NewModProxy(t)
	p.Add(t, "example.com/m", "v1.0.0", map[string]string{"main.go": program})
	for name, tamper := range map[string]func(dir, zip string){
		"file edited":   func(dir, _ string) { write(t, filepath.Join(dir, "main.go"), program+"// evil\n") },
		"file added":    func(dir, _ string) { write(t, filepath.Join(dir, "evil.go"), "package main\n") },
		"file removed":  func(dir, _ string) { os.Remove(filepath.Join(dir, "main.go")) },
		"link added":    func(dir, _ string) { os.Symlink("/etc/passwd", filepath.Join(dir, "evil.go")) },
		"zip replaced":  func(_, zip string) { write(t, zip, string(rawZip(t, map[string]string{"x": "y"}))) },
		"zip truncated": func(_, zip string) { write(t, zip, "PK") },
	} {
		o := proxyOptions(t, p)
		tree := mustOpen(t, o, "example.com/m@v1.0.0")
		zip := strings.TrimSuffix(tree.info, ".info") + ".zip"
		for _, f := range []string{tree.Root, filepath.Join(tree.Root, "main.go"), zip} {
			if err := os.Chmod(f, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		tamper(tree.Root, zip)
		_, err := Open(t.Context(), o, []string{"example.com/m@v1.0.0"})
		t.Log(name)
		wantFault(t, err, fault.Failed, "source.module.changed")
	}
}
