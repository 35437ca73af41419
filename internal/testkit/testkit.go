// Package testkit holds the real servers the tests run against, all on the
// loopback interface: a module proxy with a checksum database, an HTTPS server
// with its own authority, and what an end-to-end test asks of the machine.
// Nothing in it pretends: the go command, crypto/tls and Docker talk to it as
// they would to the real thing.
//
// It is imported by tests only; a test of package archtest sees to that.
package testkit

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// E2E reports whether this is an end-to-end run (SLIPWAY_E2E=1), in which a
// missing part of the machine is a failure.
func E2E() bool { return os.Getenv("SLIPWAY_E2E") == "1" }

// NeedE2E ends the test unless this is an end-to-end run on a machine that has
// the programs named.
func NeedE2E(t testing.TB, programs ...string) {
	t.Helper()
	if !E2E() {
		t.Skip("an end-to-end test; SLIPWAY_E2E=1 runs it")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("SLIPWAY_E2E=1, but this machine has no %s", p)
		}
	}
}

// GoDirs gives the environment of a go command that starts from nothing: an
// empty GOPATH, module cache and build cache, removed with the test. The
// module cache is read-only by design, which t.TempDir cannot remove by itself.
func GoDirs(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(p, 0o777)
			}
			return err
		})
	})
	return []string{
		"GOPATH=" + filepath.Join(dir, "gopath"),
		"GOMODCACHE=" + filepath.Join(dir, "mod"),
		"GOCACHE=" + filepath.Join(dir, "build"),
	}
}

// Home gives an empty home directory, removed with the test. The go command's
// telemetry is off in it: left on, a child of the go command outlives it,
// writes below the home directory and so gets in the way of the removal.
func Home(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	for _, config := range []string{".config", "Library/Application Support", "AppData/Roaming"} {
		dir := filepath.Join(home, filepath.FromSlash(config), "go", "telemetry")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "mode"), []byte("off"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return home
}
