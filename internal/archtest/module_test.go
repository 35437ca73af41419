package archtest

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
	"golang.org/x/mod/modfile"
)

// required gives the module paths of go.mod.
func required(t *testing.T) []string {
	t.Helper()
	f, err := modfile.Parse("go.mod", []byte(read(t, "go.mod")), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range f.Require {
		out = append(out, r.Mod.Path)
	}
	return out
}

// moduleOf gives the module that provides an import, if it is not our own.
func moduleOf(imp string, mods []string) string {
	best := ""
	for _, m := range mods {
		if (imp == m || strings.HasPrefix(imp, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

// TestDependencies holds docs/dependencies.md against go.mod and against who
// imports what.
func TestDependencies(t *testing.T) {
	mods := required(t)
	linked, tested := map[string]map[string]bool{}, map[string]bool{}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			m := moduleOf(imp, mods)
			switch {
			case m == "":
			case p.testOnly(), strings.HasPrefix(p.rel(), "bench/"):
				tested[m] = true
			default:
				if linked[m] == nil {
					linked[m] = map[string]bool{}
				}
				linked[m][strings.TrimPrefix(p.rel(), "internal/")] = true
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if m := moduleOf(imp, mods); m != "" {
				tested[m] = true
			}
		}
	}
	documented := map[string]bool{}
	for _, cells := range table(t, "docs/dependencies.md", "## In the binary") {
		name := quoted(cells[0])[0]
		documented[name] = true
		want := slices.Sorted(maps.Keys(linked[name]))
		if got := quoted(cells[1]); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("docs/dependencies.md says %s is imported by %q; it is imported by %q", name, got, want)
		}
		if len(cells) < 3 || cells[2] == "" {
			t.Errorf("docs/dependencies.md gives no reason for %s", name)
		}
	}
	for _, cells := range table(t, "docs/dependencies.md", "## In tests and benchmarks only") {
		name := quoted(cells[0])[0]
		documented[name] = true
		if linked[name] != nil || !tested[name] {
			t.Errorf("docs/dependencies.md says %s is for tests and benchmarks only; it is imported by %q, by those: %t", name, slices.Sorted(maps.Keys(linked[name])), tested[name])
		}
	}
	for _, m := range slices.Concat(slices.Collect(maps.Keys(linked)), slices.Collect(maps.Keys(tested))) {
		if !documented[m] {
			t.Errorf("docs/dependencies.md gives no reason for %s", m)
		}
	}
}

// TestGoModIsTidy works from the module cache, without a network. What is
// missing there is a failure only where it has been put there before.
func TestGoModIsTidy(t *testing.T) {
	for _, dir := range []string{".", "examples/orders"} {
		cmd := exec.Command("go", "mod", "tidy", "-diff")
		cmd.Dir = filepath.Join(root, dir)
		cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		switch {
		case err == nil:
		case len(out) == 0 && strings.Contains(stderr.String(), "GOPROXY=off") && !testkit.E2E():
			t.Skip("the module cache lacks what go mod tidy reads")
		default:
			t.Errorf("%s/go.mod is not tidy: %v\n%s%s", dir, err, out, &stderr)
		}
	}
}
