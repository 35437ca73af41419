package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// Upstream gives the settings of a go command, with a fresh module cache, that
// takes real published modules out of this machine's module cache and reaches
// no network. Each of mods is module@version and must be there with all that
// it needs: an end-to-end run fails without, any other run skips the test.
//
// `go mod download -json module@version` and a build of it fill the cache.
func Upstream(t testing.TB, mods ...string) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatalf("go env GOMODCACHE: %v", err)
	}
	cache := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	for _, m := range mods {
		if _, err := os.Stat(cachedZip(t, cache, m)); err != nil {
			if E2E() {
				t.Fatalf("SLIPWAY_E2E=1, but the module cache lacks %s: %v", m, err)
			}
			t.Skipf("the module cache lacks %s", m)
		}
	}
	return append(GoDirs(t), "GOPROXY="+fileURL(cache), "GONOSUMDB=*", "GOFLAGS=", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOVCS=*:off")
}

func cachedZip(t testing.TB, cache, mod string) string {
	t.Helper()
	p, v, ok := strings.Cut(mod, "@")
	if !ok {
		t.Fatalf("%s is not module@version", mod)
	}
	ep, err := module.EscapePath(p)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := module.EscapeVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, filepath.FromSlash(ep), "@v", ev+".zip")
}

// fileURL gives the file:// URL of a directory, as GOPROXY takes it.
func fileURL(dir string) string {
	s := filepath.ToSlash(dir)
	if !strings.HasPrefix(s, "/") {
		s = "/" + s // a drive letter
	}
	return "file://" + s
}
