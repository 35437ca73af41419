package verify

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/distro"
	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/testkit"
)

// judgeOn says what is found about a program that is meant to run on a place.
func judgeOn(t *testing.T, prog string, p *Place) *Report {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(name, []byte(prog), 0o755); err != nil {
		t.Fatal(err)
	}
	o, err := OpenFile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	r, err := Judge(t.Context(), []*Opened{o}, Options{Place: p})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rootOf makes a place of files: path in it to content.
func rootOf(t *testing.T, files map[string]string) *Place {
	t.Helper()
	dir := t.TempDir()
	for p, text := range files {
		to := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := rootfs.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return NewPlace("here", tree)
}

func wantFound(t *testing.T, r *Report, starts Answer, want ...string) {
	t.Helper()
	if got := ids(r); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q\n%v", got, want, r.Findings)
	}
	if b := r.Programs[0].Base; b == nil || b.Starts != starts {
		t.Errorf("the verdict is %+v, want %s", b, starts)
	}
}

const (
	glibcLoader = "/lib64/ld-linux-x86-64.so.2"
	glibcLib    = "/lib/x86_64-linux-gnu/libc.so.6"
	muslLoader  = "/lib/ld-musl-x86_64.so.1"
)

// glibc gives a root with this machine's C library.
func glibcRoot(t *testing.T, more map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{glibcLoader: readText(t, glibcLoader), glibcLib: readText(t, glibcLib)}
	for k, v := range more {
		out[k] = v
	}
	return out
}

const (
	usesV1 = "int foo(void); int main(void) { return foo(); }\n"
	usesV2 = "int foo_v2(void); int main(void) { return foo_v2(); }\n"
	libV1  = "int foo(void) { return 0; }\n"
	libV2  = "int foo(void) { return 0; } int foo_v2(void) { return 0; }\n"
)

// Dynamic programs of C, and what they lack: each of these fails on a real
// machine with the message that its rule quotes.
func TestDynamicPrograms(t *testing.T) {
	testkit.NeedE2E(t, "gcc", "musl-gcc")
	plain := cProgram(t, "gcc", "int main(void) { return 0; }\n")
	wantFound(t, judgeOn(t, plain, rootOf(t, map[string]string{"/etc/passwd": ""})), No, "BIN018")
	wantFound(t, judgeOn(t, plain, rootOf(t, glibcRoot(t, nil))), Yes)
	wantFound(t, judgeOn(t, plain, rootOf(t, map[string]string{glibcLoader: readText(t, glibcLoader)})), No, "BIN019")

	musl := cProgram(t, "musl-gcc", "int main(void) { return 0; }\n")
	muslFile := readText(t, "/lib/x86_64-linux-musl/libc.so")
	wantFound(t, judgeOn(t, musl, rootOf(t, map[string]string{muslLoader: muslFile})), Yes)
	wantFound(t, judgeOn(t, musl, rootOf(t, glibcRoot(t, nil))), No, "BIN020")
	wantFound(t, judgeOn(t, plain, rootOf(t, map[string]string{muslLoader: muslFile})), No, "BIN020")

	// A loader that stands in for glibc's: nothing can be said.
	standIn := cProgram(t, "gcc", libV1, "-shared", "-fPIC", "-nostdlib")
	wantFound(t, judgeOn(t, plain, rootOf(t, map[string]string{glibcLoader: standIn})), Unknown)

	// musl's loader under the name of glibc's: what both have works, the rest
	// does not.
	alias := map[string]string{glibcLoader: "", muslLoader: muslFile}
	gnu := cProgram(t, "gcc", "const char *gnu_get_libc_version(void); int main(void) { return gnu_get_libc_version()[0] == 0; }\n")
	for _, c := range []struct {
		prog string
		want []string
	}{{plain, nil}, {gnu, []string{"BIN020"}}} {
		place := rootOf(t, alias)
		r := judgeOn(t, c.prog, linked(t, place, glibcLoader, muslLoader))
		if got := ids(r); !slices.Equal(got, c.want) {
			t.Errorf("musl under another name: found %q, want %q\n%v", got, c.want, r.Findings)
		}
		if len(c.want) > 0 && !strings.Contains(says(r.Findings, "BIN020"), "gnu_get_libc_version") {
			t.Errorf("says %q", says(r.Findings, "BIN020"))
		}
	}
}

// linked replaces a file of a place by a link.
func linked(t *testing.T, p *Place, at, to string) *Place {
	t.Helper()
	dir := t.TempDir()
	if err := p.Tree.Unpack(t.Context(), filepath.Join(dir, "r"), rootfs.UnpackOptions{}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "r", at)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
	tree, err := rootfs.OpenDir(filepath.Join(dir, "r"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return NewPlace("here", tree)
}

// A library that is older than the one a program was linked to: the program
// starts, and ends at the first call.
func TestLateSymbol(t *testing.T) {
	testkit.NeedE2E(t, "gcc")
	old := cProgram(t, "gcc", libV1, "-shared", "-fPIC", "-Wl,-soname,libfoo.so.1")
	dir := t.TempDir()
	lib := filepath.Join(dir, "libfoo.so")
	if err := os.WriteFile(lib, []byte(cProgram(t, "gcc", libV2, "-shared", "-fPIC", "-Wl,-soname,libfoo.so.1")), 0o755); err != nil {
		t.Fatal(err)
	}
	newer := readText(t, lib)
	lazy := cProgram(t, "gcc", usesV2, "-L"+dir, "-lfoo", "-Wl,-z,lazy")
	now := cProgram(t, "gcc", usesV2, "-L"+dir, "-lfoo", "-Wl,-z,now")
	fine := cProgram(t, "gcc", usesV1, "-L"+dir, "-lfoo")
	at := "/usr/lib/x86_64-linux-gnu/libfoo.so.1"
	wantFound(t, judgeOn(t, lazy, rootOf(t, glibcRoot(t, map[string]string{at: newer}))), Yes)
	wantFound(t, judgeOn(t, fine, rootOf(t, glibcRoot(t, map[string]string{at: old}))), Yes)
	r := judgeOn(t, lazy, rootOf(t, glibcRoot(t, map[string]string{at: old})))
	wantFound(t, r, Yes, "BIN021")
	if !strings.Contains(says(r.Findings, "BIN021"), "uses foo_v2") {
		t.Errorf("says %q", says(r.Findings, "BIN021"))
	}
	r = judgeOn(t, now, rootOf(t, glibcRoot(t, map[string]string{at: old})))
	wantFound(t, r, No, "BIN021")
	wantFound(t, judgeOn(t, lazy, rootOf(t, glibcRoot(t, nil))), No, "BIN019")
	// A run path from the program's own place.
	mine := cProgram(t, "gcc", usesV2, "-L"+dir, "-lfoo", "-Wl,-rpath,/opt/lib")
	wantFound(t, judgeOn(t, mine, rootOf(t, glibcRoot(t, map[string]string{"/opt/lib/libfoo.so.1": newer}))), Yes)
}

// Places of which the name alone is known.
func TestKnownDistributions(t *testing.T) {
	testkit.NeedE2E(t, "gcc", "musl-gcc")
	// pthread_key_create moved into libc with 2.34.
	prog := cProgram(t, "gcc", "#include <pthread.h>\nint main(void) { pthread_key_t k; return pthread_key_create(&k, 0); }\n")
	musl := cProgram(t, "musl-gcc", "int main(void) { return 0; }\n")
	for _, c := range []struct {
		prog, place string
		starts      Answer
		want        []string
	}{
		{prog, "debian:12", Yes, nil},
		{prog, "amazonlinux:2", No, []string{"BIN006"}},
		{prog, "alpine:3.20", No, []string{"BIN020"}},
		{prog, "gcr.io/distroless/static", No, []string{"BIN018"}},
		{musl, "alpine:3.20", Yes, nil},
		{musl, "debian:12", No, []string{"BIN020"}},
	} {
		d, ok := distro.Find(c.place)
		if !ok {
			t.Fatal(c.place)
		}
		wantFound(t, judgeOn(t, c.prog, &Place{Name: c.place, Libc: d.Libc, Lib: d.Glibc}), c.starts, c.want...)
	}
}

func TestHardening(t *testing.T) {
	testkit.NeedE2E(t, "gcc")
	place := rootOf(t, glibcRoot(t, nil))
	for flag, want := range map[string][]string{
		"-O1":              nil,
		"-Wl,-z,execstack": {"BIN032"},
		"-Wl,-z,norelro":   {"(BIN032)"},
	} {
		r := judgeOn(t, cProgram(t, "gcc", "int main(void) { return 0; }\n", flag), place)
		if got := ids(r); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", flag, got, want)
		}
	}
	// Addresses within the code, which the loader puts in: code that was not
	// compiled to be moved, in a program that is.
	r := judgeOn(t, cProgram(t, "gcc", "int x; int *p(void) { return &x; }\nint main(void) { return *p(); }\n", "-mcmodel=large", "-fno-pic", "-pie", "-Wl,-z,notext"), place)
	if got := says(r.Findings, "BIN032"); !strings.Contains(got, "text relocations") {
		t.Errorf("text relocations: %q", ids(r))
	}
	r = judgeOn(t, cProgram(t, "gcc", "void _start(void) { for (;;); }\n", "-nostdlib", "-static", "-no-pie", "-Wl,--omagic"), place)
	if got := says(r.Findings, "BIN032"); !strings.Contains(got, "writable and executable") {
		t.Errorf("--omagic: %q", ids(r))
	}
}
