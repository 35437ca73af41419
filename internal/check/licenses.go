package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var licensePolicy = Rule{
	ID: "LIC001", Slug: "license-policy", Severity: finding.Security, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lic001.title"), Why: i18n.M("rule.lic001.why"), Fix: i18n.M("rule.lic001.fix"),
	Needs: i18n.M("rule.lic001.needs"),
	Bad:   "# slipway.yaml\ncheck:\n  licenses:\n    deny: [AGPL-3.0-only]\n# a linked module has the licence AGPL-3.0",
	Good:  "# slipway.yaml\ncheck:\n  licenses:\n    deny: [AGPL-3.0-only]\n    exceptions:\n      example.com/lib: bought a commercial licence",
	Run:   runLicensePolicy,
}

func runLicensePolicy(repo *facts.Repo) []finding.Finding {
	p := policyOf(repo).Licenses
	if len(p.Allow)+len(p.Deny) == 0 {
		return nil
	}
	var out []finding.Finding
	for _, l := range linkedModules(repo) {
		lic, ok := licenseOf(repo, l.mod.Name())
		if !ok || lic.Partly || !recognised(lic) || excused(p.Exceptions, l.mod.Path) || excused(p.Exceptions, l.mod.Source) {
			continue
		}
		var wrong []string
		for _, terms := range choices(lic) {
			bad := slices.DeleteFunc(slices.Clone(terms), func(id string) bool { return allows(p, id) })
			if len(bad) == 0 {
				wrong = nil
				break
			}
			wrong = append(wrong, bad...)
		}
		if len(wrong) == 0 {
			continue
		}
		slices.Sort(wrong)
		wrong = slices.Compact(wrong)
		msg := i18n.M("rule.lic001.notallowed", l.mod.Name(), strings.Join(wrong, ", "))
		if slices.ContainsFunc(wrong, func(id string) bool { return names(p.Deny, id) }) {
			msg = i18n.M("rule.lic001.denied", l.mod.Name(), strings.Join(wrong, ", "))
		}
		f := licenseFinding(l, lic, msg)
		f.Evidence = append(f.Evidence, finding.Evidence{Pos: p.Pos, Text: i18n.M("rule.lic001.policy")})
		out = append(out, f)
	}
	return out
}

var licenseMissing = Rule{
	ID: "LIC002", Slug: "license-unknown", Severity: finding.Security, Confidence: Medium, Advisory: true, Since: 1, Cost: Design,
	Title: i18n.M("rule.lic002.title"), Why: i18n.M("rule.lic002.why"), Fix: i18n.M("rule.lic002.fix"),
	Bad:  "require example.com/lib v1.0.0 // its module has no LICENSE",
	Good: "require example.com/lib v1.1.0 // its module has a LICENSE",
	Run: func(repo *facts.Repo) []finding.Finding {
		p := policyOf(repo).Licenses
		var out []finding.Finding
		for _, l := range linkedModules(repo) {
			lic, ok := licenseOf(repo, l.mod.Name())
			if !ok || excused(p.Exceptions, l.mod.Path) || excused(p.Exceptions, l.mod.Source) || sibling(l) {
				continue
			}
			switch {
			case len(lic.Files) == 0:
				out = append(out, licenseFinding(l, lic, i18n.M("rule.lic002.none", l.mod.Name())))
			case !lic.Partly && !recognised(lic):
				out = append(out, licenseFinding(l, lic, i18n.M("rule.lic002.unknown", l.mod.Name(), path.Base(lic.Files[0].Pos.File))))
			}
		}
		return out
	},
}

var licenseCopyleft = Rule{
	ID: "LIC003", Slug: "license-copyleft", Severity: finding.Security, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lic003.title"), Why: i18n.M("rule.lic003.why"), Fix: i18n.M("rule.lic003.fix"),
	Bad:  "require example.com/lib v1.0.0 // AGPL-3.0, linked into a program whose own licence is another",
	Good: "# slipway.yaml\ncheck:\n  licenses:\n    allow: [MIT, Apache-2.0, AGPL-3.0-only] # decided",
	Run:  runLicenseCopyleft,
}

// reaching are the beginnings of identifiers of licences that ask something of
// the whole program that links them, or forbid a use of it.
var reaching = []string{"AGPL-", "GPL-", "SSPL-", "BUSL-", "Elastic-", "FSL-", "CommonsClause", "PolyForm-", "Parity-", "Prosperity-", "Sleepycat"}

// runLicenseCopyleft finds modules of which every licence that can be chosen
// reaches to the program. A project that states a policy has decided, and so
// has one that is under such a licence itself.
func runLicenseCopyleft(repo *facts.Repo) []finding.Finding {
	p := policyOf(repo).Licenses
	if len(p.Allow)+len(p.Deny) > 0 {
		return nil
	}
	var out []finding.Finding
	for _, l := range linkedModules(repo) {
		lic, ok := licenseOf(repo, l.mod.Name())
		if !ok || !recognised(lic) || excused(p.Exceptions, l.mod.Path) || sibling(l) || lic.Partly && !allKnown(lic) {
			continue
		}
		var ids []string
		lesser := true // all that reaches does so by LGPL
		for _, terms := range choices(lic) {
			// A permissive text first means that the other is of a part only.
			if len(terms) == 0 || !reaches(terms[0]) {
				ids = nil
				break
			}
			for _, id := range terms {
				if reaches(id) {
					ids = append(ids, id)
					lesser = lesser && strings.HasPrefix(id, "LGPL-")
				}
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if len(ids) == 0 || ownReaches(repo, l.owner, ids) {
			continue
		}
		f := licenseFinding(l, lic, i18n.M("rule.lic003.message", l.mod.Name(), strings.Join(ids, ", ")))
		if lesser {
			f.Message = i18n.M("rule.lic003.lesser", l.mod.Name(), strings.Join(ids, ", "))
			f.Advisory = true
		}
		out = append(out, f)
	}
	return out
}

func reaches(id string) bool {
	if strings.HasSuffix(id, "-linking-exception") {
		return false
	}
	return strings.HasPrefix(id, "LGPL-") || slices.ContainsFunc(reaching, func(p string) bool { return strings.HasPrefix(id, p) })
}

// ownReaches reports whether the project's own licence is one of ids, or of
// the GNU family as all of them are.
func ownReaches(repo *facts.Repo, m *facts.RepoModule, ids []string) bool {
	gnu := func(id string) bool { return strings.Contains(id, "GPL-") }
	for _, own := range repo.Known.Licenses {
		if own.Module != "." && own.Module != m.Root {
			continue
		}
		for _, f := range own.Files {
			for _, id := range f.IDs {
				if gnu(id) && !strings.HasPrefix(id, "LGPL-") && !slices.ContainsFunc(ids, func(i string) bool { return !gnu(i) }) || names(ids, id) {
					return true
				}
			}
		}
	}
	return false
}

// sibling reports whether a module comes from whom the project comes from.
func sibling(l linkedModule) bool {
	owner := func(p string) string {
		parts := strings.Split(p, "/")
		return strings.Join(parts[:min(2, len(parts))], "/")
	}
	return owner(l.mod.Path) == owner(l.owner.Path)
}

func licenseFinding(l linkedModule, lic facts.ModuleLicense, msg i18n.Message) finding.Finding {
	f := finding.Finding{Pos: l.pos, Entity: l.mod.Path, Message: msg}
	if r, ok := l.shortest(func(string) bool { return true }); ok {
		f.Evidence = chainEvidence(r)
	}
	for _, file := range lic.Files {
		if len(file.IDs) > 0 {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: file.Pos, Text: i18n.M("rule.lic.file", strings.Join(file.IDs, ", "), fmt.Sprintf("%.0f", file.Percent))})
		}
	}
	return f
}

func policyOf(repo *facts.Repo) *facts.Policy {
	if repo.Policy == nil {
		return &facts.Policy{}
	}
	return repo.Policy
}

func licenseOf(repo *facts.Repo, name string) (facts.ModuleLicense, bool) {
	if repo.Known == nil {
		return facts.ModuleLicense{}, false
	}
	for _, l := range repo.Known.Licenses {
		if l.Module == name {
			return l, true
		}
	}
	return facts.ModuleLicense{}, false
}

func recognised(l facts.ModuleLicense) bool {
	return slices.ContainsFunc(l.Files, func(f facts.LicenseFile) bool { return f.Known })
}

// allKnown: of a module that was looked at for copyleft alone, another text
// may be what the program goes by.
func allKnown(l facts.ModuleLicense) bool {
	return !slices.ContainsFunc(l.Files, func(f facts.LicenseFile) bool { return !f.Known })
}

func excused(rs []facts.Reason, name string) bool {
	return slices.ContainsFunc(rs, func(r facts.Reason) bool { return r.Name == name })
}

// allows reports whether a policy allows a licence.
func allows(p facts.Licenses, id string) bool {
	return !names(p.Deny, id) && (len(p.Allow) == 0 || names(p.Allow, id))
}

// names reports whether one of the identifiers means the licence id. The full
// text of a GNU licence does not say whether later versions are meant.
func names(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(i string) bool { return i == id || gnuBase(i) == gnuBase(id) })
}

func gnuBase(id string) string {
	if !strings.Contains(id, "GPL-") && !strings.HasPrefix(id, "GFDL-") {
		return id
	}
	for _, s := range []string{"-linking-exception", "-only", "-or-later", "+"} {
		id = strings.TrimSuffix(id, s)
	}
	return id
}

var suffixed = regexp.MustCompile(`^(?i:LICEN[SC]E|COPYING)[-._][A-Za-z]`)

// choices gives the licences of a module of which one can be chosen, each as
// the identifiers that hold together: files such as LICENSE-MIT beside
// LICENSE-APACHE are a choice, and so is OR in an expression; all other files
// hold together.
func choices(l facts.ModuleLicense) [][]string {
	var files []facts.LicenseFile
	for _, f := range l.Files {
		if f.Known {
			files = append(files, f)
		}
	}
	choice := len(files) > 1
	for _, f := range files {
		base := path.Base(f.Pos.File)
		ext := strings.ToLower(path.Ext(base))
		plain := strings.HasPrefix(ext, ".") && (ext == ".md" || ext == ".txt" || ext == ".rst") && !strings.Contains(strings.TrimSuffix(base, path.Ext(base)), "-")
		choice = choice && path.Dir(f.Pos.File) == path.Dir(files[0].Pos.File) &&
			(suffixed.MatchString(base) && !plain || path.Base(path.Dir(f.Pos.File)) == "LICENSES")
	}
	var out [][]string
	var all []string
	for _, f := range files {
		if len(f.IDs) == 1 && strings.Contains(f.IDs[0], " ") {
			return expression(f.IDs[0])
		}
		if f.Choice {
			for _, id := range f.IDs {
				out = append(out, []string{id})
			}
			return out
		}
		if choice {
			out = append(out, f.IDs)
		}
		all = append(all, f.IDs...)
	}
	if choice {
		return out
	}
	// The text of the GPL stands beside that of the LGPL, which refers to it.
	if slices.ContainsFunc(all, func(id string) bool { return strings.HasPrefix(id, "LGPL-") }) {
		all = slices.DeleteFunc(all, func(id string) bool { return strings.HasPrefix(id, "GPL-") })
	}
	return [][]string{all}
}

// expression gives the choices of an SPDX expression
// (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions). One with
// parentheses is taken for a choice of all that it names.
func expression(s string) [][]string {
	s = strings.NewReplacer("(", " OR ", ")", " OR ").Replace(s)
	var out [][]string
	for alt := range strings.SplitSeq(s, " OR ") {
		var terms []string
		for term := range strings.SplitSeq(alt, " AND ") {
			id, _, _ := strings.Cut(strings.TrimSpace(term), " WITH ")
			if id != "" && !strings.Contains(id, " ") {
				terms = append(terms, id)
			}
		}
		if len(terms) > 0 {
			out = append(out, terms)
		}
	}
	return out
}
