package fix_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/fix"
)

// fixedRules are rules that bring edits. One that loses them would pass all
// tests otherwise.
var fixedRules = []string{"CGO002", "CGO003", "GO001", "IMG001", "TAG001", "TAG002", "TAG003"}

// TestRulesFix carries out what the rules offer for their own faulty
// repositories: the finding goes, no other comes, no line changes that no edit
// names, and a second run has nothing to do.
func TestRulesFix(t *testing.T) {
	var offering []string
	for _, r := range check.Rules() {
		a, err := txtar.ParseFile(filepath.Join("..", "check", "testdata", r.ID+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range a.Files {
			name, ok := strings.CutPrefix(f.Name, "bad/")
			if !ok || name == "want" {
				continue
			}
			write(t, filepath.Join(dir, filepath.FromSlash(name)), string(f.Data))
		}
		before, old := judge(t, dir), tree(t, dir)
		p, err := fix.Make(dir, before)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Left {
			t.Errorf("%s: %s at %s is left: %s", r.ID, l.Finding.ID, l.Finding.Pos, l.Reason)
		}
		if len(p.Fixed) == 0 {
			continue
		}
		if slices.ContainsFunc(p.Fixed, func(f finding.Finding) bool { return f.ID == r.ID }) {
			offering = append(offering, r.ID)
		}
		if err := p.Write(dir); err != nil {
			t.Fatal(err)
		}
		after := count(judge(t, dir))
		had := count(before)
		for _, f := range p.Fixed {
			if k := key(f); after[k] >= had[k] {
				t.Errorf("%s: %s is still there", r.ID, k)
			}
		}
		for k, n := range after {
			if n > had[k] {
				t.Errorf("%s: the fix brings %s", r.ID, k)
			}
		}
		now := tree(t, dir)
		for name := range now {
			if _, ok := old[name]; !ok {
				t.Errorf("%s: %s is new", r.ID, name)
			}
		}
		for name, text := range old {
			if !slices.ContainsFunc(p.Files, func(f fix.File) bool { return f.Path == name }) && now[name] != text {
				t.Errorf("%s: %s has changed without an edit", r.ID, name)
			}
			if strings.Count(text, "#")+strings.Count(text, "//") > strings.Count(now[name], "#")+strings.Count(now[name], "//") && !strings.HasPrefix(r.ID, "TAG") { // constraints are comments
				t.Errorf("%s: a comment of %s is gone", r.ID, name)
			}
		}
		again, err := fix.Make(dir, judge(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Files) > 0 {
			t.Errorf("%s: a second run changes %s:\n%s", r.ID, again.Files[0].Path, again.Files[0].Diff())
		}
	}
	for _, id := range fixedRules {
		if !slices.Contains(offering, id) {
			t.Errorf("%s offers no edit for its test data", id)
		}
	}
}

func judge(t *testing.T, dir string) []finding.Finding {
	t.Helper()
	repo, err := facts.ReadRepo(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	repo.WorkTree = true
	res, err := check.Run(&repo, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.Findings
}

// key leaves out what a message quotes, which a fix may change.
func key(f finding.Finding) string { return f.ID + " " + f.Pos.File }

func count(fs []finding.Finding) map[string]int {
	m := map[string]int{}
	for _, f := range fs {
		m[key(f)]++
	}
	return m
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		m[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
