package check

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestStdImportsAreThoseOfTheToolchain: a package that std does not bring in
// would make a finding that is not true.
func TestStdImportsAreThoseOfTheToolchain(t *testing.T) {
	args := append([]string{"list", "-json=ImportPath,Deps"}, slices.Sorted(maps.Keys(stdImports))...)
	cmd := exec.Command("go", args...)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(out); ; seen++ {
		var p struct {
			ImportPath string
			Deps       []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, want := range stdImports[p.ImportPath] {
			if !slices.Contains(p.Deps, want) {
				t.Errorf("%s does not link %s", p.ImportPath, want)
			}
		}
	}
	if err := cmd.Wait(); err != nil || seen != len(stdImports) {
		t.Fatalf("go list: %v, %d of %d packages", err, seen, len(stdImports))
	}
}

func TestWithStdKeepsTheShortestChain(t *testing.T) {
	far := facts.Reached{Path: "net/http", Chain: make([]facts.Step, 3)}
	near := facts.Reached{Path: "crypto/tls", Chain: make([]facts.Step, 2)}
	got := withStd(facts.Imports{"net/http": far, "crypto/tls": near})
	if len(got["crypto/x509"].Chain) != 2 || len(got["net/textproto"].Chain) != 3 || len(got["crypto/tls"].Chain) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestChoices(t *testing.T) {
	file := func(name string, ids ...string) facts.LicenseFile {
		return facts.LicenseFile{Pos: facts.Pos{File: "example.com/a@v1.0.0/" + name}, IDs: ids, Known: true}
	}
	either := file("LICENSE", "MIT", "GPL-2.0")
	either.Choice = true
	for _, x := range []struct {
		files []facts.LicenseFile
		want  [][]string
	}{
		{[]facts.LicenseFile{file("LICENSE", "MIT")}, [][]string{{"MIT"}}},
		{[]facts.LicenseFile{file("LICENSE", "MIT", "BSD-3-Clause")}, [][]string{{"MIT", "BSD-3-Clause"}}},
		{[]facts.LicenseFile{file("LICENSE-APACHE", "Apache-2.0"), file("LICENSE-MIT", "MIT")}, [][]string{{"Apache-2.0"}, {"MIT"}}},
		{[]facts.LicenseFile{file("LICENSE.md", "Apache-2.0"), file("LICENSE.txt", "MIT")}, [][]string{{"Apache-2.0", "MIT"}}},
		{[]facts.LicenseFile{file("LICENSE", "MIT"), file("sub/LICENSE", "BSD-3-Clause")}, [][]string{{"MIT", "BSD-3-Clause"}}},
		{[]facts.LicenseFile{file("COPYING", "GPL-3.0"), file("COPYING.LESSER", "LGPL-3.0")}, [][]string{{"LGPL-3.0"}}},
		{[]facts.LicenseFile{either}, [][]string{{"MIT"}, {"GPL-2.0"}}},
		{[]facts.LicenseFile{file("a.go", "MIT OR Apache-2.0 WITH LLVM-exception AND BSD-3-Clause")}, [][]string{{"MIT"}, {"Apache-2.0", "BSD-3-Clause"}}},
		{[]facts.LicenseFile{file("a.go", "(MIT OR ISC)")}, [][]string{{"MIT"}, {"ISC"}}},
	} {
		got := choices(facts.ModuleLicense{Files: x.files})
		if !slices.EqualFunc(got, x.want, slices.Equal) {
			t.Errorf("%v: %v, want %v", x.files, got, x.want)
		}
	}
}

func TestPolicyNames(t *testing.T) {
	for _, x := range []struct {
		id   string
		want bool
	}{{"GPL-3.0", true}, {"GPL-3.0-or-later", true}, {"GPL-2.0", false}, {"LGPL-3.0", false}, {"MIT", true}, {"MIT-0", false}} {
		if names([]string{"GPL-3.0-only", "MIT"}, x.id) != x.want {
			t.Errorf("%s: want %v", x.id, x.want)
		}
	}
}
