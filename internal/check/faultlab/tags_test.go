package faultlab

import (
	"os"
	"strings"
	"testing"
)

// goFiles gives the files that a build with these flags takes.
func goFiles(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	out, err := goRun(t, dir, nil, append(append([]string{"list"}, flags...), "-f", "{{.GoFiles}}", ".")...)
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", flags, err, out)
	}
	return out
}

// TestPlusInTags: "a+b" is one name that no file has, so that both files drop
// out of the binary without a word.
func TestPlusInTags(t *testing.T) {
	t.Parallel()
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
	observedRule(t, "TAG001")
}

// TestUnknownTag: a misspelt tag changes nothing, and the go command is
// content.
func TestUnknownTag(t *testing.T) {
	t.Parallel()
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
	observedRule(t, "TAG004")
}

// TestSpacedConstraint: "// go:build" restricts nothing.
func TestSpacedConstraint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- main.go --\n// go:build windows\n\npackage main\n\nfunc main() {}\n")
	equal(t, "files", goFiles(t, dir), "[main.go]")
	equal(t, "TAG002", finds(t, dir, "TAG002"), "[main.go:1]")
	lay(t, dir, "-- main.go --\n//go:build windows\n\npackage main\n\nfunc main() {}\n")
	if out, err := goRun(t, dir, nil, "build", "-o", os.DevNull, "."); err == nil {
		t.Errorf("without the space it is built all the same: %s", out)
	}
	observedRule(t, "TAG002")
}

// TestDisagreeingConstraints: the go command obeys //go:build, and go vet,
// which go test runs, refuses the pair.
func TestDisagreeingConstraints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.16\n-- x.go --\npackage app\n-- y.go --\n//go:build linux && debug\n// +build linux\n\npackage app\n")
	equal(t, "files", goFiles(t, dir), "[x.go]")
	out, err := goRun(t, dir, nil, "vet", "-tags", "debug", ".")
	if err == nil || !strings.Contains(out, "+build lines do not match") {
		t.Errorf("go vet: %v %s", err, out)
	}
	good := tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.16\n-- x.go --\npackage app\n-- y.go --\n//go:build linux && debug\n// +build linux,debug\n\npackage app\n")
	if out, err := goRun(t, good, nil, "vet", "-tags", "debug", "."); err != nil {
		t.Errorf("go vet of lines that agree: %v %s", err, out)
	}
	observed(t, "TAG003", dir, good)
}

// TestOldConstraintStillCounts: for want of //go:build the old line is obeyed
// whatever the go line says, which is why TAG005 is only advice.
func TestOldConstraintStillCounts(t *testing.T) {
	t.Parallel()
	for _, goLine := range []string{"1.16", "1.17", "1.18", "1.21", "1.26"} {
		dir := t.TempDir()
		lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo "+goLine+"\n-- x.go --\npackage app\n-- y.go --\n// +build debug\n\npackage app\n")
		equal(t, "go "+goLine, goFiles(t, dir), "[x.go]")
		want := "[y.go:1]"
		if goLine == "1.16" {
			want = "[]"
		}
		equal(t, "TAG005 at go "+goLine, finds(t, dir, "TAG005"), want)
		lay(t, dir, "-- y.go --\n//go:build debug\n\npackage app\n")
		equal(t, "the new line at go "+goLine, goFiles(t, dir), "[x.go]")
	}
	observedRule(t, "TAG005")
}

// TestDeadConstraint: a build line in the wrong place lets the file into
// every build.
func TestDeadConstraint(t *testing.T) {
	t.Parallel()
	const dead = "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- a.go --\n// +build debug\npackage app\n-- b.go --\npackage app\n\n//go:build debug\n"
	dir := tree(t, dead)
	equal(t, "files", goFiles(t, dir), "[a.go b.go]")
	equal(t, "TAG008", finds(t, dir, "TAG008"), "[a.go:1 b.go:3]")
	lay(t, dir, "-- a.go --\n// +build debug\n\npackage app\n-- b.go --\n//go:build debug\n\npackage app\n-- c.go --\npackage app\n")
	equal(t, "mended", goFiles(t, dir), "[c.go]")
	observed(t, "TAG008", tree(t, dead), dir)
}

// TestUnbuildableFile: no system of `go tool dist list` takes the files.
func TestUnbuildableFile(t *testing.T) {
	t.Parallel()
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
	good := tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.22\n-- x.go --\npackage app\n-- y_linux.go --\npackage app\n")
	equal(t, "mended", goFiles(t, good), "[x.go y_linux.go]")
	equal(t, "TAG006", finds(t, dir, "TAG006"), "[y_linux.go:1 z.go:1]")
	observed(t, "TAG006", dir, good)
}

// TestProviderUnderTag: what a tagged file registers is missing at the start
// of the program that is built without the tag.
func TestProviderUnderTag(t *testing.T) {
	t.Parallel()
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
	good := t.TempDir()
	if err := os.CopyFS(good, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	lay(t, good, "-- .github/workflows/ci.yml --\non: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n      - run: go test -tags postgres ./...\n      - run: go build -tags postgres -o app .\n")
	observed(t, "TAG007", dir, good)
}
