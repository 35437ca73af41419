package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/testkit"
)

// needTool finds a program of the C world, which a plain machine may lack.
func needTool(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		if testkit.E2E() {
			t.Fatalf("SLIPWAY_E2E=1, but this machine has no %s", name)
		}
		t.Skipf("no %s", name)
	}
	return p
}

func writeText(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func makeLink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func runTool(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, b)
	}
}

// compileC writes text to a file and compiles it.
func compileC(t *testing.T, cc, out, text string, args ...string) string {
	t.Helper()
	src := out + ".c"
	writeText(t, src, text)
	defer os.Remove(src)
	runTool(t, filepath.Dir(out), nil, needTool(t, cc), append([]string{"-o", out, src}, args...)...)
	return out
}

// compileGo builds a Go program with cgo.
func compileGo(t *testing.T, env []string, text string) string {
	t.Helper()
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "go.mod"), "module example.com/prog\n\ngo 1.26\n")
	writeText(t, filepath.Join(dir, "main.go"), text)
	out := filepath.Join(dir, "prog")
	runTool(t, dir, append([]string{"CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off"}, env...), "go", "build", "-trimpath", "-o", out, ".")
	return out
}

func programAt(path string) Program {
	return Program{Binary: plan.Binary{Name: filepath.Base(path)}, Path: path}
}

// rootOf makes a root directory of the entries, as a container engine would.
func rootOf(t *testing.T, entries []Entry) string {
	t.Helper()
	root := t.TempDir()
	arranged, err := arrange(entries)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range arranged {
		to := filepath.Join(root, e.Path)
		switch {
		case e.Dir:
			if err := os.MkdirAll(to, os.FileMode(e.Mode)); err != nil {
				t.Fatal(err)
			}
		case e.Link != "":
			makeLink(t, e.Link, to)
		default:
			r, err := e.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if cerr := r.Close(); err == nil {
				err = cerr
			}
			if err != nil || int64(len(b)) != e.Size {
				t.Fatalf("%s: %d bytes of %d, %v", e.Path, len(b), e.Size, err)
			}
			if err := os.WriteFile(to, b, os.FileMode(e.Mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// runIn runs a program that sees nothing but root: what the closure forgot is
// not there.
func runIn(t *testing.T, root string, env []string, args ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		if testkit.E2E() {
			t.Fatal("SLIPWAY_E2E=1, but not root")
		}
		t.Skip("not root")
	}
	cmd := &exec.Cmd{Path: args[0], Args: args, Dir: "/", Env: env, SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("run %q in the closure: %v\n%s%s", args, err, out.String(), errs.String())
	}
	return out.String()
}

func mustEntries(t *testing.T, s closureSpec) ([]Entry, []Library) {
	t.Helper()
	entries, libs, err := s.entries(t.Context())
	if err != nil {
		fe, ok := errors.AsType[*fault.Error](err)
		if ok {
			t.Log(fe.Detail)
		}
		t.Fatal(err)
	}
	return entries, libs
}

func libraryOf(libs []Library, base string) *Library {
	for _, l := range libs {
		if strings.HasPrefix(filepath.Base(l.Path), base) {
			return &l
		}
	}
	return nil
}

const resolverProgram = `package main

/*
#include <math.h>
static double root(double x) { return sqrt(x); }
#cgo LDFLAGS: -lm
*/
import "C"

import (
	"fmt"
	"net"
	"os"
	"os/user"
)

func main() {
	addrs, err := net.LookupHost(os.Args[1])
	u, uerr := user.Lookup("bob")
	fmt.Println(addrs, err, u.HomeDir, uerr, float64(C.root(16)))
}
`

// The resolver and the user lookup of the C library, in a root directory that
// holds the closure and nothing else.
func TestClosureOfCgoProgram(t *testing.T) {
	needTool(t, "gcc")
	p := compileGo(t, nil, resolverProgram)
	entries, libs, err := closureSpec{Sysroot: "/", Programs: []Program{programAt(p)}, NSS: true}.entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l := libraryOf(libs, "libc.so"); l == nil || l.Why != "prog" || !strings.HasPrefix(l.Digest, "sha256:") {
		t.Errorf("libc: %+v in %+v", l, libs)
	}
	root := rootOf(t, entries)
	copyTo(t, p, filepath.Join(root, "srv/prog"))
	writeText(t, filepath.Join(root, "etc/hosts"), "10.11.12.13 closure.test\n")
	writeText(t, filepath.Join(root, "etc/passwd"), "bob:x:7:7::/home/of/bob:/bin/none\n")
	got := runIn(t, root, []string{"GODEBUG=netdns=cgo"}, "/srv/prog", "closure.test")
	if want := "[10.11.12.13] <nil> /home/of/bob <nil> 4\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestClosureOfCppAndThreads(t *testing.T) {
	cxx := needTool(t, "g++")
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "a.cc"), `#include <iostream>
#include <stdexcept>
#include <thread>
int main() {
	std::thread t([] { try { throw std::runtime_error("caught"); } catch (std::exception &e) { std::cout << e.what() << std::endl; } });
	t.join();
}
`)
	runTool(t, dir, nil, cxx, "-pthread", "-o", "a", "a.cc")
	entries, libs := mustEntries(t, closureSpec{Programs: []Program{programAt(filepath.Join(dir, "a"))}})
	if libraryOf(libs, "libstdc++") == nil || libraryOf(libs, "libgcc_s") == nil {
		t.Errorf("libraries: %+v", libs)
	}
	root := rootOf(t, entries)
	copyTo(t, filepath.Join(dir, "a"), filepath.Join(root, "a"))
	if got := runIn(t, root, nil, "/a"); got != "caught\n" {
		t.Errorf("printed %q", got)
	}
}

// ownLibraries builds a program with a library next to it, which needs another
// next to itself.
func ownLibraries(t *testing.T) (dir, prog string) {
	dir = t.TempDir()
	needTool(t, "gcc")
	inner := filepath.Join(dir, "lib/deep/libinner.so")
	if err := os.MkdirAll(filepath.Dir(inner), 0o755); err != nil {
		t.Fatal(err)
	}
	compileC(t, "gcc", inner, "int inner(void) { return 40; }\n", "-shared", "-fPIC", "-Wl,-soname,libinner.so")
	own := compileC(t, "gcc", filepath.Join(dir, "lib/libown.so.1"), "int inner(void);\nint own(void) { return inner() + 2; }\n",
		"-shared", "-fPIC", "-Wl,-soname,libown.so.1", "-L"+filepath.Dir(inner), "-linner", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/deep")
	prog = compileC(t, "gcc", filepath.Join(dir, "prog"), "#include <stdio.h>\nint own(void);\nint main() { printf(\"%d\\n\", own()); return 0; }\n",
		own, "-Wl,--enable-new-dtags,-rpath,${ORIGIN}/lib,-rpath-link,"+filepath.Dir(inner))
	return dir, prog
}

// What lies next to the program on this disk goes where the loader finds it
// wherever the program will lie.
func TestClosureOfOwnLibraries(t *testing.T) {
	_, prog := ownLibraries(t)
	entries, libs, err := closureSpec{Sysroot: "/", Programs: []Program{programAt(prog)}}.entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l := libraryOf(libs, "libown"); l == nil || l.From != "${ORIGIN}/lib/libown.so.1" || l.Why != "prog" {
		t.Errorf("libown: %+v", l)
	}
	if l := libraryOf(libs, "libinner"); l == nil || !strings.HasSuffix(l.Why, "/libown.so.1") {
		t.Errorf("libinner: %+v", l)
	}
	root := rootOf(t, entries)
	copyTo(t, prog, filepath.Join(root, "anywhere/prog"))
	if got := runIn(t, root, nil, "/anywhere/prog"); got != "42\n" {
		t.Errorf("printed %q", got)
	}
}

// Libraries that another layer brings are followed, and not added again.
func TestClosureWithLibrariesOfTheImage(t *testing.T) {
	dir, prog := ownLibraries(t)
	moved := filepath.Join(t.TempDir(), "prog")
	copyTo(t, prog, moved)
	files := map[string]string{
		"/srv/lib/libown.so.1":      filepath.Join(dir, "lib/libown.so.1"),
		"/srv/lib/deep/libinner.so": filepath.Join(dir, "lib/deep/libinner.so"),
	}
	entries, libs := mustEntries(t, closureSpec{Programs: []Program{programAt(moved)}, BinDir: "/srv", Files: files})
	if libraryOf(libs, "libown") != nil || libraryOf(libs, "libinner") != nil {
		t.Errorf("libraries of other layers were added: %+v", libs)
	}
	root := rootOf(t, entries)
	for to, from := range files {
		copyTo(t, from, filepath.Join(root, to))
	}
	copyTo(t, moved, filepath.Join(root, "srv/prog"))
	// Without /proc the loader does not know where the program lies.
	if got := runIn(t, root, []string{"LD_ORIGIN_PATH=/srv"}, "/srv/prog"); got != "42\n" {
		t.Errorf("printed %q", got)
	}
	_, _, err := closureSpec{Programs: []Program{programAt(moved)}, BinDir: "/elsewhere", Files: files}.entries(t.Context())
	wantClosureFault(t, err, "closure.missing", "libown.so.1")
}

func wantClosureFault(t *testing.T, err error, id, mentions string) *fault.Error {
	t.Helper()
	fe, ok := errors.AsType[*fault.Error](err)
	if !ok || fe.Msg.ID != id || fe.Hint.IsZero() || fe.Code != fault.Usage || !strings.Contains(fe.Error()+fe.Detail, mentions) {
		t.Fatalf("error %v, want %s about %s", err, id, mentions)
	}
	return fe
}

// hostSysroot is a merged-usr sysroot with this machine's loader and C library
// in it, and a program that needs libown.so.1, which lies in lib.
func hostSysroot(t *testing.T, lib string) (root, prog string) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		if testkit.E2E() {
			t.Fatal("SLIPWAY_E2E=1, but this is not amd64")
		}
		t.Skip("names amd64 paths")
	}
	root, dir := t.TempDir(), t.TempDir()
	own := compileC(t, "gcc", filepath.Join(dir, "libown.so.1.2.3"), "int own(void) { return 42; }\n", "-shared", "-fPIC", "-Wl,-soname,libown.so.1")
	prog = compileC(t, "gcc", filepath.Join(dir, "prog"), "#include <stdio.h>\nint own(void);\nint main() { printf(\"%d\\n\", own()); return 0; }\n", own)
	copyTo(t, own, filepath.Join(root, lib, "libown.so.1.2.3"))
	const multi = "usr/lib/x86_64-linux-gnu"
	copyTo(t, "/lib64/ld-linux-x86-64.so.2", filepath.Join(root, multi, "ld-2.36.so"))
	copyTo(t, "/lib/x86_64-linux-gnu/libc.so.6", filepath.Join(root, multi, "libc.so.6"))
	makeLink(t, "/usr/lib64", filepath.Join(root, "lib64"))
	makeLink(t, "../../lib/x86_64-linux-gnu/ld-2.36.so", filepath.Join(root, "usr/lib64/ld-linux-x86-64.so.2"))
	makeLink(t, "usr/lib", filepath.Join(root, "lib"))
	return root, prog
}

// A library that only ld.so.conf leads to: the image has no cache of it, so
// there must be a link where the loader looks by itself.
func TestClosureFollowsLdSoConf(t *testing.T) {
	root, prog := hostSysroot(t, "opt/vendor/lib")
	makeLink(t, "libown.so.1.2.3", filepath.Join(root, "opt/vendor/lib/libown.so.1"))
	writeText(t, filepath.Join(root, "etc/ld.so.conf"), "# comment\ninclude ld.so.conf.d/*.conf\ninclude /etc/ld.so.conf\n")
	writeText(t, filepath.Join(root, "etc/ld.so.conf.d/vendor.conf"), "/nowhere, /opt/vendor/lib=libc6 # ours\n")
	entries, libs := mustEntries(t, closureSpec{Sysroot: root, Programs: []Program{programAt(prog)}})
	var lines []string
	for _, e := range entries {
		lines = append(lines, strings.TrimSuffix(e.Path+" -> "+e.Link, " -> "))
	}
	want := []string{
		"/lib -> usr/lib",
		"/lib64 -> /usr/lib64",
		"/opt/vendor/lib/libown.so.1 -> libown.so.1.2.3",
		"/opt/vendor/lib/libown.so.1.2.3",
		"/usr/lib/x86_64-linux-gnu/ld-2.36.so",
		"/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/libown.so.1 -> /opt/vendor/lib/libown.so.1",
		"/usr/lib64/ld-linux-x86-64.so.2 -> ../../lib/x86_64-linux-gnu/ld-2.36.so",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("entries\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if l := libraryOf(libs, "ld-"); l == nil || l.Why != "interpreter" || l.From != l.Path {
		t.Errorf("interpreter: %+v", l)
	}
	dest := rootOf(t, entries)
	copyTo(t, prog, filepath.Join(dest, "prog"))
	if got := runIn(t, dest, nil, "/prog"); got != "42\n" {
		t.Errorf("printed %q", got)
	}
}

// Links of a sysroot never lead to this machine's own files.
func TestClosureStaysInTheSysroot(t *testing.T) {
	for name, target := range map[string]string{
		"absolute": "/usr/lib/x86_64-linux-gnu/libm.so.6",
		"climbing": "../../../../../../../../../usr/lib/x86_64-linux-gnu/libm.so.6",
		"loop":     "libown.so.1",
	} {
		t.Run(name, func(t *testing.T) {
			root, prog := hostSysroot(t, "opt")
			makeLink(t, target, filepath.Join(root, "usr/lib/x86_64-linux-gnu/libown.so.1"))
			_, _, err := closureSpec{Sysroot: root, Programs: []Program{programAt(prog)}}.entries(t.Context())
			fe := wantClosureFault(t, err, "closure.missing", "libown.so.1")
			if want := "libown.so.1 (prog): /lib/x86_64-linux-gnu, /usr/lib/x86_64-linux-gnu, /lib, /usr/lib\n"; fe.Detail != want {
				t.Errorf("detail %q, want %q", fe.Detail, want)
			}
		})
	}
}

// A file of the right name that the loader would pass over.
func TestClosurePassesOverOtherFiles(t *testing.T) {
	root, prog := hostSysroot(t, "usr/lib")
	makeLink(t, "libown.so.1.2.3", filepath.Join(root, "usr/lib/libown.so.1"))
	other := filepath.Join(root, "usr/lib/x86_64-linux-gnu/libown.so.1")
	writeText(t, other, "/* GNU ld script */\n")
	_, libs := mustEntries(t, closureSpec{Sysroot: root, Programs: []Program{programAt(prog)}})
	if l := libraryOf(libs, "libown"); l == nil || l.Path != "/usr/lib/libown.so.1.2.3" {
		t.Errorf("libown: %+v", l)
	}
	// The same library, said to be for another processor (e_machine).
	b, err := os.ReadFile(filepath.Join(root, "usr/lib/libown.so.1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	b[18] = 183 // EM_AARCH64
	writeText(t, other, string(b))
	_, libs = mustEntries(t, closureSpec{Sysroot: root, Programs: []Program{programAt(prog)}})
	if l := libraryOf(libs, "libown"); l == nil || l.Path != "/usr/lib/libown.so.1.2.3" {
		t.Errorf("libown: %+v", l)
	}
}

func TestClosureFaults(t *testing.T) {
	root, prog := hostSysroot(t, "usr/lib")
	makeLink(t, "libown.so.1.2.3", filepath.Join(root, "usr/lib/libown.so.1"))
	of := func(sysroot, prog string) error {
		_, _, err := closureSpec{Sysroot: sysroot, Programs: []Program{programAt(prog)}}.entries(t.Context())
		return err
	}
	if err := of(root, prog); err != nil {
		t.Fatal(err)
	}
	wantClosureFault(t, of(filepath.Join(root, "missing"), prog), "closure.sysroot", "missing")
	wantClosureFault(t, of(t.TempDir(), prog), "closure.interp", "/lib64/ld-linux-x86-64.so.2")

	script := filepath.Join(t.TempDir(), "script")
	writeText(t, script, "#!/bin/sh\nexit 0\n")
	wantClosureFault(t, of(root, script), "binary.format", "script")

	// An older C library: the newer versions it defines are renamed.
	libc := filepath.Join(root, "usr/lib/x86_64-linux-gnu/libc.so.6")
	b, err := os.ReadFile(libc)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.ReplaceAll(b, []byte("GLIBC_ABI_DT_RELR\x00"), []byte("GLIBD_ABI_DT_RELR\x00"))
	for minor := 3; minor < 60; minor++ {
		b = bytes.ReplaceAll(b, fmt.Appendf(nil, "GLIBC_2.%d\x00", minor), fmt.Appendf(nil, "GLIBD_2.%d\x00", minor))
	}
	writeText(t, libc, string(b))
	wantClosureFault(t, of(root, prog), "closure.glibc", "prog needs glibc 2.34")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := (closureSpec{Sysroot: root, Programs: []Program{programAt(prog)}}).entries(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Equal sysroots at different places give equal closures.
func TestClosureIsDeterministic(t *testing.T) {
	first, prog := hostSysroot(t, "usr/lib")
	makeLink(t, "libown.so.1.2.3", filepath.Join(first, "usr/lib/libown.so.1"))
	second := t.TempDir()
	runTool(t, first, nil, "cp", "-a", ".", second)
	describe := func(root string) string {
		entries, libs := mustEntries(t, closureSpec{Sysroot: root, Programs: []Program{programAt(prog), programAt(prog)}})
		var b strings.Builder
		for _, e := range entries {
			fmt.Fprintln(&b, e.Path, e.Mode, e.Link, e.Size)
		}
		fmt.Fprintf(&b, "%+v", libs)
		return b.String()
	}
	if a, b := describe(first), describe(second); a != b {
		t.Errorf("%s\n\n%s", a, b)
	}
}

// The old DT_RPATH of a program counts for the libraries of its libraries, and
// DT_RUNPATH does not (ld.so(8)).
func TestClosureRPathIsInherited(t *testing.T) {
	for _, c := range []struct {
		flag string
		ok   bool
	}{{"--disable-new-dtags", true}, {"--enable-new-dtags", false}} {
		t.Run(c.flag, func(t *testing.T) {
			root, _ := hostSysroot(t, "opt")
			dir := filepath.Join(root, "opt/priv")
			inner := filepath.Join(dir, "libinner.so")
			writeText(t, filepath.Join(dir, "x"), "")
			compileC(t, "gcc", inner, "int inner(void) { return 40; }\n", "-shared", "-fPIC", "-Wl,-soname,libinner.so")
			outer := compileC(t, "gcc", filepath.Join(dir, "libouter.so"), "int inner(void);\nint outer(void) { return inner() + 2; }\n",
				"-shared", "-fPIC", "-Wl,-soname,libouter.so", inner)
			prog := compileC(t, "gcc", filepath.Join(t.TempDir(), "prog"), "#include <stdio.h>\nint outer(void);\nint main() { printf(\"%d\\n\", outer()); return 0; }\n",
				outer, "-Wl,"+c.flag+",-rpath,/opt/priv,-rpath-link,"+dir)
			entries, _, err := closureSpec{Sysroot: root, Programs: []Program{programAt(prog)}}.entries(t.Context())
			if !c.ok {
				wantClosureFault(t, err, "closure.missing", "libinner.so (/opt/priv/libouter.so)")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			dest := rootOf(t, entries)
			copyTo(t, prog, filepath.Join(dest, "prog"))
			if got := runIn(t, dest, nil, "/prog"); got != "42\n" {
				t.Errorf("printed %q", got)
			}
		})
	}
}

func TestClosureOfStaticProgramIsEmpty(t *testing.T) {
	prog := compileC(t, "gcc", filepath.Join(t.TempDir(), "prog"), "int main() { return 0; }\n", "-static")
	entries, libs := mustEntries(t, closureSpec{Programs: []Program{programAt(prog)}})
	if len(entries) != 0 || len(libs) != 0 {
		t.Errorf("%+v, %+v", entries, libs)
	}
}

func TestClosureOfMuslProgram(t *testing.T) {
	needTool(t, "musl-gcc")
	p := compileGo(t, []string{"CC=musl-gcc"}, strings.ReplaceAll(resolverProgram, "#cgo LDFLAGS: -lm\n", ""))
	entries, libs, err := closureSpec{Programs: []Program{programAt(p)}, NSS: true}.entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if libraryOf(libs, "libc.so") == nil || libraryOf(libs, "ld-linux") != nil {
		t.Errorf("libraries: %+v", libs)
	}
	root := rootOf(t, entries)
	copyTo(t, p, filepath.Join(root, "prog"))
	writeText(t, filepath.Join(root, "etc/hosts"), "10.11.12.13 closure.test\n")
	writeText(t, filepath.Join(root, "etc/passwd"), "bob:x:7:7::/home/of/bob:/bin/none\n")
	got := runIn(t, root, []string{"GODEBUG=netdns=cgo"}, "/prog", "closure.test")
	if want := "[10.11.12.13] <nil> /home/of/bob <nil> 4\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// Another processor: Debian's cross compiler, its sysroot, and an emulator
// that sees nothing but the closure.
func TestClosureOfArm64Program(t *testing.T) {
	testkit.NeedE2E(t, "aarch64-linux-gnu-gcc", "qemu-aarch64-static")
	p := compileGo(t, []string{"GOARCH=arm64", "CC=aarch64-linux-gnu-gcc"}, resolverProgram)
	for _, sysroot := range []string{"/usr/aarch64-linux-gnu", ""} {
		entries, libs, err := closureSpec{Sysroot: sysroot, Programs: []Program{programAt(p)}, NSS: true}.entries(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l := libraryOf(libs, "libc.so"); l == nil || l.Path != "/lib/libc.so.6" {
			t.Errorf("libc: %+v", l)
		}
		root := rootOf(t, entries)
		qemu, err := exec.LookPath("qemu-aarch64-static")
		if err != nil {
			t.Fatal(err)
		}
		copyTo(t, qemu, filepath.Join(root, "qemu"))
		copyTo(t, p, filepath.Join(root, "prog"))
		writeText(t, filepath.Join(root, "etc/hosts"), "10.11.12.13 closure.test\n")
		writeText(t, filepath.Join(root, "etc/passwd"), "bob:x:7:7::/home/of/bob:/bin/none\n")
		got := runIn(t, root, []string{"GODEBUG=netdns=cgo"}, "/qemu", "/prog", "closure.test")
		if want := "[10.11.12.13] <nil> /home/of/bob <nil> 4\n"; got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
}

// FuzzLdSoConf: whatever the file holds, reading ends, and gives directories
// that can be paths of an image.
// A program's own libraries, delivered by image.files into the directory its
// run path names, links and all.
func TestAssembleClosureFindsImageFiles(t *testing.T) {
	dir, prog := ownLibraries(t)
	bin := filepath.Join(t.TempDir(), "prog")
	copyTo(t, prog, bin)
	own := filepath.Join(dir, "lib/libown.so.1")
	if err := os.Rename(own, own+".2.3"); err != nil {
		t.Fatal(err)
	}
	makeLink(t, "libown.so.1.2.3", own)
	size, digest, err := hashFile(t.Context(), func() (*os.File, error) { return os.Open(bin) })
	if err != nil {
		t.Fatal(err)
	}
	b := plan.Binary{Name: "prog"}
	job := Job{
		Target: plan.Target{
			Platform: plan.Platform{OS: "linux", Arch: runtime.GOARCH}, Binaries: []plan.Binary{b},
			Image: &plan.Image{Base: plan.Base{Kind: plan.Closure}, User: "0", BinDir: "/srv", Files: []plan.File{{From: "lib", To: "/srv/lib"}}},
		},
		Programs:   []Program{{Binary: b, Path: bin, Digest: digest, Size: size}},
		ProjectDir: dir, Cache: openTestCache(t),
	}
	made := assembledImage(t, job)
	if libraryOf(made.Libraries, "libc.so") == nil || libraryOf(made.Libraries, "libown") != nil || libraryOf(made.Libraries, "libinner") != nil {
		t.Errorf("libraries: %+v", made.Libraries)
	}
	root := t.TempDir()
	for _, l := range made.Layers {
		runTool(t, root, nil, "tar", "-xf", l.Path)
	}
	// Without /proc the loader does not know where the program lies.
	if got := runIn(t, root, []string{"LD_ORIGIN_PATH=/srv"}, "/srv/prog"); got != "42\n" {
		t.Errorf("printed %q", got)
	}

	job.Target.Image.Files = nil
	_, err = Assemble(t.Context(), job)
	wantClosureFault(t, err, "closure.missing", "libown.so.1")
}
