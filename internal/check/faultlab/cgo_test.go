package faultlab

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/testkit"
)

// TestModes runs the go commands that rules find in bad/ of their testdata
// and sees them fail as the rules say; then those of good/, which do not.
func TestModes(t *testing.T) {
	linuxOnly(t)
	for _, tc := range []struct {
		id    string
		fails func(t *testing.T, binary, output string) bool
	}{
		{"CGO004", func(t *testing.T, binary, output string) bool { return interpreter(t, binary, output) != "" }},
		{"CGO005", func(_ *testing.T, _, output string) bool {
			return strings.Contains(output, "requires external (cgo) linking, but cgo is not enabled")
		}},
		{"CGO006", func(t *testing.T, binary, _ string) bool {
			out, err := command(t, t.TempDir(), nil, binary)
			return err != nil && strings.Contains(out, "plugin: not implemented")
		}},
	} {
		t.Run(tc.id, func(t *testing.T) {
			t.Parallel()
			for _, half := range []string{"bad", "good"} {
				dir := t.TempDir()
				layRule(t, dir, tc.id, half)
				repo, err := facts.ReadRepo(t.Context(), dir)
				if err != nil {
					t.Fatal(err)
				}
				if len(repo.Builds()) == 0 {
					t.Fatalf("%s/ builds nothing", half)
				}
				for _, b := range repo.Builds() {
					if _, err := exec.LookPath("gcc"); err != nil && half == "good" && b.Cgo == facts.Yes {
						if testkit.E2E() {
							t.Fatal("SLIPWAY_E2E=1, but this machine has no gcc")
						}
						continue // the mended build needs a C compiler
					}
					binary := filepath.Join(t.TempDir(), "out")
					args := []string{"go", "build", "-o", binary}
					for _, flag := range []string{"-buildmode", "-ldflags"} {
						if v, ok := b.Go.Flags[flag]; ok {
							args = append(args, flag+"="+v)
						}
					}
					out, err := command(t, dir, []string{"GOWORK=off", "CGO_ENABLED=" + b.Go.Env["CGO_ENABLED"]}, append(args, ".")...)
					if err != nil && out == "" {
						t.Fatal(err)
					}
					if got := tc.fails(t, binary, out); got != (half == "bad") {
						t.Errorf("%s/ %s: go %s fails: %t", half, b.Go.Pos, strings.Join(b.Go.Words[1:], " "), got)
					}
				}
			}
			observedRule(t, tc.id)
		})
	}
}

// interpreter gives the loader that a binary names, "" if it needs none.
func interpreter(t *testing.T, binary, output string) string {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			data := make([]byte, p.Filesz)
			if _, err := p.ReadAt(data, 0); err != nil {
				t.Fatal(err)
			}
			return string(bytes.TrimRight(data, "\x00"))
		}
	}
	return ""
}

const small = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- main.go --\npackage main\n\nfunc main() { println(1) }\n"

// TestStaticFlag: without cgo no other linker runs, so that a flag which none
// of them knows does as well as -static. It is as long, because a binary holds
// the flags of its build and is laid out around them.
func TestStaticFlag(t *testing.T) {
	t.Parallel()
	linuxOnly(t)
	dir := tree(t, small)
	static := build(t, dir, nil, "-ldflags=-extldflags=-static", ".")
	unknown := build(t, dir, nil, "-ldflags=-extldflags=-nosuch", ".")
	for _, section := range []string{".text", ".data"} {
		if !bytes.Equal(sectionOf(t, static, section), sectionOf(t, unknown, section)) {
			t.Errorf("-extldflags -static changes %s", section)
		}
	}
	if loader := interpreter(t, build(t, dir, nil, "."), ""); loader != "" {
		t.Errorf("without the flag the binary asks for %s", loader)
	}
	observedRule(t, "CGO002")
}

// TestRebuild: -a gives what the cache would have given.
func TestRebuild(t *testing.T) {
	t.Parallel()
	testkit.NeedE2E(t) // compiles the standard library
	dir := tree(t, small)
	var built [2][]byte
	for i, flag := range []string{"-a=false", "-a"} {
		var err error
		if built[i], err = os.ReadFile(build(t, dir, nil, flag, ".")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("-a changes the binary")
	}
	observedRule(t, "CGO003")
}

func sectionOf(t *testing.T, binary, name string) []byte {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.Section(name).Data()
	if err != nil || len(data) == 0 {
		t.Fatalf("%s of %s: %d bytes, %v", name, binary, len(data), err)
	}
	return data
}

// TestNeedsCgo: a package of which every file imports C, as that of a driver
// for a C library, stops a build without cgo.
func TestNeedsCgo(t *testing.T) {
	t.Parallel()
	const driver = "package sqlite\n\nimport \"C\"\n"
	proxy := testkit.NewModProxy(t)
	proxy.Add(t, "example.com/sqlite", "v1.0.0", map[string]string{"sqlite.go": driver})
	proxy.Add(t, "example.com/sqlite", "v1.1.0", map[string]string{"sqlite.go": driver, "pure.go": "//go:build !cgo\n\npackage sqlite\n"})
	env := append(fetching(t, proxy), "CGO_ENABLED=0", "GOFLAGS=-modcacherw")
	modcache := works(t, t.TempDir(), env, "go", "env", "GOMODCACHE")
	project := func(version string) string {
		dir := tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/sqlite "+version+"\n-- Makefile --\nall:\n\tCGO_ENABLED=0 go build .\n"+
			"-- main.go --\npackage main\n\nimport _ \"example.com/sqlite\"\n\nfunc main() {}\n")
		works(t, dir, env, "go", "mod", "download", "example.com/sqlite")
		command(t, dir, env, "go", "mod", "tidy") // writes go.sum, whatever it says of the rest
		// Where finds looks for modules.
		if err := os.Symlink(modcache, filepath.Join(dir, "modcache")); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	bad, good := project("v1.0.0"), project("v1.1.0")
	fails(t, bad, env, "build constraints exclude all Go files", "go", "build", "-o", os.DevNull, ".")
	works(t, good, env, "go", "build", "-o", os.DevNull, ".")
	observed(t, "CGO009", bad, good)
}

// TestStaleHeader: after a change of a header in another directory, the
// build cache gives the old program.
func TestStaleHeader(t *testing.T) {
	t.Parallel()
	testkit.NeedE2E(t, "gcc")
	const project = `
-- go.mod --
module example.com/app

go 1.26
-- include/limit.h --
#define LIMIT 1
-- app/main.go --
package main

// #include "../include/limit.h"
import "C"

import "fmt"

func main() { fmt.Println(C.LIMIT) }
`
	dir := tree(t, project)
	env := []string{"CGO_ENABLED=1"}
	run := func(flags ...string) string {
		out, err := goRun(t, dir, env, append(append([]string{"run"}, flags...), "./app")...)
		if err != nil {
			t.Fatal(err, out)
		}
		return out
	}
	equal(t, "at first", run(), "1")
	lay(t, dir, "-- include/limit.h --\n#define LIMIT 2\n")
	equal(t, "after the change", run(), "1")
	// The fix: the header beside the Go file.
	src := "package main\n\n// #include \"limit.h\"\nimport \"C\"\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(C.LIMIT) }\n"
	lay(t, dir, "-- app/limit.h --\n#define LIMIT 3\n-- app/main.go --\n"+src)
	equal(t, "beside", run(), "3")
	lay(t, dir, "-- app/limit.h --\n#define LIMIT 4\n")
	equal(t, "beside, after a change", run(), "4")
	observed(t, "CGO008", tree(t, project), dir)
}
