package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fix"
)

// TestRaisedVersions carries out the edits of the rules that compare a stated
// Go version with the go line: nothing but the version changes, in its shape.
func TestRaisedVersions(t *testing.T) {
	step := func(text string) string {
		return "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/setup-go@v6\n        with: {go-version: " + text + "} # why\n      - run: go test ./...\n"
	}
	for _, tc := range []struct{ id, line, file, before, after string }{
		{"GO002", "1.24.2", ".github/workflows/a.yml", step("'1.22'"), step("'1.24'")},
		{"GO002", "1.24.2", ".github/workflows/a.yml", step(`"1.22.x"`), step(`"1.24.x"`)},
		{"GO002", "1.24.2", ".github/workflows/a.yml", step("1.22.7"), step("1.24.2")},
		{"GO002", "1.30", ".github/workflows/a.yml", step("1.22"), step("'1.30'")},
		{"GO002", "1.24rc1", ".github/workflows/a.yml", step("1.22"), step("1.22")},
		{"GO003", "1.24", ".go-version", "1.22.3\n", "1.24.0\n"},
		{"GO003", "1.24.2", ".tool-versions", "nodejs 22.1.0\ngolang  1.22.3 # pin\n", "nodejs 22.1.0\ngolang  1.24.2 # pin\n"},
		{"GO003", "1.24.2", "mise.toml", "[tools]\ngo = { version = \"1.22\" }\n", "[tools]\ngo = { version = \"1.24\" }\n"},
		{"GO005", "1.24", ".gitlab-ci.yml", "test:\n  image: \"golang:1.22-alpine\"\n  script: [go test ./...]\n", "test:\n  image: \"golang:1.24-alpine\"\n  script: [go test ./...]\n"},
		{"GO005", "1.24", ".gitlab-ci.yml", "test:\n  image: {name: golang:1.22.1}\n  script: [go test ./...]\n", "test:\n  image: {name: golang:1.24}\n  script: [go test ./...]\n"},
	} {
		root := t.TempDir()
		for name, text := range map[string]string{"go.mod": "module example.com/app\n\ngo " + tc.line + "\n", "main.go": "package main\n", tc.file: tc.before} {
			name = filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		repo, err := facts.ReadRepo(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := Find(tc.id)
		found := r.find(&repo)
		if len(found) != 1 {
			t.Fatalf("%s %q: %d findings", tc.id, tc.before, len(found))
		}
		plan, err := fix.Make(root, found)
		if err != nil {
			t.Fatal(err)
		}
		got := tc.before
		if len(plan.Files) == 1 {
			got = plan.Files[0].New()
		}
		if got != tc.after || (len(found[0].Edits) == 0) != (tc.before == tc.after) {
			t.Errorf("%s go %s:\n%s\nbecomes\n%s\nwant\n%s", tc.id, tc.line, tc.before, got, tc.after)
		}
	}
}
