package faultlab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestMissingSum: a line of go.sum that is not there stops the build.
func TestMissingSum(t *testing.T) {
	t.Parallel()
	p := testkit.NewModProxy(t)
	p.Add(t, lib, libVersion, libFiles("good"))
	env := append(fetching(t, p), "GOWORK=off", "CGO_ENABLED=0")
	good := tree(t, usesLib)
	works(t, good, env, "go", "mod", "tidy")
	works(t, good, env, "go", "build", "-o", os.DevNull, ".")
	bad := tree(t, usesLib)
	sums, err := os.ReadFile(filepath.Join(good, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(slices.Collect(strings.Lines(string(sums))), func(l string) bool { return !strings.Contains(l, "/go.mod ") })
	write(t, bad, "go.sum", []byte(strings.Join(lines, "")), 0o644)
	fails(t, bad, env, "missing go.sum entry", "go", "build", "-o", os.DevNull, ".")
	observed(t, "MOD005", bad, good)
}

// TestExcludedVersion: a version that go.mod both asks for and excludes is
// not the one that is built.
func TestExcludedVersion(t *testing.T) {
	t.Parallel()
	p := testkit.NewModProxy(t)
	p.Add(t, lib, "v1.0.0", libFiles("asked for"))
	p.Add(t, lib, "v1.1.0", libFiles("newer"))
	env := append(fetching(t, p), "GOWORK=off", "CGO_ENABLED=0")
	bad, good := tree(t, usesLib), tree(t, usesLib)
	const exclude = "\nexclude example.com/lib "
	for dir, excluded := range map[string]string{bad: "v1.0.0", good: "v0.9.0"} {
		gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "go.mod", []byte(string(gomod)+exclude+excluded+"\n"), 0o644)
	}
	observed(t, "MOD009", bad, good)
	if out, err := command(t, bad, env, "go", "build", "-o", os.DevNull, "."); err == nil {
		t.Errorf("the build works:\n%s", out)
	}
	for dir, want := range map[string]string{bad: "newer", good: "asked for"} {
		works(t, dir, env, "go", "mod", "tidy")
		equal(t, "the program", works(t, dir, env, "go", "run", "."), want)
	}
}

// TestStaleGoLine: one toolchain and one program, of which the go line decides
// what its connections and keys are worth.
func TestStaleGoLine(t *testing.T) {
	t.Parallel()
	linuxOnly(t)
	project := func(line string) string {
		return tree(t, handshakeMain+"-- go.mod --\nmodule example.com/app\n\ngo "+line+"\n-- config.go --\n"+`package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"fmt"
)

func config() *tls.Config { return &tls.Config{} }

func init() {
	_, err := rsa.GenerateKey(rand.Reader, 512)
	fmt.Println("RSA with 512 bits:", err == nil)
}
`)
	}
	bad, good := project("1.22"), project("1.26")
	for dir, want := range map[string]string{bad: "RSA with 512 bits: true\nX25519", good: "RSA with 512 bits: false\nX25519MLKEM768"} {
		got, err := program(t, build(t, dir, nil, "."), "")
		if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		equal(t, "the program", got, want)
	}
	observed(t, "GO004", bad, good)
}

// TestVerifyIsNoGate: go mod verify compares the module cache with what was
// fetched, not with go.sum; a download into an empty cache does that.
func TestVerifyIsNoGate(t *testing.T) {
	t.Parallel()
	p := testkit.NewModProxy(t)
	p.Add(t, lib, libVersion, libFiles("good"))
	env := append(fetching(t, p), "GOWORK=off")
	dir := tree(t, usesLib)
	works(t, dir, env, "go", "mod", "tidy")
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(sums)))
	for i, l := range lines {
		if hash, ok := strings.CutPrefix(l, lib+" "+libVersion+" h1:"); ok {
			lines[i] = strings.Replace(l, hash[:8], "AAAAAAAA", 1)
		}
	}
	write(t, dir, "go.sum", []byte(strings.Join(lines, "")), 0o644)
	equal(t, "go mod verify", works(t, dir, env, "go", "mod", "verify"), "all modules verified")
	fails(t, dir, append(fetching(t, p), "GOWORK=off"), "checksum mismatch", "go", "mod", "download")
	observedRule(t, "MOD001")
}

// TestReplacedOutside: whoever has only the repository has no such directory.
func TestReplacedOutside(t *testing.T) {
	t.Parallel()
	project := func(dir string) string {
		return tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n\nreplace example.com/lib => "+dir+"\n-- lib/go.mod --\nmodule example.com/lib\n-- lib/lib.go --\npackage lib\n"+
			"-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n")
	}
	bad, good := project("../nowhere/lib"), project("./lib")
	fails(t, bad, nil, "does not exist", "go", "build", "-o", os.DevNull, ".")
	works(t, good, nil, "go", "build", "-o", os.DevNull, ".")
	observed(t, "MOD003", bad, good)
}
