package check

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var update = flag.Bool("update", false, "write docs/rules.md and docs/rules.zh-CN.md anew")

func TestHandbookIsCurrent(t *testing.T) {
	for name, lang := range map[string]i18n.Lang{"rules.md": i18n.English, "rules.zh-CN.md": i18n.Chinese} {
		path := filepath.Join("..", "..", "docs", name)
		want := handbook(lang)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("docs/%s is not what the rules say (%v); run go test ./internal/check -update", name, err)
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	ids, slugs := map[string]bool{}, map[string]bool{}
	for _, r := range Rules() {
		if ids[r.ID] || slugs[r.Slug] {
			t.Errorf("%s %s: there are two of it", r.ID, r.Slug)
		}
		ids[r.ID], slugs[r.Slug] = true, true
		if r.Slug == "" || r.Severity == "" || r.Confidence == "" || r.Since == 0 || r.Title.IsZero() || r.Why.IsZero() || r.Fix.IsZero() || r.Bad == "" || r.Good == "" || r.Run == nil {
			t.Errorf("%s is incomplete", r.ID)
		}
		if strings.HasSuffix(r.Title.String(), ".") {
			t.Errorf("%s: the title ends with a full stop", r.ID)
		}
		for _, article := range []string{"A ", "An ", "The "} {
			if strings.HasPrefix(r.Title.String(), article) {
				t.Errorf("%s: a title names the fault, without an article in front: %q", r.ID, r.Title)
			}
		}
		if !slices.ContainsFunc(families, r.In) {
			t.Errorf("%s is of no family", r.ID)
		}
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) != len(ids) {
		t.Errorf("%d files in testdata for %d rules (%v)", len(files), len(ids), err)
	}
}

// offTwice has two values of GOSUMDB on different lines, the first ignored.
func offTwice() *facts.Repo {
	line := func(n int) facts.Line {
		return facts.Line{Value: "off", Pos: facts.Pos{File: "Dockerfile", Line: n}}
	}
	return &facts.Repo{
		Dockerfiles: []facts.Dockerfile{{Path: "Dockerfile", Stages: []facts.Stage{
			{Name: "a", Parent: -1, Env: map[string]facts.Line{"GOSUMDB": line(2)}},
			{Name: "b", Parent: -1, Env: map[string]facts.Line{"GOSUMDB": line(4)}},
		}}},
		Ignores: []facts.Ignore{{ID: "ENV001", Reason: "no net", Pos: facts.Pos{File: "Dockerfile", Line: 1}, Target: facts.Pos{File: "Dockerfile", Line: 2}}},
	}
}

func TestIgnoreSilencesOneLine(t *testing.T) {
	res, err := Run(offTwice(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Findings) != 1 || res.Findings[0].Pos.Line != 4 || res.Ignored != 1 {
		t.Errorf("got %+v", res)
	}
	if res.AtLeast(finding.Waste) != 1 || res.AtLeast(finding.StopsBuild) != 0 {
		t.Errorf("the threshold counts wrongly: %d, %d", res.AtLeast(finding.Waste), res.AtLeast(finding.StopsBuild))
	}
}

func TestIgnoreOfRuleThatDidNotRunIsNotStale(t *testing.T) {
	res, err := Run(offTwice(), []string{"TAG001", "IGN002"})
	if err != nil || len(res.Findings) != 0 || res.Rules != 2 {
		t.Errorf("got %+v, %v", res, err)
	}
	if _, err := Run(offTwice(), []string{"NO001"}); fault.ExitCode(err) != fault.Usage {
		t.Errorf("an unknown rule gives %v", err)
	}
}

func TestBaselineOnlyShrinks(t *testing.T) {
	f := func(entity string) finding.Finding {
		return finding.Finding{ID: "ENV001", Entity: entity, Pos: facts.Pos{File: "Dockerfile", Line: 7}}
	}
	b := NewBaseline([]finding.Finding{f("a"), f("a"), f("b"), f("c")})
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = ParseBaseline(data); err != nil {
		t.Fatal(err)
	}
	moved := f("a")
	moved.Pos.Line = 99
	now := []finding.Finding{moved, f("b"), f("b"), f("new")}
	res := Result{Findings: slices.Clone(now)}
	b.Apply(&res, func(string) bool { return true })
	if res.Known != 2 || len(res.Findings) != 2 || res.Findings[0].Entity != "b" || res.Findings[1].Entity != "new" {
		t.Errorf("left are %+v, %d known", res.Findings, res.Known)
	}
	if len(res.Gone) != 2 || res.Gone[0].Entity != "a" || res.Gone[0].Count != 1 || res.Gone[1].Entity != "c" {
		t.Errorf("gone are %+v", res.Gone)
	}
	small := b.Shrink(now)
	if len(small.Entries) != 2 || small.Entries[0].Count != 1 || small.Entries[1].Count != 1 {
		t.Errorf("shrunk to %+v", small.Entries)
	}
	res = Result{Findings: nil}
	b.Apply(&res, func(string) bool { return false })
	if len(res.Gone) != 0 {
		t.Errorf("rules that did not run have %+v gone", res.Gone)
	}
}

// TestBaselineKeepsDays: an entry's day stays for as long as the entry does,
// and a baseline from before there were days is read all the same.
func TestBaselineKeepsDays(t *testing.T) {
	f := func(entity string) finding.Finding {
		return finding.Finding{ID: "ENV001", Entity: entity, Pos: facts.Pos{File: "Dockerfile", Line: 7}}
	}
	old, err := ParseBaseline([]byte(`{"schemaVersion":1,"entries":[{"rule":"ENV001","path":"Dockerfile","entity":"a","count":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	res := Result{Findings: []finding.Finding{f("a")}}
	old.Apply(&res, func(string) bool { return true })
	if len(res.KnownFindings) != 1 || res.KnownFindings[0].Since != "" {
		t.Errorf("known are %+v", res.KnownFindings)
	}
	b := NewBaseline([]finding.Finding{f("a"), f("b")}).Dated("2026-05-01").Dated("2026-06-01").Shrink([]finding.Finding{f("a")})
	if len(b.Entries) != 1 || b.Entries[0].Since != "2026-05-01" {
		t.Errorf("shrunk to %+v", b.Entries)
	}
	res = Result{Findings: []finding.Finding{f("a"), f("new")}}
	b.Apply(&res, func(string) bool { return true })
	if len(res.KnownFindings) != 1 || res.KnownFindings[0].Since != "2026-05-01" || res.KnownFindings[0].Finding.Entity != "a" {
		t.Errorf("known are %+v", res.KnownFindings)
	}
}

func TestCostOf(t *testing.T) {
	edited := finding.Finding{Edits: []finding.Edit{{}}}
	for i, x := range []struct{ got, want Cost }{
		{Rule{}.CostOf(finding.Finding{}), OneLine},
		{Rule{Cost: Design}.CostOf(finding.Finding{}), Design},
		{Rule{Cost: Design}.CostOf(edited), Automatic},
	} {
		if x.got != x.want {
			t.Errorf("%d: %s, want %s", i, x.got, x.want)
		}
	}
}

func FuzzParseBaseline(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":1,"entries":[{"rule":"ENV001","path":"a","entity":"b","count":-1}]}`))
	f.Add([]byte(`{"schemaVersion":2}`))
	f.Add([]byte(`{} {}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBaseline(data)
		if err != nil {
			return
		}
		res := Result{}
		b.Apply(&res, func(string) bool { return true })
		if len(b.Shrink(nil).Entries) != 0 {
			t.Error("nothing found, and something is left")
		}
	})
}

func TestVerifierKey(t *testing.T) {
	const key = "sumdb.corp.example.com+385d9aa0+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for v, want := range map[string]bool{
		key: true, key + " https://x.example.com": true, key + " a b": false, "": false,
		strings.Replace(key, "385d", "385e", 1): false, strings.Replace(key, "corp", "copr", 1): false,
		"a+b": false, "a+00000000+": false,
	} {
		if verifierKey(v) != want {
			t.Errorf("verifierKey(%q) = %t", v, !want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		stated, line string
		want         bool
	}{
		{"1.23", "1.24", true}, {"1.23.x", "1.24.0", true}, {"1.24", "1.24.9", false}, {"1.24.1", "1.24.2", true},
		{"1.25", "1.24", false}, {"1.20", "1.21", false}, {"1.20.14", "1.22", true}, {"1.19", "1.21.0", true},
		{"1.19", "1.22", false}, {"stable", "1.24", false}, {">=1.20", "1.24", false}, {"1.22", "", false}, {"", "1.22", false}, {"1.x", "1.24.1", false}, {"1", "1.24.1", false},
	} {
		if got := refuses(c.stated, c.line); got != c.want {
			t.Errorf("refuses(%q, %q) = %t", c.stated, c.line, got)
		}
	}
}

func TestPolicyDisablesRules(t *testing.T) {
	repo := offTwice()
	repo.Policy = &facts.Policy{Disabled: []facts.Reason{{Name: "ENV001", Reason: "no database"}}}
	res, err := Run(repo, nil)
	if err != nil || len(res.Findings) != 0 || !slices.Equal(res.Disabled, []string{"ENV001"}) {
		t.Errorf("got %+v, %v", res, err)
	}
	// The comment that silences it is no less right for that.
	if res, err = Run(repo, []string{"ENV001", "IGN002"}); err != nil || len(res.Findings) != 1 || len(res.Disabled) != 0 {
		t.Errorf("asked for by name: %+v, %v", res, err)
	}
	repo.Policy.Disabled[0] = facts.Reason{Name: "ENV999", Pos: facts.Pos{File: "slipway.yaml", Line: 3}}
	if _, err = Run(repo, nil); fault.ExitCode(err) != fault.Usage || !strings.HasPrefix(err.Error(), "slipway.yaml:3: ") {
		t.Errorf("an unknown rule: %v", err)
	}
}

func TestPinMakesYoungerRulesAdvisory(t *testing.T) {
	found := []finding.Finding{{ID: "X"}}
	for _, x := range []struct {
		pin, since int
		advisory   bool
	}{{0, 9, false}, {1, 1, false}, {1, 2, true}, {2, 1, false}} {
		got := pinned(&facts.Policy{Rules: x.pin}, Rule{Since: x.since}, slices.Clone(found))
		if got[0].Advisory != x.advisory {
			t.Errorf("a rule of set %d under %d: advisory %v", x.since, x.pin, got[0].Advisory)
		}
	}
}
