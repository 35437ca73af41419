package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/i18n"
)

var update = flag.Bool("update", false, "write the pages in docs anew that tests of this package hold")

// TestVerifyRules holds docs/verify-rules.md against the rules, and the rules
// against what every one must have.
func TestVerifyRules(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What slipway verify finds\n\nWritten by `go test ./internal/cli -run TestVerifyRules -update`.\n" +
		"[How to use it](verify.md). Advice is shown and never counts.\n")
	ids, slugs := map[string]bool{}, map[string]bool{}
	for _, r := range binaryRules() {
		if ids[r.ID] || slugs[r.Slug] || r.Slug == "" || len(r.ID) != len("BIN001") {
			t.Errorf("%s %q: a rule has an ID and a name of its own", r.ID, r.Slug)
		}
		ids[r.ID], slugs[r.Slug] = true, true
		for name, m := range map[string]i18n.Message{"title": r.Title, "reason": r.Why, "fix": r.Fix} {
			if m.IsZero() {
				t.Errorf("%s has no %s", r.ID, name)
			}
		}
		rank := string(r.Severity)
		if r.Advisory {
			rank += ", advice"
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n`%s`, %s. %s\n\n**Fix:** %s\n", r.ID, r.Title, r.Slug, rank, r.Why, r.Fix)
	}
	const page = "../../docs/verify-rules.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is not what the rules say; run go test ./internal/cli -run TestVerifyRules -update", page)
	}
}
