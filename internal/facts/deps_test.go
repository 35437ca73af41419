package facts

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// readTestDeps writes a txtar archive to disk, in which what lies in modcache/
// is the module cache, and reads the rest with it.
func readTestDeps(t *testing.T, archive string) Repo {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, "repo", filepath.FromSlash(f.Name))
		if strings.HasPrefix(f.Name, "modcache/") {
			name = filepath.Join(dir, filepath.FromSlash(f.Name))
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := ReadRepo(t.Context(), filepath.Join(dir, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ReadDeps(t.Context(), &r, filepath.Join(dir, "repo"), filepath.Join(dir, "modcache")); err != nil {
		t.Fatal(err)
	}
	return r
}

func chainText(r Reached) string {
	var out []string
	for _, s := range r.Chain {
		out = append(out, strings.TrimSpace(s.Package+" "+s.Pos.String()))
	}
	return strings.Join(out, " > ")
}

func TestReadDeps(t *testing.T) {
	r := readTestDeps(t, `
-- go.mod --
module example.com/app

go 1.26

require (
	example.com/Upper v1.0.0
	example.com/lib v1.2.3
	example.com/lib/sub v0.1.0
	example.com/gone v1.0.0
	example.com/unused v1.0.0
	example.com/old v1.0.0
)

replace example.com/old => example.com/fork v1.5.0
-- main.go --
package main

import (
	_ "example.com/Upper"
	_ "example.com/gone/x"
	_ "example.com/lib/inner"
	_ "example.com/lib/sub"
	_ "example.com/nowhere"
	_ "example.com/old"
	_ "net/http"
)
-- main_test.go --
package main

import _ "example.com/lib/onlytests"
-- modcache/example.com/!upper@v1.0.0/u.go --
package upper
-- modcache/example.com/lib@v1.2.3/inner/a.go --
package inner

import _ "example.com/lib/deep"
-- modcache/example.com/lib@v1.2.3/inner/a_windows.go --
package inner

import _ "example.com/lib/windows"
-- modcache/example.com/lib@v1.2.3/inner/a_test.go --
package inner

import _ "example.com/lib/tested"
-- modcache/example.com/lib@v1.2.3/deep/c.go --
// Package deep is documented with a line that begins a declaration:
//
// func main
package deep

/*
#include <stdio.h>
*/
import "C"
-- modcache/example.com/lib@v1.2.3/deep/n.go --
//go:build !cgo

package deep

import _ "os/user"
-- modcache/example.com/lib@v1.2.3/onlytests/t.go --
package onlytests
-- modcache/example.com/lib/sub@v0.1.0/s.go --
package sub
-- modcache/example.com/unused@v1.0.0/s.go --
package unused
-- modcache/example.com/fork@v1.5.0/f.go --
package old

import _ "syscall"
`)
	var pkgs []string
	for p, d := range r.Deps.Packages {
		pkgs = append(pkgs, p+" "+d.Module)
	}
	slices.Sort(pkgs)
	same(t, "packages", pkgs, "[example.com/Upper example.com/Upper@v1.0.0 example.com/lib/deep example.com/lib@v1.2.3 example.com/lib/inner example.com/lib@v1.2.3 example.com/lib/sub example.com/lib/sub@v0.1.0 example.com/old example.com/fork@v1.5.0]")
	same(t, "unknown", r.Deps.Unknown, "[{example.com/gone/x main.go:5:4} {example.com/nowhere main.go:8:4}]")
	same(t, "modules", r.Deps.Modules, "[{example.com/Upper v1.0.0  false} {example.com/gone v1.0.0  true} {example.com/lib v1.2.3  false} {example.com/lib/sub v0.1.0  false} {example.com/old v1.5.0 example.com/fork false}]")
	same(t, "notes", r.Notes, "[{ 1 of 5 modules are not in the module cache; what they need is unknown (`go mod download` fetches them)}]")

	same(t, "files of a package", len(r.FilesOf(&r.Modules[0], "example.com/lib/deep")), 2)
	on := r.Closure(&r.Modules[0], []string{"."}, []string{"cgo"})
	same(t, "with cgo", chainText(on["C"]), "example.com/app > example.com/lib/inner main.go:6:4 > example.com/lib/deep example.com/lib@v1.2.3/inner/a.go:3:10 > C example.com/lib@v1.2.3/deep/c.go:9:8")
	same(t, "replaced", chainText(on["syscall"]), "example.com/app > example.com/old main.go:9:4 > syscall example.com/fork@v1.5.0/f.go:3:10")
	_, user := on["os/user"]
	off := r.Closure(&r.Modules[0], []string{"."}, nil)
	_, c := off["C"]
	same(t, "without cgo", []bool{user, c}, "[false false]")
	same(t, "without cgo", chainText(off["os/user"])[:len("example.com/app")], "example.com/app")
}

func TestReadDepsOfSeveralModules(t *testing.T) {
	r := readTestDeps(t, `
-- a/go.mod --
module example.com/a

go 1.26

require example.com/lib v1.0.0
-- a/a.go --
package a

import _ "example.com/lib"
-- b/go.mod --
module example.com/b

go 1.26

require (
	example.com/a v0.0.0
	example.com/lib v1.1.0
)

replace example.com/a => ../a
-- b/b.go --
package b

import _ "example.com/a"
-- modcache/example.com/lib@v1.0.0/l.go --
package lib

import _ "net"
-- modcache/example.com/lib@v1.1.0/l.go --
package lib

import _ "os/user"
`)
	for i, want := range []string{"net", "os/user"} {
		m := &r.Modules[i]
		got := r.Closure(m, []string{m.Root}, nil)
		if _, ok := got[want]; !ok {
			t.Errorf("%s reaches %v, not %s", m.Path, got, want)
		}
	}
	same(t, "packages", len(r.Deps.Packages), 2)
}

func TestReadDepsVendored(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.go"), []byte("package x\nimport _ \"net\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := readTestDeps(t, `
-- go.mod --
module example.com/a

go 1.26

require example.com/lib v1.0.0
-- a.go --
package a

import (
	_ "example.com/lib/p"
	_ "example.com/lib/pruned"
)
-- vendor/modules.txt --
# example.com/lib v1.0.0
## explicit
example.com/lib/p
-- vendor/example.com/lib/p/l.go --
package p

import _ "os/user"
-- modcache/example.com/lib@v1.0.0/p/l.go --
package p

import _ "net"
-- modcache/example.com/lib@v1.0.0/pruned/l.go --
package pruned
`)
	got := r.Closure(&r.Modules[0], []string{"."}, nil)
	same(t, "chain", chainText(got["os/user"]), "example.com/a > example.com/lib/p a.go:4:4 > os/user vendor/example.com/lib/p/l.go:3:10")
	same(t, "unknown", r.Deps.Unknown, "[{example.com/lib/pruned a.go:5:4}]")
}

// TestReadDepsTags holds that a tag is looked for beyond what is linked.
func TestReadDepsTags(t *testing.T) {
	r := readTestDeps(t, `
-- go.mod --
module example.com/a

go 1.26

require example.com/lib v1.0.0
-- a.go --
package a

import _ "example.com/lib"
-- testdata/x.go --
//go:build fixture

package x
-- Makefile --
all:
	go build -tags netgo,linked,other,fixture,nobody ./...
-- modcache/example.com/lib@v1.0.0/l.go --
//go:build !linked

package lib
-- modcache/example.com/lib@v1.0.0/l_linked.go --
//go:build linked && cgo

package lib

import _ "os/user"
-- modcache/example.com/lib@v1.0.0/other/asm_arm64.s --
//go:build other
`)
	same(t, "elsewhere", r.Deps.Elsewhere, "map[fixture:testdata/x.go:1:1 other:example.com/lib@v1.0.0/other/asm_arm64.s:1:1]")
	_, ok := r.Closure(&r.Modules[0], []string{"."}, []string{"linked", "cgo"})["os/user"]
	same(t, "under the tag", ok, true)
}

// FuzzGoHead holds that the head of a file says the same as the file.
func FuzzGoHead(f *testing.F) {
	long := strings.Repeat("// x\n", depHead/5)
	for _, s := range []string{"package p\nimport \"C\"\nfunc f() {}\n", long + "package p\nimport \"a\"\n" + long + "import \"b\"\nvar x int\n", "package p\n" + long + "import \"b\"\n", "/*\nfunc \n*/" + long + "package p\nimport \"a\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		whole, werr := readGoFile("x.go", src)
		head, _, err := readGoHead(strings.NewReader(string(src)), "x.go", nil)
		if werr == nil && (err != nil || len(head.Imports) > len(whole.Imports)) {
			t.Errorf("the head has %v, %v; the file %v", head.Imports, err, whole.Imports)
		}
	})
}

func TestGoHead(t *testing.T) {
	pad := strings.Repeat("// padding\n", depHead/11)
	for name, src := range map[string]string{
		"late imports": "package p\n\nimport \"a\"\n\n" + pad + "import \"b\"\n\nvar x = 1\n",
		"late package": pad + "\npackage p\n\nimport \"a\"\nimport \"b\"\n",
		"long block":   "package p\n\nimport (\n\t\"a\"\n" + pad + "\t\"b\"\n)\n\nfunc f() {}\n",
		"short":        "package p\n\nimport \"a\"\nimport \"b\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			g, _, err := readGoHead(strings.NewReader(src), "x.go", nil)
			if err != nil || len(g.Imports) != 2 {
				t.Errorf("got %v, %v", g.Imports, err)
			}
		})
	}
}

// TestReadDepsOfOldGoLine holds that nothing is guessed where go.mod does not
// list what is linked.
func TestReadDepsOfOldGoLine(t *testing.T) {
	r := readTestDeps(t, `
-- go.mod --
module example.com/a

go 1.16

require example.com/lib v1.0.0
-- a.go --
package a

import _ "example.com/lib"
-- modcache/example.com/lib@v1.0.0/l.go --
package lib
`)
	same(t, "packages", len(r.Deps.Packages), 0)
	same(t, "unknown", r.Deps.Unknown, "[{example.com/lib a.go:3:10}]")
	same(t, "notes", len(r.Notes), 1)
}

// TestGoTables compares the tables of tags and ports with the toolchain that
// runs the test.
func TestGoTables(t *testing.T) {
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(strings.TrimSpace(string(goroot)), "src")
	unknown := map[string]string{}
	err = filepath.WalkDir(src, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && (e.Name() == "testdata" || name == filepath.Join(src, "cmd")) {
			return cmp.Or(err, fs.SkipDir)
		}
		if e.IsDir() || strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".s") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Contains(b, []byte("build ")) {
			return nil
		}
		g := GoFile{Path: name}
		head, _, _ := bytes.Cut(b, []byte("\npackage "))
		g.readHead(append(head, "\n\n"...))
		g.eachConstraintTag(func(tag string) {
			if !IsStdTag(tag) {
				unknown[tag] = name
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(unknown) > 0 {
		t.Errorf("tags of the standard library that stdTags lacks: %v", unknown)
	}
	list, err := exec.CommandContext(t.Context(), "go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range portsOf(strings.Fields(string(list))...) {
		if !slices.Contains(ports, p) {
			t.Errorf("ports lacks %v", p)
		}
	}
}
