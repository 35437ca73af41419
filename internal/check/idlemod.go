package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var idleLine = Rule{
	ID: "MOD009", Slug: "go-mod-line-without-effect", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod009.title"), Why: i18n.M("rule.mod009.why"), Fix: i18n.M("rule.mod009.fix"),
	Bad:  "require example.com/lib v1.3.0\nreplace example.com/lib v1.2.0 => example.com/fork v1.2.1",
	Good: "require example.com/lib v1.3.0\nreplace example.com/lib v1.3.0 => example.com/fork v1.3.1",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range repo.Modules {
			m := &repo.Modules[i]
			if !hidden(m.Root) {
				out = append(out, excludedRequires(m)...)
				out = append(out, idleReplaces(repo, m)...)
			}
		}
		return out
	},
}

// excludedRequires finds required versions that the same file excludes: the
// go command passes over such a line and then wants go.mod updated
// (requirementsFromModFiles of cmd/go/internal/modload).
func excludedRequires(m *facts.RepoModule) []finding.Finding {
	var out []finding.Finding
	for _, r := range m.Requires {
		i := slices.IndexFunc(m.Excludes, func(x facts.Line) bool { return x.Value == r.Path+"@"+r.Version })
		if i < 0 {
			continue
		}
		out = append(out, finding.Finding{
			Pos: r.Pos, Entity: r.Path, Message: i18n.M("rule.mod009.excluded", r.Path, r.Version),
			Evidence: []finding.Evidence{{Pos: m.Excludes[i].Pos, Text: i18n.M("rule.mod009.exclude", r.Version)}},
			Fix:      i18n.M("rule.mod009.choose", r.Path),
		})
	}
	return out
}

// idleReplaces finds replace lines for one version that is not the one that
// is selected. From go 1.17 on go.mod lists all that is built from
// (https://go.dev/ref/mod#graph-pruning), so the line changes no package. It
// may still lead the go command past the go.mod file of an old version: that
// it does if go.sum has the replacement, and then it may be meant so.
func idleReplaces(repo *facts.Repo, m *facts.RepoModule) []finding.Finding {
	if !atLeast(m.Go.Value, "1.17") || repo.Work != nil || len(m.Requires) == 0 {
		return nil
	}
	var out []finding.Finding
	for _, rp := range m.Replaces {
		path, version, ok := strings.Cut(rp.Old, "@")
		if !ok || replacedWhole(m, path) {
			continue
		}
		i := slices.IndexFunc(m.Requires, func(r facts.Require) bool { return r.Path == path })
		if i < 0 || m.Requires[i].Version == version || versionReplaced(m, m.Requires[i]) {
			continue
		}
		r := m.Requires[i]
		out = append(out, finding.Finding{
			Pos: rp.Pos, Entity: rp.Old, Severity: finding.FailsInProduction,
			Message:  i18n.M("rule.mod009.replace", rp.Old, r.Version),
			Evidence: []finding.Evidence{{Pos: r.Pos, Text: i18n.M("rule.mod009.selected", path, r.Version)}},
			Fix:      i18n.M("rule.mod009.move", path, r.Version),
			Advisory: rp.Local || !m.HasGoSum || inSum(m, rp.New),
		})
	}
	return out
}

// replacedWhole reports whether another line replaces all versions.
func replacedWhole(m *facts.RepoModule, path string) bool {
	return slices.ContainsFunc(m.Replaces, func(r facts.Replace) bool { return r.Old == path })
}

// versionReplaced reports whether the version that is selected has a line of
// its own: then the others are kept for a list of versions on purpose.
func versionReplaced(m *facts.RepoModule, r facts.Require) bool {
	return slices.ContainsFunc(m.Replaces, func(rp facts.Replace) bool { return rp.Old == r.Path+"@"+r.Version })
}

func inSum(m *facts.RepoModule, pathVersion string) bool {
	path, version, _ := strings.Cut(pathVersion, "@")
	return slices.ContainsFunc(m.Sums, func(s facts.SumLine) bool {
		return s.Path == path && strings.TrimSuffix(s.Version, "/go.mod") == version
	})
}
