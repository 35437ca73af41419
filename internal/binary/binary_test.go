package binary

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
)

// variants are the programs the tests read, all from the same source.
var variants = map[string]struct {
	goos, goarch string
	args         []string
}{
	"elf":          {"linux", "amd64", nil},
	"elf-stripped": {"linux", "amd64", []string{"-ldflags=-s -w"}},
	"elf-pie":      {"linux", "amd64", []string{"-buildmode=pie", "-ldflags=-s -w"}},
	"elf-be":       {"linux", "s390x", []string{"-ldflags=-s -w"}},
	"elf-32":       {"linux", "386", []string{"-ldflags=-s -w"}},
	"pe":           {"windows", "amd64", nil},
	"pe-stripped":  {"windows", "amd64", []string{"-ldflags=-s -w"}},
	"macho":        {"darwin", "arm64", nil},
	"macho-strip":  {"darwin", "arm64", []string{"-ldflags=-s -w"}},
	"wasm":         {"wasip1", "wasm", []string{"-ldflags=-s -w"}},
}

const source = `package main

import "time"

type T struct{ n int }

//go:noinline
func (t *T) add() int { t.n++; return t.n }

func main() {
	_, err := time.LoadLocation("Asia/Shanghai")
	println(err == nil, (&T{}).add())
}
`

var (
	built   = map[string]string{}
	buildMu sync.Mutex
	labDir  string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "slipway-binary-")
	if err != nil {
		panic(err)
	}
	labDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// program builds a variant once and gives its path.
func program(t testing.TB, name string) string {
	t.Helper()
	buildMu.Lock()
	defer buildMu.Unlock()
	if p := built[name]; p != "" {
		return p
	}
	for file, text := range map[string]string{"main.go": source, "go.mod": "module example.com/lab\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(labDir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := variants[name]
	out := filepath.Join(labDir, name)
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath"}, v.args...), "-o", out, ".")...)
	cmd.Dir = labDir
	cmd.Env = append(os.Environ(), "GOOS="+v.goos, "GOARCH="+v.goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, b)
	}
	built[name] = out
	return out
}

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpen(t *testing.T) {
	for name, v := range variants {
		t.Run(name, func(t *testing.T) {
			f := open(t, program(t, name))
			stripped := slices.Contains(v.args, "-ldflags=-s -w")
			if v.goarch == "wasm" {
				if f.Format != Wasm || f.Arch != "wasm" {
					t.Fatalf("format %s, arch %s", f.Format, f.Arch)
				}
				return
			}
			if f.OS != v.goos || f.Arch != v.goarch {
				t.Errorf("platform %s/%s, want %s/%s", f.OS, f.Arch, v.goos, v.goarch)
			}
			if f.Symbols == stripped || f.DWARF == stripped {
				t.Errorf("symbols %v, DWARF %v in a program built with %q", f.Symbols, f.DWARF, v.args)
			}
			if f.Go == nil || f.Go.Path != "example.com/lab" || f.setting("GOARCH") != v.goarch {
				t.Errorf("build info %+v", f.Go)
			}
			if !f.NX {
				t.Error("the stack is said to be executable")
			}
			if want := goBuildID(t, f.Path); f.GoBuildID != want {
				t.Errorf("build ID %q, want %q", f.GoBuildID, want)
			}
			got := f.Linked("time.LoadLocation", "main.(*T).add", "main.main", "os.CreateTemp", "main.mai")
			for s, want := range map[string]bool{"time.LoadLocation": true, "main.(*T).add": true, "main.main": true, "os.CreateTemp": false, "main.mai": false} {
				if v, ok := got[s]; !ok || v != want {
					t.Errorf("%s linked: %v, want %v", s, v, want)
				}
			}
		})
	}
}

// goBuildID asks the go command.
func goBuildID(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "tool", "buildid", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// A program without cgo that is built as a PIE has an interpreter and not one
// library: the kernel then refuses to start it where that file is missing.
func TestInterpreterWithoutLibraries(t *testing.T) {
	f := open(t, program(t, "elf-pie"))
	if f.Type != PIE || f.Interp != "/lib64/ld-linux-x86-64.so.2" || len(f.Needed) != 0 || f.RELRO != PartialRELRO {
		t.Errorf("type %s, interp %q, needed %q, RELRO %q", f.Type, f.Interp, f.Needed, f.RELRO)
	}
	if f := open(t, program(t, "elf")); f.Type != Exec || f.Interp != "" {
		t.Errorf("type %s, interp %q", f.Type, f.Interp)
	}
}

func TestImports(t *testing.T) {
	if f := open(t, program(t, "pe")); !slices.Equal(f.Needed, []string{"kernel32.dll"}) || f.Type != PIE {
		t.Errorf("needed %q, type %s", f.Needed, f.Type)
	}
	f := open(t, program(t, "macho"))
	if !slices.Contains(f.Needed, "/usr/lib/libSystem.B.dylib") || f.Interp != "/usr/lib/dyld" || f.Type != PIE {
		t.Errorf("needed %q, interp %q, type %s", f.Needed, f.Interp, f.Type)
	}
}

// A C program and library of this machine, against what readelf would say.
func TestDynamicELF(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil {
		if os.Getenv("SLIPWAY_E2E") == "1" {
			t.Fatal("SLIPWAY_E2E=1, but there is no gcc")
		}
		t.Skip("no gcc")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.c"), []byte("#include <math.h>\n#include <stdio.h>\nint main(int c, char **v) { printf(\"%f\", sin(c)); return 0; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(cc, args...)
		cmd.Dir = dir
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, b)
		}
	}
	run("-o", "a", "a.c", "-Wl,--no-as-needed", "-lm", "-Wl,-z,now,-z,relro,--enable-new-dtags,-rpath,$ORIGIN/lib:/opt/x")
	run("-o", "old", "a.c", "-lm", "-static-pie", "-s")
	run("-o", "lib.so", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libx.so.1,--disable-new-dtags,-rpath,/opt/y", "-xc", "/dev/null")
	a := open(t, filepath.Join(dir, "a"))
	if a.Type != PIE || a.RELRO != FullRELRO || !a.NX || !a.Symbols || a.OS != "linux" || a.Go != nil || a.Linked("main.main") != nil {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(a.Needed, []string{"libm.so.6", "libc.so.6"}) || !slices.Equal(a.RunPath, []string{"$ORIGIN/lib", "/opt/x"}) || a.RPath != nil {
		t.Errorf("needed %q, runpath %q, rpath %q", a.Needed, a.RunPath, a.RPath)
	}
	if CompareVersions(a.GlibcNeeded, "2.2.5") < 0 || a.GlibcSymbol == "" {
		t.Errorf("glibc %q for %q", a.GlibcNeeded, a.GlibcSymbol)
	}
	if s := open(t, filepath.Join(dir, "old")); s.Type != PIE || s.Interp != "" || s.Needed != nil || s.Symbols {
		t.Errorf("static PIE: %+v", s)
	}
	if l := open(t, filepath.Join(dir, "lib.so")); l.Type != Shared || l.SoName != "libx.so.1" || !slices.Equal(l.RPath, []string{"/opt/y"}) || l.RunPath != nil {
		t.Errorf("library: %+v", l)
	}
}

func TestFat(t *testing.T) {
	thin, err := os.ReadFile(program(t, "macho-strip"))
	if err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	const align = 1 << 14
	pad := (len(thin) + align - 1) &^ (align - 1)
	b := make([]byte, align+2*pad)
	be.PutUint32(b, 0xcafebabe)
	be.PutUint32(b[4:], 2)
	for i := range 2 {
		e := b[8+20*i:]
		be.PutUint32(e[8:], uint32(align+i*pad))
		be.PutUint32(e[12:], uint32(len(thin)))
		copy(b[align+i*pad:], thin)
	}
	f, err := Read(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Slices) != 2 || f.Slices[1].Arch != "arm64" || f.Arch != "arm64" || f.Size != int64(len(b)) || !f.Linked("main.main")["main.main"] {
		t.Errorf("%d slices, arch %q, size %d", len(f.Slices), f.Arch, f.Size)
	}
	be.PutUint32(b[8+8:], uint32(len(b)))
	if _, err := Read(t.Context(), bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrDamaged) {
		t.Errorf("a slice beyond the end: %v", err)
	}
	class := append([]byte("\xca\xfe\xba\xbe\x00\x00\x00\x34"), make([]byte, 64)...)
	if _, err := Read(t.Context(), bytes.NewReader(class), int64(len(class))); !errors.Is(err, ErrFormat) {
		t.Errorf("a Java class: %v", err)
	}
}

func TestNotAProgram(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(program(t, "elf-stripped"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		id      string
	}{
		"script": {[]byte("#!/bin/sh\nexit 0\n"), "binary.format"},
		"empty":  {nil, "binary.format"},
		"dos":    {append([]byte("MZ"), make([]byte, 128)...), "binary.format"},
		"half":   {whole[:len(whole)/2], "binary.damaged"},
		"head":   {whole[:40], "binary.damaged"},
	} {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, c.content, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Open(p)
		fe, ok := errors.AsType[*fault.Error](err)
		if !ok || fe.Msg.ID != c.id || fe.Code != fault.Usage || fe.Hint.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(dir); err == nil {
		t.Error("a directory was read as a program")
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// brokenDisk fails as a disk does, which says nothing about the file.
type brokenDisk struct{ io.ReaderAt }

var errDisk = errors.New("input/output error")

func (b brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	if off > 4096 {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, off)
}

func TestReadErrors(t *testing.T) {
	f, err := os.Open(program(t, "elf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), brokenDisk{f}, fi.Size()); !errors.Is(err, errDisk) || errors.Is(err, ErrDamaged) {
		t.Errorf("broken disk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, f, fi.Size()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCompareVersions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"2.34", "2.4", 1}, {"2.4", "2.34", -1}, {"2.2.5", "2.2", 1}, {"2.17", "2.17", 0},
		{"2.17", "2.17.0", 0}, {"", "2.1", -1}, {"99999999999999999999", "x", 1},
	} {
		if got := CompareVersions(c.a, c.b); got != c.want {
			t.Errorf("CompareVersions(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, name := range []string{"elf", "pe", "macho"} {
		path := program(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Open(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
