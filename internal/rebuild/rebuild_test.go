package rebuild

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/testkit"
)

// lab is a go command with a module proxy of its own. Labs use the build cache
// of whoever runs the tests, so that the runtime is not compiled once more.
type lab struct {
	t     *testing.T
	proxy *testkit.ModProxy
	env   []string
}

var buildCache = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, proxy: testkit.NewModProxy(t)}
	l.env = append(l.proxy.Env(t),
		"PATH="+os.Getenv("PATH"), "HOME="+testkit.Home(t), "GOCACHE="+buildCache(),
		"CGO_ENABLED=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "TMPDIR="+t.TempDir(),
	)
	return l
}

func (l *lab) with(kv ...string) *lab {
	return &lab{t: l.t, proxy: l.proxy, env: append(slices.Clone(l.env), kv...)}
}

func (l *lab) getenv(key string) string {
	for _, kv := range slices.Backward(l.env) {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v
		}
	}
	return ""
}

func (l *lab) run(dir, name string, args ...string) string {
	l.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, l.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// install does what a user does: go install path@version.
func (l *lab) install(pkg string, flags ...string) string {
	l.t.Helper()
	bin := l.t.TempDir()
	l.with("GOBIN="+bin).run(bin, "go", slices.Concat([]string{"install"}, flags, []string{pkg})...)
	path, err := onlyFile(bin)
	if err != nil {
		l.t.Fatal(err)
	}
	return path
}

func (l *lab) options() Options {
	l.t.Helper()
	g, err := gotool.Find(l.t.Context(), l.env, "")
	if err != nil {
		l.t.Fatal(err)
	}
	return Options{Go: g, Env: l.env, SharedCache: true, TempDir: l.t.TempDir()}
}

func (l *lab) rebuild(path string, o Options) *Result {
	l.t.Helper()
	r, err := Program(l.t.Context(), o, filepath.Base(path), path)
	if err != nil {
		l.t.Fatal(err)
	}
	left, err := os.ReadDir(o.TempDir)
	if err != nil || len(left) > 0 {
		l.t.Errorf("left behind: %v %v", left, err)
	}
	return r
}

func (l *lab) write(dir string, files map[string]string) {
	l.t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			l.t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *lab) commit(dir string) string {
	l.t.Helper()
	l.run(dir, "git", "init", "-q")
	l.run(dir, "git", "add", "-A")
	l.run(dir, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x")
	return l.run(dir, "git", "rev-parse", "HEAD")
}

func want(t *testing.T, r *Result, v Verdict) {
	t.Helper()
	if r.Verdict != v {
		t.Errorf("verdict %s, want %s; reason: %s\ncauses: %+v\ndiff: %+v", r.Verdict, v, r.Reason, r.Causes, r.Diff)
	}
}

func cause(r *Result, k CauseKind, name string) (Cause, bool) {
	for _, c := range r.Causes {
		if c.Kind == k && (name == "" || c.Name == name) {
			return c, true
		}
	}
	return Cause{}, false
}

const (
	toolMod = "module example.com/tool\n\ngo 1.26\n\nrequire example.com/dep v1.0.0\n"
	toolSrc = `package main

import "example.com/dep"

var version = "none"

func main() { println("tool", version, dep.Word()) }
`
	depSrc = `package dep

//go:noinline
func Word() string { return "harmless word" }
`
)

// addTool publishes a program with a dependency.
func (l *lab) addTool() {
	l.t.Helper()
	l.proxy.Add(l.t, "example.com/dep", "v1.0.0", map[string]string{"go.mod": "module example.com/dep\n\ngo 1.26\n", "dep.go": depSrc})
	l.run(l.t.TempDir(), "go", "version")
	l.proxy.Add(l.t, "example.com/tool", "v1.2.3", map[string]string{"go.mod": toolMod, "go.sum": "", "main.go": toolSrc})
}

func TestInstalledToolIsIdentical(t *testing.T) {
	l := newLab(t)
	l.addTool()
	for _, c := range []struct {
		name    string
		env     []string
		flags   []string
		guesses []string
	}{
		{name: "plain"},
		{name: "arm64", env: []string{"GOARCH=arm64"}, flags: []string{"-trimpath"}},
		{name: "stripped, recorded", flags: []string{"-ldflags=-s -w"}},
		{name: "stamped, recorded", flags: []string{"-ldflags=-X main.version=v9"}},
		{name: "trimmed", flags: []string{"-trimpath"}},
		{name: "trimmed and stripped", flags: []string{"-trimpath", "-ldflags=-s -w"}, guesses: []string{"-ldflags=-s -w"}},
		{name: "stripped the other way", flags: []string{"-trimpath", "-ldflags=-w -s"}, guesses: []string{"-ldflags=-w -s"}},
		{name: "no DWARF", flags: []string{"-trimpath", "-ldflags=-w"}, guesses: []string{"-ldflags=-w"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := l.with(c.env...)
			m.t = t
			var path string
			if len(c.env) > 0 {
				testkit.NeedE2E(t, "go") // the runtime is compiled for it
				gopath := t.TempDir()
				m.with("GOPATH="+gopath).run(gopath, "go", slices.Concat([]string{"install"}, c.flags, []string{"example.com/tool@v1.2.3"})...)
				var err error
				if path, err = onlyFile(filepath.Join(gopath, "bin")); err != nil {
					t.Fatal(err)
				}
			} else {
				path = m.install("example.com/tool@v1.2.3", c.flags...)
			}
			r := m.rebuild(path, l.options())
			want(t, r, Identical)
			if !slices.Equal(r.Guesses, c.guesses) {
				t.Errorf("guesses %q, want %q", r.Guesses, c.guesses)
			}
			if r.Modules != 2 {
				t.Errorf("%d modules were hashed, want 2", r.Modules)
			}
			if len(r.Findings()) > 0 {
				t.Errorf("findings: %v", r.Findings())
			}
		})
	}
}

func TestCheckout(t *testing.T) {
	l := newLab(t)
	dir := t.TempDir()
	l.write(dir, map[string]string{"go.mod": "module example.com/svc\n\ngo 1.26\n", "cmd/svc/main.go": "package main\n\nfunc main() { println(\"svc\") }\n"})
	commit := l.commit(dir)
	out := filepath.Join(t.TempDir(), "svc")

	l.run(dir, "go", "build", "-trimpath", "-buildvcs=true", "-o", out, "./cmd/svc")
	o := l.options()
	r := l.rebuild(out, o)
	want(t, r, Unknown)
	if !strings.Contains(r.Reason.String(), commit) || !strings.Contains(r.Reason.String(), "--source") {
		t.Errorf("reason: %s", r.Reason)
	}

	o.Source = dir
	r = l.rebuild(out, o)
	want(t, r, Identical)

	// Built in another directory and not trimmed: the names of the directory
	// are all that differs.
	l.run(dir, "go", "build", "-buildvcs=true", "-o", out, "./cmd/svc")
	r = l.rebuild(out, o)
	want(t, r, SameCode)
	if c, ok := cause(r, CausePath, "source"); !ok || !c.Proved || c.A != dir || r.Proof != "relinked" {
		t.Errorf("proof %q, causes %+v", r.Proof, r.Causes)
	}

	// A file that is no part of the program makes the tree dirty.
	l.write(dir, map[string]string{"note.txt": "x"})
	l.run(dir, "go", "build", "-trimpath", "-buildvcs=true", "-o", out, "./cmd/svc")
	r = l.rebuild(out, o)
	want(t, r, SameCode)
	if c, ok := cause(r, CauseVCS, "vcs.modified"); !ok || c.A != "true" || c.B != "false" || !c.Proved {
		t.Errorf("causes %+v", r.Causes)
	}

	// A change of the program that is in no commit is no stamp.
	l.write(dir, map[string]string{"cmd/svc/main.go": "package main\n\nfunc main() { println(\"evil\"); println(\"svc\") }\n"})
	l.run(dir, "go", "build", "-trimpath", "-buildvcs=true", "-o", out, "./cmd/svc")
	r = l.rebuild(out, o)
	want(t, r, DifferentCode)
	if r.Diff == nil || !slices.Contains(r.Diff.Changed, "main.main") || r.Diff.NumChanged != 1 {
		t.Errorf("diff %+v", r.Diff)
	}
}

// A go command believes its build cache: whoever can write there decides what
// is built (docs/facts.md). A rebuild has a cache of its own.
func TestPoisonedBuildCache(t *testing.T) {
	l := newLab(t)
	// The word is one of this run, so that the entry is nobody else's.
	good := fmt.Sprintf("harmless%016x", rand.Uint64())
	bad := strings.Replace(good, "harmless", "HARMFUL!", 1)
	l.proxy.Add(t, "example.com/dep", "v1.0.0", map[string]string{"go.mod": "module example.com/dep\n\ngo 1.26\n", "dep.go": strings.Replace(depSrc, "harmless word", good, 1)})
	l.proxy.Add(t, "example.com/tool", "v1.2.3", map[string]string{"go.mod": toolMod, "go.sum": "", "main.go": toolSrc})
	l.install("example.com/tool@v1.2.3")
	dir := t.TempDir()
	l.write(dir, map[string]string{"go.mod": "module example.com/x\n\ngo 1.26\n\nrequire example.com/dep v1.0.0\n"})
	entry := l.run(dir, "go", "list", "-mod=mod", "-export", "-f", "{{.Export}}", "example.com/dep")
	was, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(was, []byte(good)) {
		t.Fatalf("%s does not hold the word", entry)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(entry, was, 0o644); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(entry, bytes.ReplaceAll(was, []byte(good), []byte(bad)), 0o644); err != nil {
		t.Fatal(err)
	}
	path := l.install("example.com/tool@v1.2.3")
	if out, err := exec.Command(path).CombinedOutput(); err != nil || !strings.Contains(string(out), "HARMFUL!") {
		t.Fatalf("the cache was not believed: %s %v", out, err)
	}
	// With the spoilt cache the spoilt program comes out again.
	o := l.options()
	want(t, l.rebuild(path, o), Identical)
	o.SharedCache = false
	r := l.rebuild(path, o)
	want(t, r, DifferentCode)
	c, ok := cause(r, CauseData, "")
	if !ok || !strings.Contains(c.A, "HARMFUL!") || !strings.Contains(c.B, "harmless") {
		t.Errorf("causes %+v", r.Causes)
	}
	if r.Diff.NumChanged+r.Diff.NumAdded+r.Diff.NumRemoved > 0 {
		t.Errorf("functions differ: %+v", r.Diff)
	}
	if f := r.Findings(); len(f) != 1 || f[0].ID != "BIN060" {
		t.Errorf("findings %+v", f)
	}
}

func TestChangedModuleCache(t *testing.T) {
	l := newLab(t)
	l.addTool()
	path := l.install("example.com/tool@v1.2.3")
	name := filepath.Join(l.getenv("GOMODCACHE"), "example.com", "dep@v1.0.0", "dep.go")
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(depSrc, "harmless", "harmful?", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := l.rebuild(path, l.options())
	want(t, r, DifferentCode)
	if c, ok := cause(r, CauseContent, "example.com/dep@v1.0.0"); !ok || c.A == c.B {
		t.Errorf("causes %+v", r.Causes)
	}
	if f := r.Findings(); len(f) != 2 || f[0].ID != "BIN062" || f[1].ID != "BIN060" {
		t.Errorf("findings %+v", f)
	}
}

func TestTamperingProxy(t *testing.T) {
	l := newLab(t)
	l.addTool()
	path := l.install("example.com/tool@v1.2.3")
	gomod, zip := testkit.MakeZip(t, "example.com/dep", "v1.0.0", map[string]string{"go.mod": "module example.com/dep\n\ngo 1.26\n", "dep.go": strings.Replace(depSrc, "harmless", "harmful?", 1)})
	l.proxy.AddRaw("example.com/dep", "v1.0.0", gomod, zip)
	fresh := l.with("GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"))
	t.Cleanup(func() { removeAll(fresh.getenv("GOMODCACHE")) })
	r := fresh.rebuild(path, fresh.options())
	want(t, r, Unknown)
	if !strings.Contains(r.Reason.String(), "checksum") {
		t.Errorf("reason %s", r.Reason)
	}
}

func TestContextEnds(t *testing.T) {
	l := newLab(t)
	l.addTool()
	path := l.install("example.com/tool@v1.2.3")
	ctx, cancel := context.WithCancel(t.Context())
	o := l.options()
	o.Progress = func(s Stage) {
		if s == StageBuild {
			cancel()
		}
	}
	if _, err := Program(ctx, o, "tool", path); err == nil || ctx.Err() == nil {
		t.Errorf("no error after the context ended: %v", err)
	}
}

// -trimpath keeps -ldflags out of the build information. What -X set can be
// read in the program as long as it has a symbol table.
func TestHiddenStamp(t *testing.T) {
	l := newLab(t)
	l.addTool()
	path := l.install("example.com/tool@v1.2.3", "-trimpath", "-ldflags=-X main.version=v9.9")
	r := l.rebuild(path, l.options())
	if r.Verdict != SameCode && r.Verdict != Identical || !slices.Equal(r.Guesses, []string{"-ldflags=-X 'main.version=v9.9'"}) {
		t.Errorf("verdict %s, guesses %q, causes %+v", r.Verdict, r.Guesses, r.Causes)
	}
	// Without one, the text is seen to differ and no more is claimed.
	path = l.install("example.com/tool@v1.2.3", "-trimpath", "-ldflags=-s -w -X main.version=v9.9")
	r = l.rebuild(path, l.options())
	want(t, r, DifferentCode)
	if c, ok := cause(r, CauseData, ""); !ok || !strings.Contains(c.A+c.B, "v9.9") {
		t.Errorf("causes %+v", r.Causes)
	}
	if f := r.Findings(); len(f) != 1 || f[0].ID != "BIN060" || !f[0].Advisory {
		t.Errorf("findings %+v", f)
	}
}
