package check

import (
	"path"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var outsideHeaders = Rule{
	ID: "CGO008", Slug: "outside-headers", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.cgo008.title"), Why: i18n.M("rule.cgo008.why"), Fix: i18n.M("rule.cgo008.fix"),
	Bad:  "// #include \"../include/limits.h\"\nimport \"C\"",
	Good: "// #include \"limits.h\"\nimport \"C\"   // limits.h lies beside this file",
	Run:  runOutsideHeaders,
}

// maxHeaders bounds the evidence of one finding.
const maxHeaders = 5

// runOutsideHeaders finds headers of the repository that the build cache does
// not look at: it hashes the files of the package's own directory alone.
func runOutsideHeaders(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	at := map[string]int{} // package → its finding
	seen := map[string]bool{}
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		for _, h := range g.OutsideHeaders {
			if seen[g.Dir+" "+h.Value] || g.Build == "ignore" || inDirs(g.Path, testDirs) {
				continue
			}
			seen[g.Dir+" "+h.Value] = true
			k, ok := at[g.Dir]
			if !ok {
				at[g.Dir] = len(out)
				out = append(out, finding.Finding{
					Pos: h.Pos, Entity: entity(g.Dir, path.Base(h.Value)),
					Message: i18n.M("rule.cgo008.message", h.Value, g.Dir),
				})
				continue
			}
			if f := &out[k]; len(f.Evidence) < maxHeaders {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: h.Pos, Text: i18n.M("rule.cgo008.too", h.Value)})
			}
		}
	}
	return out
}
