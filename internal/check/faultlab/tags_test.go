package faultlab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
)

// lay writes the files of a txtar archive below dir.
func lay(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// goRun runs the go command in dir; what the machine's user has set is left
// out of it.
func goRun(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	c.Env = append(c.Env, env...)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// goFiles gives the files that a build with these flags takes.
func goFiles(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	out, err := goRun(t, dir, nil, append(append([]string{"list"}, flags...), "-f", "{{.GoFiles}}", ".")...)
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", flags, err, out)
	}
	return out
}

// finds gives the places where a rule finds something.
func finds(t *testing.T, dir, rule string) []string {
	t.Helper()
	repo, err := facts.ReadRepo(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := facts.ReadDeps(context.Background(), &repo, dir, filepath.Join(dir, "modcache")); err != nil {
		t.Fatal(err)
	}
	repo.WorkTree = true
	res, err := check.Run(&repo, []string{rule})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range res.Findings {
		out = append(out, fmt.Sprintf("%s:%d", f.Pos.File, f.Pos.Line))
	}
	slices.Sort(out)
	return out
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestPlusInTags: "a+b" is one name that no file has, so that both files drop
// out of the binary without a word.
func TestPlusInTags(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, `
-- go.mod --
module example.com/app

go 1.26
-- Makefile --
all:
	go build -tags audit+trace .
-- main.go --
package main

func main() {}
-- audit.go --
//go:build audit

package main
-- trace.go --
//go:build trace

package main
`)
	equal(t, "with a+b", goFiles(t, dir, "-tags", "audit+trace"), "[main.go]")
	equal(t, "with a,b", goFiles(t, dir, "-tags", "audit,trace"), "[audit.go main.go trace.go]")
	equal(t, "TAG001", finds(t, dir, "TAG001"), "[Makefile:2]")
}

// TestUnknownTag: a misspelt tag changes nothing, and the go command is
// content.
func TestUnknownTag(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, `
-- go.mod --
module example.com/app

go 1.26
-- Makefile --
all:
	go build -tags entreprise .
-- main.go --
package main

func main() {}
-- features.go --
//go:build enterprise

package main
`)
	equal(t, "misspelt", goFiles(t, dir, "-tags", "entreprise"), goFiles(t, dir))
	equal(t, "meant", goFiles(t, dir, "-tags", "enterprise"), "[features.go main.go]")
	equal(t, "TAG004", finds(t, dir, "TAG004"), "[Makefile:2]")
}

// TestSpacedConstraint: "// go:build" restricts nothing.
func TestSpacedConstraint(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- main.go --\n// go:build windows\n\npackage main\n\nfunc main() {}\n")
	equal(t, "files", goFiles(t, dir), "[main.go]")
	equal(t, "TAG002", finds(t, dir, "TAG002"), "[main.go:1]")
	lay(t, dir, "-- main.go --\n//go:build windows\n\npackage main\n\nfunc main() {}\n")
	if out, err := goRun(t, dir, nil, "build", "-o", os.DevNull, "."); err == nil {
		t.Errorf("without the space it is built all the same: %s", out)
	}
}

// TestDisagreeingConstraints: the go command obeys //go:build, and go vet,
// which go test runs, refuses the pair.
func TestDisagreeingConstraints(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.16\n-- x.go --\npackage app\n-- y.go --\n//go:build linux && debug\n// +build linux\n\npackage app\n")
	equal(t, "files", goFiles(t, dir), "[x.go]")
	out, err := goRun(t, dir, nil, "vet", "-tags", "debug", ".")
	if err == nil || !strings.Contains(out, "+build lines do not match") {
		t.Errorf("go vet: %v %s", err, out)
	}
	equal(t, "TAG003", finds(t, dir, "TAG003"), "[y.go:1]")
}

// TestOldConstraintStillCounts: for want of //go:build the old line is obeyed
// whatever the go line says, which is why TAG005 is only advice.
func TestOldConstraintStillCounts(t *testing.T) {
	for _, goLine := range []string{"1.16", "1.17", "1.18", "1.21", "1.26"} {
		dir := t.TempDir()
		lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo "+goLine+"\n-- x.go --\npackage app\n-- y.go --\n// +build debug\n\npackage app\n")
		equal(t, "go "+goLine, goFiles(t, dir), "[x.go]")
		want := "[y.go:1]"
		if goLine == "1.16" {
			want = "[]"
		}
		equal(t, "TAG005 at go "+goLine, finds(t, dir, "TAG005"), want)
	}
}

// TestDeadConstraint: a build line in the wrong place lets the file into
// every build.
func TestDeadConstraint(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- a.go --\n// +build debug\npackage app\n-- b.go --\npackage app\n\n//go:build debug\n")
	equal(t, "files", goFiles(t, dir), "[a.go b.go]")
	equal(t, "TAG008", finds(t, dir, "TAG008"), "[a.go:1 b.go:3]")
	lay(t, dir, "-- a.go --\n// +build debug\n\npackage app\n-- b.go --\n//go:build debug\n\npackage app\n-- c.go --\npackage app\n")
	equal(t, "mended", goFiles(t, dir), "[c.go]")
	equal(t, "TAG008 mended", finds(t, dir, "TAG008"), "[]")
}

// TestUnbuildableFile: no system of `go tool dist list` takes the files.
func TestUnbuildableFile(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.22\n-- x.go --\npackage app\n-- y_linux.go --\n//go:build !linux\n\npackage app\n-- z.go --\n//go:build !go1.18\n\npackage app\n")
	ports, err := goRun(t, dir, nil, "tool", "dist", "list")
	if err != nil {
		t.Fatal(err, ports)
	}
	for _, p := range strings.Fields(ports) {
		goos, goarch, _ := strings.Cut(p, "/")
		out, err := goRun(t, dir, []string{"GOOS=" + goos, "GOARCH=" + goarch}, "list", "-f", "{{.GoFiles}}", ".")
		if err != nil || out != "[x.go]" {
			t.Errorf("%s: %v %s", p, err, out)
		}
	}
	equal(t, "TAG006", finds(t, dir, "TAG006"), "[y_linux.go:1 z.go:1]")
}

// TestNeedsCgo: a package of which every file imports C stops a build without
// cgo.
func TestNeedsCgo(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, `
-- go.mod --
module example.com/app

go 1.26
-- Makefile --
all:
	CGO_ENABLED=0 go build .
-- main.go --
package main

import _ "example.com/app/queue"

func main() {}
-- queue/queue.go --
package queue

import "C"
`)
	out, err := goRun(t, dir, nil, "build", "-o", os.DevNull, ".")
	if err == nil || !strings.Contains(out, "build constraints exclude all Go files") {
		t.Errorf("go build: %v %s", err, out)
	}
	equal(t, "CGO009", finds(t, dir, "CGO009"), "[Makefile:2]")
	lay(t, dir, "-- queue/pure.go --\n//go:build !cgo\n\npackage queue\n")
	if out, err := goRun(t, dir, nil, "build", "-o", os.DevNull, "."); err != nil {
		t.Errorf("go build: %v %s", err, out)
	}
	equal(t, "CGO009 mended", finds(t, dir, "CGO009"), "[]")
}

// TestProviderUnderTag: what a tagged file registers is missing at the start
// of the program that is built without the tag.
func TestProviderUnderTag(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, `
-- go.mod --
module example.com/app

go 1.26
-- .github/workflows/ci.yml --
on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: go test -tags postgres ./...
      - run: go build -o app .
-- main.go --
package main

import "example.com/app/store"

func main() { store.Open("postgres")() }
-- store/store.go --
package store

var drivers = map[string]func(){}

// Open panics if there is no such driver.
func Open(name string) func() {
	if drivers[name] == nil {
		panic("no driver " + name)
	}
	return drivers[name]
}
-- store/postgres.go --
//go:build postgres

package store

func init() { drivers["postgres"] = func() {} }
`)
	if out, err := goRun(t, dir, nil, "run", "-tags", "postgres", "."); err != nil {
		t.Errorf("with the tag: %v %s", err, out)
	}
	out, err := goRun(t, dir, nil, "run", ".")
	if err == nil || !strings.Contains(out, "no driver postgres") {
		t.Errorf("without the tag: %v %s", err, out)
	}
	equal(t, "TAG007", finds(t, dir, "TAG007"), "[store/postgres.go:1]")
}

// TestStaleHeader: after a change of a header in another directory, the
// build cache gives the old program.
func TestStaleHeader(t *testing.T) {
	if os.Getenv("SLIPWAY_E2E") == "" {
		t.Skip("SLIPWAY_E2E is not set: compiles C")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lay(t, dir, `
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
`)
	env := []string{"CGO_ENABLED=1", "GOCACHE=" + t.TempDir()}
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
	equal(t, "CGO008", finds(t, dir, "CGO008"), "[app/main.go:3]")
	// The fix: the header beside the Go file.
	src := "package main\n\n// #include \"limit.h\"\nimport \"C\"\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(C.LIMIT) }\n"
	lay(t, dir, "-- app/limit.h --\n#define LIMIT 3\n-- app/main.go --\n"+src)
	equal(t, "beside", run(), "3")
	lay(t, dir, "-- app/limit.h --\n#define LIMIT 4\n")
	equal(t, "beside, after a change", run(), "4")
	equal(t, "CGO008 mended", finds(t, dir, "CGO008"), "[]")
}
