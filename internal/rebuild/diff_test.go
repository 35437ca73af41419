package rebuild

import (
	"bytes"
	order "encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// crafted makes a program whose code, constants and variables are data, cut in
// three.
func crafted(data []byte, arch string) *object {
	o := &object{file: &binary.File{Format: binary.ELF, OS: "linux", Arch: arch, Bits: 64}, data: data, order: order.LittleEndian, ptr: 8}
	n := uint64(len(data) / 3)
	for i, name := range []string{".text", ".rodata", ".data"} {
		at := uint64(i) * n
		o.sections = append(o.sections, section{name: name, addr: 0x400000 + at, off: at, size: n, mem: n, text: i == 0, alloc: true})
	}
	o.arrange()
	o.text = 0x400000
	for at := uint64(0); at < n; at += 64 {
		o.funcs = append(o.funcs, fn{fmt.Sprint("f", at/64%7), 0x400000 + at, 0x400000 + min(at+64, n)})
	}
	return o
}

func FuzzSections(f *testing.F) {
	x := make([]byte, 3<<10)
	for i := range x {
		x[i] = byte(i * i >> 5)
	}
	f.Add(x, x[3:], false)
	f.Add(append(slices.Clone(x[:1500]), x...), x, true)
	f.Fuzz(func(t *testing.T, x, y []byte, arm bool) {
		arch := "amd64"
		if arm {
			arch = "arm64"
		}
		d := diffObjects(crafted(x, arch), crafted(y, arch))
		_ = d.causes()
		if bytes.Equal(x, y) && d.Verdict != SameCode {
			t.Errorf("a program differs from itself: %+v", d)
		}
	})
}

// A comparison ends soon whatever the programs are: its time must not grow
// with the square of their size.
func TestHostileSize(t *testing.T) {
	const size = 1 << 18
	r := rand.New(rand.NewPCG(1, 2))
	random := func() []byte {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	pointers := func(step uint64) []byte {
		b := make([]byte, size)
		for i := 0; i+8 <= len(b); i += 8 {
			order.LittleEndian.PutUint64(b[i:], 0x400000+(uint64(i)*step)%size)
		}
		return b
	}
	for name, pair := range map[string][2][]byte{
		"random":      {random(), random()},
		"pointers":    {pointers(1), pointers(3)},
		"one letter":  {bytes.Repeat([]byte("a"), size), bytes.Repeat([]byte("b"), size)},
		"alternating": {bytes.Repeat([]byte("ab"), size/2), bytes.Repeat([]byte("aaab"), size/4)},
	} {
		for _, arch := range []string{"amd64", "arm64", "386"} {
			start := time.Now()
			d := diffObjects(crafted(pair[0], arch), crafted(pair[1], arch))
			if d.Verdict == SameCode || d.Verdict == Identical {
				t.Errorf("%s, %s: %+v", name, arch, d)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("%s, %s: %v for %d bytes", name, arch, took, size)
			}
		}
	}
}

// A table of functions that names a long name from many places is no reason to
// hold it as often.
func TestSharedNames(t *testing.T) {
	const n = 100_000
	head := make([]byte, 8+8*8)
	copy(head, "\xf1\xff\xff\xff\x00\x00\x01\x08")
	names := append(bytes.Repeat([]byte("n"), 60<<10), 0)
	funcs := make([]byte, (2*n+1)*4+8*n)
	for i := range n {
		order.LittleEndian.PutUint32(funcs[8*i:], uint32(i))
		record := uint32((2*n+1)*4 + 8*i)
		order.LittleEndian.PutUint32(funcs[8*i+4:], record)
		order.LittleEndian.PutUint32(funcs[record+4:], uint32(i%100))
	}
	order.LittleEndian.PutUint32(funcs[8*n:], n)
	for i, v := range []int{n, 0, 0, len(head), len(head), len(head), len(head), len(head) + len(names)} {
		order.LittleEndian.PutUint64(head[8+8*i:], uint64(v))
	}
	o := &object{order: order.LittleEndian, ptr: 8, pcln: slices.Concat(head, names, funcs)}
	if parts, ok := o.pclnParts(); !ok || parts.nfunc != n {
		t.Fatalf("the header is not read: %+v", parts.nfunc)
	}
	if o.readFuncs(); len(o.funcs) > 0 {
		t.Errorf("%d functions", len(o.funcs))
	}
}
