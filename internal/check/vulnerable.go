package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var vulnerableLinked = Rule{
	ID: "VUL001", Slug: "vulnerable-linked", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.vul001.title"), Why: i18n.M("rule.vul001.why"), Fix: i18n.M("rule.vul001.fix"),
	Needs: i18n.M("rule.vul.needs"),
	Bad:   "require example.com/lib v1.2.0 // GO-2024-0001, fixed in v1.2.3, is in a package that is linked",
	Good:  "require example.com/lib v1.2.3",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, v := range vulnerabilities(repo) {
			if v.linked != nil {
				f := v.finding(i18n.M("rule.vul001.message", v.mod.Name(), v.advisory.ID, v.linked.Path, v.advisory.Summary))
				f.Evidence = append(chainEvidence(*v.linked), f.Evidence...)
				out = append(out, f)
			}
		}
		return out
	},
}

var vulnerableRequired = Rule{
	ID: "VUL002", Slug: "vulnerable-required", Severity: finding.Waste, Confidence: High, Advisory: true, Since: 1,
	Title: i18n.M("rule.vul002.title"), Why: i18n.M("rule.vul002.why"), Fix: i18n.M("rule.vul002.fix"),
	Needs: i18n.M("rule.vul.needs"),
	Bad:   "require example.com/lib v1.2.0 // GO-2024-0001, fixed in v1.2.3, is in a package that nothing links",
	Good:  "require example.com/lib v1.2.3",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, v := range vulnerabilities(repo) {
			if v.linked == nil {
				out = append(out, v.finding(i18n.M("rule.vul002.message", v.mod.Name(), v.advisory.ID, v.advisory.Summary)))
			}
		}
		return out
	},
}

// vulnerability is an advisory that a required version has.
type vulnerability struct {
	advisory *facts.Advisory
	mod      facts.DepModule
	pos      facts.Pos // of the require line
	fixed    string
	linked   *facts.Reached // the nearest package that has it; nil if none is linked
}

// vulnerabilities joins what the database knows with the versions that the
// go.mod files select and the packages that are linked. Those that the policy
// accepts are left out.
func vulnerabilities(repo *facts.Repo) []vulnerability {
	list := advisories(repo)
	if len(list) == 0 || repo.Deps == nil {
		return nil
	}
	linked := map[string]linkedModule{}
	for _, l := range linkedModules(repo) {
		linked[l.mod.Name()] = l
	}
	byModule := map[string][]*facts.Advisory{}
	for i := range list {
		byModule[list[i].Module] = append(byModule[list[i].Module], &list[i])
	}
	var out []vulnerability
	seen := map[string]bool{}
	for i := range repo.Modules {
		m := &repo.Modules[i]
		selected := repo.Selected(m)
		for _, r := range m.Requires {
			mod, ok := selected[r.Path]
			// Missing and without another source, it is a directory.
			if !ok || mod.Version == "" || mod.Missing {
				continue
			}
			path := r.Path
			if mod.Source != "" {
				path = mod.Source
			}
			for _, a := range byModule[path] {
				fixed, affected := a.Affects(mod.Version)
				if key := mod.Name() + " " + a.ID; !affected || seen[key] || accepted(repo, a) {
					continue
				} else {
					seen[key] = true
				}
				v := vulnerability{advisory: a, mod: mod, pos: r.Pos, fixed: fixed}
				if l, ok := linked[mod.Name()]; ok {
					if reached, ok := l.shortest(func(p string) bool { return affectsPackage(a, path, r.Path, p) }); ok {
						v.linked, v.pos = &reached, l.pos
					}
				}
				out = append(out, v)
			}
		}
	}
	return out
}

func (v vulnerability) finding(msg i18n.Message) finding.Finding {
	f := finding.Finding{Pos: v.pos, Entity: entity(v.mod.Path, v.advisory.ID), Message: msg}
	if len(v.advisory.Aliases) > 0 {
		f.Evidence = append(f.Evidence, finding.Evidence{Text: i18n.M("rule.vul.aliases", strings.Join(v.advisory.Aliases, ", "))})
	}
	switch {
	case v.fixed == "":
		f.Fix = i18n.M("rule.vul.unfixed", v.mod.Path)
	case v.mod.Source != "":
		f.Fix = i18n.M("rule.vul.replaced", v.mod.Source, v.fixed)
	default:
		f.Fix = i18n.M("rule.vul.upgrade", v.mod.Path, v.fixed)
	}
	return f
}

// affectsPackage reports whether a package has the vulnerability on Linux.
// module is the path of the module that the advisory is about, as the path by
// which its packages are imported.
func affectsPackage(a *facts.Advisory, module, as, path string) bool {
	if len(a.Packages) == 0 {
		return true
	}
	own := module + strings.TrimPrefix(path, as)
	return slices.ContainsFunc(a.Packages, func(p facts.AdvisoryPackage) bool {
		return p.Path == own && (len(p.GOOS) == 0 || slices.Contains(p.GOOS, "linux"))
	})
}

// advisories gives what a database said, nil if none was asked.
func advisories(repo *facts.Repo) []facts.Advisory {
	if repo.Known == nil || repo.Known.Advisories == nil {
		return nil
	}
	return repo.Known.Advisories.List
}

func accepted(repo *facts.Repo, a *facts.Advisory) bool {
	return slices.ContainsFunc(policyOf(repo).Accepted, func(r facts.Reason) bool { return a.Names(r.Name) })
}

var ignoreOutlived = Rule{
	ID: "VUL004", Slug: "ignore-outlived", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.vul004.title"), Why: i18n.M("rule.vul004.why"), Fix: i18n.M("rule.vul004.fix"),
	Needs: i18n.M("rule.vul.needs"),
	Bad:   "# slipway.yaml\ncheck:\n  vulnerabilities:\n    ignore:\n      GO-2024-0001: not reached # go.mod requires a version that is not affected",
	Good:  "# slipway.yaml\ncheck:\n  vulnerabilities:\n    database: /srv/vulndb",
	Run:   runIgnoreOutlived,
}

// runIgnoreOutlived finds accepted vulnerabilities that no required version
// has. Which Go release builds the programs is not always known; one of Go
// itself is taken to apply then.
func runIgnoreOutlived(repo *facts.Repo) []finding.Finding {
	if repo.Known == nil || repo.Known.Advisories == nil {
		return nil
	}
	list := repo.Known.Advisories.List
	var out []finding.Finding
	for _, r := range policyOf(repo).Accepted {
		applies := slices.ContainsFunc(list, func(a facts.Advisory) bool { return a.Names(r.Name) && mayApply(repo, &a) })
		if !applies {
			out = append(out, finding.Finding{Pos: r.Pos, Entity: r.Name, Message: i18n.M("rule.vul004.message", r.Name)})
		}
	}
	return out
}

func mayApply(repo *facts.Repo, a *facts.Advisory) bool {
	if a.Module == "stdlib" || a.Module == "toolchain" {
		return true
	}
	for i := range repo.Modules {
		for _, m := range repo.Selected(&repo.Modules[i]) {
			if m.Path != a.Module && m.Source != a.Module {
				continue
			}
			if _, affected := a.Affects(m.Version); affected || m.Missing {
				return true
			}
		}
	}
	return false
}
