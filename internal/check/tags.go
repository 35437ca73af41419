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

var tagsSyntax = Rule{
	ID: "TAG001", Slug: "tags-syntax", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.tag001.title"),
	Why:   i18n.M("rule.tag001.why"),
	Fix:   i18n.M("rule.tag001.fix"),
	Bad:   "go build -tags=prod+metrics ./cmd/server",
	Good:  "go build -tags=prod,metrics ./cmd/server",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, p := range places(repo) {
			for _, g := range facts.GoCommands(p.commands) {
				for _, tags := range tagFlags(g) {
					if bad := badTag(tags); bad != "" {
						out = append(out, finding.Finding{
							Pos: g.Pos, Entity: entity(p.where, "-tags="+tags), Message: i18n.M("rule.tag001.message", tags, bad), Edits: plusToComma(g, tags),
						})
					}
				}
			}
		}
		return out
	},
}

// tagFlags gives the values of -tags that a command has, its own and those
// of GOFLAGS.
func tagFlags(g facts.GoCommand) []string {
	var out []string
	if v, ok := g.Flags["-tags"]; ok {
		return []string{v} // the command line replaces GOFLAGS
	}
	for _, f := range strings.Fields(g.Env["GOFLAGS"]) {
		if v, ok := strings.CutPrefix(strings.TrimLeft(f, "-"), "tags="); ok {
			out = append(out, v)
		}
	}
	return out
}

// plusToComma parts by commas what was meant to be a list of tags. Negations
// and alternatives have no counterpart in -tags.
func plusToComma(g facts.GoCommand, tags string) []finding.Edit {
	names := strings.FieldsFunc(tags, func(r rune) bool { return r == '+' || r == ',' })
	if _, ok := g.Flags["-tags"]; !ok || !strings.Contains(tags, "+") || slices.ContainsFunc(names, func(n string) bool { return strings.Trim(n, tagRunes) != "" }) {
		return nil
	}
	for _, w := range g.Raw {
		if before, after, ok := strings.Cut(w.Value, tags); ok && !strings.Contains(after, tags) && strings.Trim(before+after, `-="'`) == "tags" || w.Value == tags {
			pos := w.Pos
			pos.Column += len(before)
			if w.Value == tags {
				pos = w.Pos
			}
			return []finding.Edit{{Pos: pos, Old: tags, New: strings.Join(names, ",")}}
		}
	}
	return nil
}

const tagRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

// badTag gives the first name in a -tags list that no build constraint can
// spell. The list is taken apart as cmd/go/internal/work does it: at spaces
// if it has any, else at commas.
func badTag(tags string) string {
	if !literal(tags) {
		return ""
	}
	var names []string
	if strings.ContainsAny(tags, " '") {
		for _, f := range strings.Fields(tags) {
			names = append(names, strings.Trim(f, `'"`))
		}
	} else {
		names = strings.Split(tags, ",")
	}
	for _, n := range names {
		if strings.ContainsAny(n, "+!|&(),") && strings.Trim(n, ",") != "" {
			return n
		}
	}
	return ""
}

var spacedConstraint = Rule{
	ID: "TAG002", Slug: "spaced-go-build", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.tag002.title"),
	Why:   i18n.M("rule.tag002.why"),
	Fix:   i18n.M("rule.tag002.fix"),
	Bad:   "// go:build linux\n\npackage app",
	Good:  "//go:build linux\n\npackage app",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range repo.GoFiles {
			f := &repo.GoFiles[i]
			for _, l := range f.SpacedBuild {
				expr := strings.TrimPrefix(strings.TrimLeft(l.Value, "/ \t"), "go:build")
				x, err := constraint.Parse("//go:build " + expr)
				if err != nil {
					continue // it is prose
				}
				if impliedByName(x, f.Path) {
					continue // the file's name says it too
				}
				hit := finding.Finding{Pos: l.Pos, Entity: x.String(), Message: i18n.M("rule.tag002.message", x)}
				if spaced, _, ok := strings.Cut(l.Value, "go:build"); ok && f.Build == "" && len(f.SpacedBuild) == 1 && len(f.PlusBuild) == 0 {
					hit.Edits = []finding.Edit{{Pos: l.Pos, Old: spaced + "go:build", New: "//go:build"}}
				}
				out = append(out, hit)
			}
		}
		return out
	},
}

// impliedByName reports whether a file's name has the go command build it only
// where x holds, as that of x_windows.go does for windows.
func impliedByName(x constraint.Expr, file string) bool {
	if strings.Contains(x.String(), "!") {
		return false
	}
	stem, _, _ := strings.Cut(path.Base(file), ".")
	words := strings.Split(strings.TrimSuffix(stem, "_test"), "_")
	return len(words) > 1 && x.Eval(func(tag string) bool { return facts.IsPort(tag) && slices.Contains(words[1:], tag) })
}

var disagreeingConstraints = Rule{
	ID: "TAG003", Slug: "build-lines-disagree", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.tag003.title"),
	Why:   i18n.M("rule.tag003.why"),
	Fix:   i18n.M("rule.tag003.fix"),
	Bad:   "//go:build linux && !cgo\n// +build linux\n\npackage app",
	Good:  "//go:build linux && !cgo\n\npackage app",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range repo.GoFiles {
			f := &repo.GoFiles[i]
			if f.Build == "" || len(f.PlusBuild) == 0 {
				continue
			}
			x, err := constraint.Parse("//go:build " + f.Build)
			if err != nil {
				continue // the build says so itself
			}
			old, ok := plusBuild(f.PlusBuild)
			if !ok || equivalent(x, old) {
				continue
			}
			hit := finding.Finding{
				Pos: f.BuildPos, Entity: x.String(), Message: i18n.M("rule.tag003.message", x, old),
				Evidence: []finding.Evidence{{Pos: f.PlusBuild[0].Pos, Text: i18n.M("rule.tag003.plus", old)}},
			}
			// Since Go 1.18 the +build lines of a module that says so are read by nobody.
			if m := repo.ModuleAt(f.Dir); m != nil && atLeast(m.Go.Value, "1.18") {
				for _, l := range f.PlusBuild {
					hit.Edits = append(hit.Edits, finding.Edit{Pos: l.Pos, Old: l.Value})
				}
			}
			out = append(out, hit)
		}
		return out
	},
}

// plusBuild gives what the +build lines of a file say together.
func plusBuild(lines []facts.Line) (constraint.Expr, bool) {
	var all constraint.Expr
	for _, l := range lines {
		x, err := constraint.Parse(l.Value)
		if err != nil {
			return nil, false
		}
		if all == nil {
			all = x
		} else {
			all = &constraint.AndExpr{X: all, Y: x}
		}
	}
	return all, all != nil
}

// maxTags bounds the truth table of equivalent: 4096 rows.
const maxTags = 12

// equivalent reports whether two constraints hold for the same sets of tags;
// true if there are too many tags to tell.
func equivalent(x, y constraint.Expr) bool {
	var tags []string
	note := func(tag string) {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	facts.EachTag(x, note)
	facts.EachTag(y, note)
	if len(tags) > maxTags {
		return true
	}
	for set := range 1 << len(tags) {
		on := func(tag string) bool { return set&(1<<slices.Index(tags, tag)) != 0 }
		if x.Eval(on) != y.Eval(on) {
			return false
		}
	}
	return true
}
