package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var taggedProvider = Rule{
	ID: "TAG007", Slug: "tagged-provider", Severity: finding.FailsInProduction, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.tag007.title"), Why: i18n.M("rule.tag007.why"), Fix: i18n.M("rule.tag007.fix"),
	Bad:  "//go:build postgres\n\npackage store\n\nfunc init() { Register(\"postgres\", open) }   // go test -tags postgres; go build",
	Good: "//go:build !postgres\n\npackage store   // says at the start what is missing",
	Run:  runTaggedProvider,
}

// runTaggedProvider finds init functions and imports for effect that are in
// one build of a program and not in another, with nothing in their place: who
// asks for what they register learns of it at run time. Whether anybody asks
// is not known, so that it is advice.
func runTaggedProvider(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	var uses []facts.TagUse
	for i := range r.GoFiles {
		f := &r.GoFiles[i]
		if f.Test || f.Package == "main" && !f.HasInit || fixture(f.Dir) || !provides(f) {
			continue
		}
		if uses == nil {
			if uses = r.TagUses(); len(uses) == 0 {
				return nil
			}
		}
		tag := soleTag(f)
		if tag == "" || counterpart(r, f, tag) {
			continue
		}
		without, ok := buildWithout(r, f, tag)
		if !ok {
			continue
		}
		with := slices.IndexFunc(uses, func(u facts.TagUse) bool {
			return !u.Foreign && u.Module != nil && u.Module.Root == f.Module && slices.Contains(u.Tags, tag) && compilesTags(u.Go.Verb) &&
				slices.ContainsFunc(u.Packages, func(dir string) bool { return slices.Contains(without.Packages, dir) })
		})
		if with < 0 {
			continue // another program has it
		}
		out = append(out, finding.Finding{
			Pos: f.BuildPos, Entity: entity(path.Base(f.Path), tag),
			Message: i18n.M("rule.tag007.message", tag),
			Evidence: []finding.Evidence{
				{Pos: uses[with].Go.Pos, Text: i18n.M("rule.tag007.with", tag)},
				{Pos: without.Go.Pos, Text: i18n.M("rule.tag007.without", tag)},
			},
		})
	}
	return out
}

// provides reports whether a file does something by being linked.
func provides(f *facts.GoFile) bool {
	return f.Build != "" && (f.HasInit || slices.ContainsFunc(f.Imports, func(i facts.Import) bool { return i.Name == "_" && i.Path != "embed" }))
}

// soleTag gives the one tag that a file's constraint consists of, if it is no
// system and not one of Go's own.
func soleTag(f *facts.GoFile) string {
	tag := strings.TrimSpace(f.Build)
	if !plainTag(tag) || facts.IsStdTag(tag) || slices.Contains([]string{"tools", "tool", "mage", "wireinject", "gofuzz"}, tag) {
		return ""
	}
	return tag
}

// counterpart reports whether another file of the package stands in where the
// tag is not set.
func counterpart(r *facts.Repo, f *facts.GoFile, tag string) bool {
	return slices.ContainsFunc(r.FilesIn(f.Dir), func(g *facts.GoFile) bool {
		x := g.Constraint()
		if x == nil {
			return false
		}
		negated := false
		facts.EachTag(x, func(t string) { negated = negated || t == tag })
		return negated && !x.Eval(func(string) bool { return true })
	})
}

// buildWithout finds a build that links the file's package and leaves the
// file out.
func buildWithout(r *facts.Repo, f *facts.GoFile, tag string) (facts.Build, bool) {
	for _, b := range r.Builds() {
		if !compiled(&b) || b.Module.Root != f.Module || slices.Contains(b.Tags, tag) || b.Stage == nil && b.Job == nil {
			continue
		}
		if slices.Contains(b.Packages, f.Dir) {
			return b, true
		}
		if _, ok := r.Closure(b.Module, b.Packages, b.Tags)[b.Module.ImportPath(f.Dir)]; ok {
			return b, true
		}
	}
	return facts.Build{}, false
}
