package rebuild

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/testkit"
)

// program builds files in a directory of its own and gives the program.
func (l *lab) program(files map[string]string, flags ...string) string {
	l.t.Helper()
	dir := l.t.TempDir()
	if _, ok := files["go.mod"]; !ok {
		l.write(dir, map[string]string{"go.mod": "module example.com/p\n\ngo 1.26\n"})
	}
	l.write(dir, files)
	out := filepath.Join(l.t.TempDir(), "p")
	l.run(dir, "go", slices.Concat([]string{"build", "-buildvcs=false", "-o", out}, flags, []string{"."})...)
	return out
}

func (l *lab) diff(a, b string) *Result {
	l.t.Helper()
	r, err := Files(l.t.Context(), a, b)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

const greeting = `package main

var version = "none"

//go:noinline
func limit() int { return %d }

func main() { println(%q, version, limit()) }
`

func greet(text string, limit int) map[string]string {
	return map[string]string{"main.go": fmt.Sprintf(greeting, limit, text)}
}

func TestFiles(t *testing.T) {
	l := newLab(t)
	base := l.program(greet("hello", 100000), "-trimpath")
	for _, c := range []struct {
		name    string
		other   string
		verdict Verdict
		first   CauseKind
		says    string   // in some cause
		changed []string // functions
	}{
		{name: "the same", other: l.program(greet("hello", 100000), "-trimpath"), verdict: Identical},
		{name: "stripped", other: l.program(greet("hello", 100000), "-trimpath", "-ldflags=-s -w"), verdict: SameCode, first: CauseLdflags, says: "stripped"},
		{name: "not trimmed", other: l.program(greet("hello", 100000)), verdict: SameCode, first: CauseSetting, says: "GOROOT"},
		{name: "a tag nobody asks for", other: l.program(greet("hello", 100000), "-trimpath", "-tags=sometag,and_another_one"), verdict: SameCode, first: CauseSetting, says: "sometag"},
		{name: "a text of the same length", other: l.program(greet("jello", 100000), "-trimpath"), verdict: DifferentCode, first: CauseBuildID, says: "jello"},
		{name: "a longer text", other: l.program(greet("hello, dear world", 100000), "-trimpath"), verdict: DifferentCode, first: CauseBuildID, says: "hello, dear world", changed: []string{"main.main"}},
		{name: "a constant", other: l.program(greet("hello", 100002), "-trimpath"), verdict: DifferentCode, first: CauseBuildID, says: "main.limit", changed: []string{"main.limit"}},
		{name: "-X", other: l.program(greet("hello", 100000), "-trimpath", "-ldflags=-X main.version=evil"), verdict: DifferentCode, first: CauseBuildID, says: "evil"},
		{name: "no optimisation", other: l.program(greet("hello", 100000), "-trimpath", "-gcflags=-N -l"), verdict: DifferentCode, first: CauseSetting, says: "-gcflags", changed: []string{"main.limit", "main.main"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := *l
			m.t = t
			r := m.diff(base, c.other)
			want(t, r, c.verdict)
			if c.verdict == Identical {
				return
			}
			if k, _ := r.First(); k != c.first {
				t.Errorf("first difference %s, want %s: %+v", k, c.first, r.Causes)
			}
			all := ""
			for _, x := range r.Causes {
				all += x.Message().String() + "\n"
			}
			if !strings.Contains(all, c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, all)
			}
			if r.Diff.NumChanged != len(c.changed) || !slices.Equal(r.Diff.Changed, c.changed) {
				t.Errorf("changed %d %q, want %q", r.Diff.NumChanged, r.Diff.Changed, c.changed)
			}
		})
	}
}

// A patched program keeps its build information and its build ID.
func TestPatchedProgram(t *testing.T) {
	l := newLab(t)
	archs := []string{"amd64"}
	if testkit.E2E() {
		archs = append(archs, "arm64")
	}
	for _, arch := range archs {
		m := l.with("GOARCH=" + arch)
		a := m.program(greet("hello, harmless world", 100000), "-trimpath", "-ldflags=-s -w")
		b, err := os.ReadFile(a)
		if err != nil {
			t.Fatal(err)
		}
		patched := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(patched, []byte(strings.Replace(string(b), "harmless", "HARMFUL!", 1)), 0o755); err != nil {
			t.Fatal(err)
		}
		r := m.diff(a, patched)
		want(t, r, DifferentCode)
		if len(r.Causes) != 1 || r.Causes[0].Kind != CauseData || !strings.Contains(r.Causes[0].B, "HARMFUL!") {
			t.Errorf("causes %+v", r.Causes)
		}
	}
}

func TestFormats(t *testing.T) {
	testkit.NeedE2E(t, "go") // the runtime is compiled for each
	l := newLab(t)
	for _, platform := range []string{"linux/arm64", "windows/amd64", "darwin/arm64", "linux/386"} {
		t.Run(platform, func(t *testing.T) {
			goos, goarch, _ := strings.Cut(platform, "/")
			m := l.with("GOOS="+goos, "GOARCH="+goarch)
			m.t = t
			a, b := m.program(greet("hello", 100000), "-trimpath"), m.program(greet("hello", 100000), "-trimpath", "-tags=longer_than_nothing")
			r := m.diff(a, b)
			want(t, r, SameCode)
			r = m.diff(a, m.program(greet("hello", 100002), "-trimpath"))
			want(t, r, DifferentCode)
			if !slices.Contains(r.Diff.Changed, "main.limit") || r.Diff.NumChanged > 1 {
				t.Errorf("changed %q", r.Diff.Changed)
			}
		})
	}
}

func TestCCompilers(t *testing.T) {
	testkit.NeedE2E(t, "gcc", "musl-gcc")
	l := newLab(t).with("CGO_ENABLED=1")
	files := map[string]string{"main.go": "package main\n\n// int twice(int x) { return 2*x; }\nimport \"C\"\n\nfunc main() { println(C.twice(21)) }\n"}
	gnu := l.with("CC=gcc").program(files, "-trimpath")
	musl := l.with("CC=musl-gcc").program(files, "-trimpath")
	r := l.diff(gnu, musl)
	want(t, r, DifferentCode)
	if c, ok := cause(r, CauseLinker, "interpreter"); !ok || !strings.Contains(c.B, "musl") {
		t.Errorf("causes %+v", r.Causes)
	}
}

func FuzzObject(f *testing.F) {
	exe, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		f.Fatal(err)
	}
	// Headers and the first tables; a whole program is too much to mutate.
	f.Add(b[:min(len(b), 1<<16)], uint32(0), byte(0))
	f.Add([]byte("MZ"), uint32(1), byte(2))
	f.Fuzz(func(t *testing.T, data []byte, at uint32, with byte) {
		a, err := parseObject(t.Context(), data)
		if err != nil {
			return
		}
		other := slices.Clone(data)
		if len(other) > 0 {
			other[int(at)%len(other)] ^= with
		}
		c, err := parseObject(t.Context(), other)
		if err != nil {
			return
		}
		d := diffObjects(a, c)
		_ = d.causes()
		_ = infoCauses(a.file, c.file)
		_ = fileCauses(a, c)
		_, _ = ReadRecipe(&binary.File{Go: a.file.Go})
	})
}
