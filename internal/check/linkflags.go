package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var staticFlags = Rule{
	ID: "CGO002", Slug: "static-flag", Severity: finding.Waste, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.cgo002.title"), Why: i18n.M("rule.cgo002.why"), Fix: i18n.M("rule.cgo002.fix"),
	Bad:  "CGO_ENABLED=0 go build -ldflags='-extldflags \"-static\"' .",
	Good: "CGO_ENABLED=0 go build .",
	Run:  runStaticFlags,
}

// runStaticFlags finds -extldflags -static where it does nothing: without cgo no
// external linker runs, and with cgo it runs only for C code of the program,
// so that net and os/user stay dynamic.
func runStaticFlags(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		flags := ldflags(&b)
		_, external, ok := strings.Cut(flags, "-extldflags")
		if !ok || !strings.Contains(external, "-static") || strings.Contains(external, "-static-") || strings.Contains(flags, "linkmode") {
			continue
		}
		f := finding.Finding{
			Pos:    b.Go.Pos,
			Entity: entity(b.Where, strings.Join(b.Packages, " ")),
		}
		switch {
		case b.Cgo == facts.No && slices.Contains(b.Go.Offered, "CGO_ENABLED"):
			continue // with cgo, which the caller may ask for, the flag does what it says
		case b.Cgo == facts.No:
			f.Message, f.Fix = i18n.M("rule.cgo002.message.off"), i18n.M("rule.cgo002.fix")
			f.Evidence = []finding.Evidence{{Pos: b.CgoWhy, Text: i18n.M("rule.cgo.off")}}
			f.Edits = dropStatic(b.Go)
		case b.Cgo == facts.Yes && compiled(&b) && !mayBeStatic(&b):
			why, ok := dynamicBecause(r, &b)
			if !ok || why.Path == "C" || foreign(r, &b) {
				continue
			}
			f.Message, f.Fix = i18n.M("rule.cgo002.message.on", why.Path), i18n.M("rule.cgo001.fix")
			f.Evidence = chainEvidence(why)
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// foreign reports whether b's program holds packages of other modules, which
// may import C.
func foreign(r *facts.Repo, b *facts.Build) bool {
	for path := range r.Closure(b.Module, b.Packages, append([]string{"cgo"}, b.Tags...)) {
		first, _, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") && path != b.Module.Path && !strings.HasPrefix(path, b.Module.Path+"/") {
			return true
		}
	}
	return false
}

var rebuildAlways = Rule{
	ID: "CGO003", Slug: "rebuild-all", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo003.title"), Why: i18n.M("rule.cgo003.why"), Fix: i18n.M("rule.cgo003.fix"),
	Bad:  "go build -a .",
	Good: "go build .",
	Run:  runRebuildAlways,
}

// runRebuildAlways finds go build -a: the go command knows by content what is stale.
func runRebuildAlways(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Go.Flags["-a"] != "true" || askedToRebuild(&b) {
			continue
		}
		out = append(out, finding.Finding{
			Pos:     b.Go.Pos,
			Entity:  entity(b.Where, strings.Join(b.Packages, " ")),
			Message: i18n.M("rule.cgo003.message"),
			Edits:   dropFlag(b.Go, "-a"),
		})
	}
	return out
}

// askedToRebuild reports whether the target of a makefile is there for those
// who want everything built again.
func askedToRebuild(b *facts.Build) bool {
	if b.Script == nil {
		return false
	}
	for name, commands := range b.Script.Targets {
		if !slices.ContainsFunc(commands, func(c facts.Command) bool { return c.Pos == b.Go.Pos }) {
			continue
		}
		name = strings.ToLower(name)
		if slices.ContainsFunc([]string{"cache", "clean", "fresh", "rebuild", "force", "scratch"}, func(w string) bool { return strings.Contains(name, w) }) {
			return true
		}
	}
	return false
}
