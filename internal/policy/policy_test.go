package policy

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

func load(t *testing.T, text string) *facts.Policy {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := config.Load(config.Input{Dir: dir, Base: dir})
	if err != nil {
		t.Fatal(err)
	}
	return Of(s)
}

func TestPolicyHasPlaces(t *testing.T) {
	got := load(t, `check:
  rules: v1
  disable:
    MOD003: built by a monorepo tool
    ENV001: no checksum database
  licenses:
    deny: [AGPL-3.0-only]
    exceptions: {example.com/a: bought it}
  vulnerabilities:
    database: osv
    ignore:
      GO-2024-1: not reached
`)
	at := func(line, col int) facts.Pos { return facts.Pos{File: "slipway.yaml", Line: line, Column: col} }
	want := &facts.Policy{
		Rules:    1,
		Disabled: []facts.Reason{{Name: "ENV001", Reason: "no checksum database", Pos: at(5, 5)}, {Name: "MOD003", Reason: "built by a monorepo tool", Pos: at(4, 5)}},
		Licenses: facts.Licenses{
			Deny: []string{"AGPL-3.0-only"}, Pos: at(7, 5),
			Exceptions: []facts.Reason{{Name: "example.com/a", Reason: "bought it", Pos: at(8, 18)}},
		},
		Database: "osv",
		Accepted: []facts.Reason{{Name: "GO-2024-1", Reason: "not reached", Pos: at(12, 7)}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNoPolicyIsEmpty(t *testing.T) {
	if got := load(t, ""); !reflect.DeepEqual(got, &facts.Policy{}) {
		t.Errorf("got %+v", got)
	}
}

// TestEveryRuleSetCanBePinned: a rule whose Since no value of check.rules
// reaches could never be held back, nor counted.
func TestEveryRuleSetCanBePinned(t *testing.T) {
	newest := 0
	for _, r := range check.Rules() {
		newest = max(newest, r.Since)
	}
	if newest != len(config.RuleSets()) {
		t.Errorf("the newest rule is of set %d, but check.rules can be %v", newest, config.RuleSets())
	}
}
