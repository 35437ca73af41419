package check

import (
	"go/build/constraint"
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var plusBuildOnly = Rule{
	ID: "TAG005", Slug: "plus-build-only", Severity: finding.Waste, Confidence: High, Advisory: true, Since: 1,
	Title: i18n.M("rule.tag005.title"), Why: i18n.M("rule.tag005.why"), Fix: i18n.M("rule.tag005.fix"),
	Bad:  "// +build linux,!cgo\n\npackage app",
	Good: "//go:build linux && !cgo\n\npackage app",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range r.GoFiles {
			f := &r.GoFiles[i]
			if f.Build != "" || len(f.PlusBuild) == 0 {
				continue
			}
			m := r.ModuleAt(f.Dir)
			x, ok := plusBuild(f.PlusBuild)
			if !ok || m == nil || !atLeast(m.Go.Value, "1.17") {
				continue // Go 1.16 reads nothing else
			}
			hit := finding.Finding{
				Pos: f.PlusBuild[0].Pos, Entity: x.String(), Message: i18n.M("rule.tag005.message", x, m.Go.Value),
				Evidence: []finding.Evidence{{Pos: m.Go.Pos, Text: i18n.M("rule.tag005.go", m.Go.Value)}},
				Edits:    []finding.Edit{{Pos: f.PlusBuild[0].Pos, Old: f.PlusBuild[0].Value, New: "//go:build " + x.String()}},
			}
			for _, l := range f.PlusBuild[1:] {
				hit.Edits = append(hit.Edits, finding.Edit{Pos: l.Pos, Old: l.Value})
			}
			out = append(out, hit)
		}
		return out
	},
}

var unbuildable = Rule{
	ID: "TAG006", Slug: "unbuildable-file", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.tag006.title"), Why: i18n.M("rule.tag006.why"), Fix: i18n.M("rule.tag006.fix"),
	Bad:  "//go:build windows\n\npackage app   // in serve_linux.go",
	Good: "package app   // in serve_windows.go",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range r.GoFiles {
			f := &r.GoFiles[i]
			x := f.Constraint()
			m := r.ModuleAt(f.Dir)
			if x == nil || m == nil || fixture(f.Dir) {
				continue
			}
			// Before 1.21 a go line was no lower bound of the toolchain.
			goLine := ""
			if atLeast(m.Go.Value, "1.21") {
				goLine = m.Go.Value
			}
			if f.Buildable(goLine) || guard(x, goLine) {
				continue
			}
			pos := f.BuildPos
			if f.Build == "" {
				pos = f.PlusBuild[0].Pos
			}
			hit := finding.Finding{Pos: pos, Entity: x.String(), Message: i18n.M("rule.tag006.message", x, path.Base(f.Path))}
			if goLine != "" && f.Buildable("") {
				hit.Message = i18n.M("rule.tag006.old", x, goLine)
				hit.Evidence = []finding.Evidence{{Pos: m.Go.Pos, Text: i18n.M("rule.tag005.go", goLine)}}
			}
			out = append(out, hit)
		}
		return out
	},
}

var deadConstraint = Rule{
	ID: "TAG008", Slug: "dead-build-line", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.tag008.title"), Why: i18n.M("rule.tag008.why"), Fix: i18n.M("rule.tag008.fix"),
	Bad:  "// +build linux\npackage app",
	Good: "//go:build linux\n\npackage app",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range r.GoFiles {
			f := &r.GoFiles[i]
			if fixture(f.Dir) {
				continue
			}
			for _, l := range f.DeadBuild {
				x, err := constraint.Parse(l.Value)
				if err != nil || f.Constraint() != nil && equivalent(x, f.Constraint()) {
					continue // prose, or said in the right place as well
				}
				out = append(out, finding.Finding{Pos: l.Pos, Entity: x.String(), Message: i18n.M("rule.tag008.message", x)})
			}
		}
		return out
	},
}

// guard reports whether a constraint is there to give Go 1.20 and older, which
// do not heed the go line, something better to say.
func guard(x constraint.Expr, goLine string) bool {
	v, ok := strings.CutPrefix(x.String(), "!go")
	return ok && (goLine == v || strings.HasPrefix(goLine, v+"."))
}

// fixture reports whether a directory holds material for tests, which may be
// wrong on purpose.
func fixture(dir string) bool {
	return slices.ContainsFunc(strings.Split(dir, "/"), func(e string) bool {
		return strings.Contains(e, "testdata") || strings.Contains(e, "fixture")
	})
}
