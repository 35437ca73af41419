package archtest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed reads the package table of ARCHITECTURE.md: what each package may
// import of the others.
func allowed(t *testing.T) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, cells := range table(t, "ARCHITECTURE.md", "## Packages") {
		name := quoted(cells[0])
		if len(cells) != 3 || len(name) != 1 {
			t.Fatalf("ARCHITECTURE.md: row %q: want | `package` | what it is | `imports` |", cells)
		}
		may := quoted(cells[2])
		for i := range may {
			may[i] = "internal/" + may[i]
		}
		rows[name[0]] = may
	}
	return rows
}

func TestImportsFollowTheTable(t *testing.T) {
	rows := allowed(t)
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.rel()] = true
		may, ok := rows[p.rel()]
		if !ok {
			t.Errorf("%s has no row in the package table of ARCHITECTURE.md", p.rel())
			continue
		}
		for _, imp := range p.Imports {
			if o := own(imp); o != "" && !slices.Contains(may, o) {
				t.Errorf("%s imports %s, which the package table of ARCHITECTURE.md does not allow it", p.rel(), o)
			}
		}
	}
	for name, may := range rows {
		if !seen[name] {
			t.Errorf("ARCHITECTURE.md has a row for %s, which is not there", name)
		}
		for _, m := range may {
			if !seen[m] {
				t.Errorf("ARCHITECTURE.md lets %s import %s, which is not there", name, m)
			}
		}
	}
}

func TestTestkitStaysInTests(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if !p.testOnly() && (own(imp) == "internal/testkit" || imp == "testing") {
				t.Errorf("%s imports %s outside its tests", p.rel(), imp)
			}
		}
	}
	cmd := exec.Command("go", "list", "-deps", "./cmd/slipway")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		switch dep = strings.TrimSpace(dep); {
		case dep == "testing", own(dep) == "internal/testkit", own(dep) == "internal/archtest":
			t.Errorf("cmd/slipway links %s", dep)
		}
	}
}

// pure are the packages that decide from documents alone. What they may not
// import would let the machine, the net or the clock into a decision.
var (
	pure   = []string{"internal/check", "internal/plan"}
	impure = []string{
		"os", "os/exec", "os/signal", "os/user", "net", "net/http", "syscall",
		"io/ioutil", "path/filepath", "runtime", "math/rand", "math/rand/v2", "crypto/rand", "embed",
	}
)

func TestPureStagesImportNoWorld(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.rel()) {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(impure, imp) || strings.HasPrefix(imp, "net/") && imp != "net/url" && imp != "net/netip" {
				t.Errorf("%s imports %s, but it must decide from documents alone", p.rel(), imp)
			}
		}
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "models", "misc", "types", "base", "lib", "pkg"}
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.rel())
		}
		parts := strings.Split(p.rel(), "/")
		if slices.ContainsFunc(parts, func(s string) bool { return slices.Contains(vague, s) }) {
			t.Errorf("%s: a package is named after what it provides", p.rel())
		}
		if len(parts) > 3 {
			t.Errorf("%s lies deeper than three directories", p.rel())
		}
	}
}
