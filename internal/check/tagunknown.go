package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var unknownTag = Rule{
	ID: "TAG004", Slug: "unknown-tag", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.tag004.title"), Why: i18n.M("rule.tag004.why"), Fix: i18n.M("rule.tag004.fix"),
	Bad:  "go build -tags netgoo ./cmd/api   # meant: netgo",
	Good: "go build -tags netgo ./cmd/api",
	Run:  runUnknownTag,
}

// runUnknownTag finds tags that no file asks for: neither one of the
// repository, nor of the modules it takes packages from, nor of Go itself.
// Where a module that is imported could not be read, only tags that look
// misspelt are told, as advice.
func runUnknownTag(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	var declared map[string]facts.Pos
	told := map[string]bool{}
	for _, u := range r.TagUses() {
		if u.Foreign || !compilesTags(u.Go.Verb) || !depsRead(r, u.Module) {
			continue
		}
		if declared == nil {
			declared = r.DeclaredTags()
		}
		for _, t := range u.Tags {
			key := u.Go.Pos.File + " " + t
			if _, ok := declared[t]; ok || facts.IsStdTag(t) || !plainTag(t) || told[key] {
				continue
			}
			f := finding.Finding{Pos: u.Go.Pos, Entity: entity(u.Where, t), Message: i18n.M("rule.tag004.message", t)}
			if r.Deps != nil {
				if pos, ok := r.Deps.Elsewhere[t]; ok {
					if !unlinked(r, pos) || u.Go.Verb != "build" && u.Go.Verb != "install" {
						continue
					}
					// Another system may link that package.
					f.Advisory = true
					f.Message = i18n.M("rule.tag004.elsewhere", t, path.Dir(pos.File))
					f.Evidence = []finding.Evidence{{Pos: pos, Text: i18n.M("rule.tag004.asks", t)}}
				}
				f.Advisory = f.Advisory || len(r.Deps.Unknown) > 0 || !r.Deps.Searched && u.Go.Verb != "build" && u.Go.Verb != "install"
			}
			near := nearTag(t, declared)
			if r.Deps != nil && len(r.Deps.Unknown) > 0 && near == "" {
				continue // whoever asks for it may be among what could not be read
			}
			if near != "" {
				f.Severity, f.Fix = finding.FailsInProduction, i18n.M("rule.tag004.near", near)
			}
			told[key] = true
			out = append(out, f)
		}
	}
	return out
}

// compilesTags reports whether the go command's verb chooses files by tags.
func compilesTags(verb string) bool {
	return slices.Contains([]string{"build", "install", "test", "run", "vet", "list"}, verb)
}

// depsRead reports whether all that the module takes from elsewhere was
// looked for.
func depsRead(r *facts.Repo, m *facts.RepoModule) bool {
	return r.Deps != nil || m != nil && len(r.Modules) == 1 && len(m.Requires) == 0
}

// plainTag reports whether a constraint can spell the tag; TAG001 speaks of
// the others.
func plainTag(t string) bool {
	return t != "" && facts.Literal(t) && strings.IndexFunc(t, func(c rune) bool {
		return !(c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}) < 0
}

// unlinked reports whether the place lies in a package from elsewhere that
// nothing of the repository reaches.
func unlinked(r *facts.Repo, pos facts.Pos) bool {
	if !strings.Contains(pos.File, "@") {
		return false // of the repository itself
	}
	dir := path.Dir(pos.File)
	for _, p := range r.Deps.Packages {
		if len(p.Files) > 0 && p.Files[0].Dir == dir {
			return false
		}
	}
	return true
}

// nearTag gives a tag that is one slip of the keyboard away, "" if there is
// none. Short names are near to too many.
func nearTag(t string, declared map[string]facts.Pos) string {
	best := ""
	try := func(k string) {
		if len(k) > 3 && len(t) > 3 && slip(t, k) && (best == "" || k < best) {
			best = k
		}
	}
	for k := range declared {
		try(k)
	}
	for _, k := range facts.StdTags() {
		try(k)
	}
	return best
}

// slip reports whether a becomes b by one letter that is added, left out,
// changed or swapped with the next; underscores and case do not count.
func slip(a, b string) bool {
	a, b = strings.ToLower(strings.ReplaceAll(a, "_", "")), strings.ToLower(strings.ReplaceAll(b, "_", ""))
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	a, b = a[n:], b[n:]
	switch {
	case a == b:
		return true
	case len(a) == len(b):
		return a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	case len(a) == len(b)+1:
		return a[1:] == b
	case len(b) == len(a)+1:
		return b[1:] == a
	}
	return false
}
