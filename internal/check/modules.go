package check

import (
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var replaceOutside = Rule{
	ID: "MOD003", Slug: "replace-outside", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.mod003.title"),
	Why:   i18n.M("rule.mod003.why"),
	Fix:   i18n.M("rule.mod003.fix"),
	Bad:   "replace example.com/lib => /home/me/lib",
	Good:  "replace example.com/lib => ./lib",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, m := range repo.Modules {
			for _, r := range m.Replaces {
				// Without a work tree the root may be part of something larger, such
				// as a module of a repository with several.
				if !r.Local || !absolute(r.New) && !(repo.WorkTree && outside(path.Join(repo.Prefix, m.Root), r.New)) {
					continue
				}
				out = append(out, finding.Finding{Pos: r.Pos, Entity: r.Old, Message: i18n.M("rule.mod003.message", r.Old, r.New)})
			}
		}
		return out
	},
}

// absolute reports whether a directory is named from a file system's root, of
// Unix or of Windows.
func absolute(dir string) bool {
	return path.IsAbs(dir) || strings.HasPrefix(dir, `\`) || len(dir) > 1 && dir[1] == ':'
}

// outside reports whether a directory that is named from root, which is
// relative to the repository, lies outside of the repository.
func outside(root, dir string) bool {
	dir = path.Join(root, strings.ReplaceAll(dir, `\`, "/"))
	return dir == ".." || strings.HasPrefix(dir, "../")
}

var vendorDrift = Rule{
	ID: "MOD004", Slug: "vendor-drift", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod004.title"),
	Why:   i18n.M("rule.mod004.why"),
	Fix:   i18n.M("rule.mod004.fix"),
	Bad:   "# go.mod\nrequire example.com/lib v1.2.0\n# vendor/modules.txt\n# example.com/lib v1.1.0\n## explicit",
	Good:  "# go.mod\nrequire example.com/lib v1.2.0\n# vendor/modules.txt\n# example.com/lib v1.2.0\n## explicit",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, m := range repo.Modules {
			if len(m.VendorModules) > 0 && repo.Work == nil && atLeast(m.Go.Value, "1.14") {
				out = append(out, drift(m)...)
			}
		}
		return out
	},
}

// drift compares as checkVendorConsistency of cmd/go/internal/modload does.
func drift(m facts.RepoModule) []finding.Finding {
	type mod struct{ path, version string }
	explicit := map[mod]facts.Pos{}
	for _, v := range m.VendorModules {
		if v.Explicit {
			explicit[mod{v.Path, v.Version}] = v.Pos
		}
	}
	var out []finding.Finding
	required := map[mod]bool{}
	for _, r := range m.Requires {
		required[mod{r.Path, r.Version}] = true
		if _, ok := explicit[mod{r.Path, r.Version}]; ok {
			continue
		}
		f := finding.Finding{Pos: r.Pos, Entity: r.Path, Message: i18n.M("rule.mod004.missing", r.Path, r.Version)}
		for _, v := range m.VendorModules {
			if v.Path == r.Path && v.Version != "" && v.Version != r.Version {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: v.Pos, Text: i18n.M("rule.mod004.vendored", v.Version)})
			}
		}
		out = append(out, f)
	}
	for _, v := range m.VendorModules {
		if v.Explicit && v.Version != "" && !requires(m, v.Path) {
			out = append(out, finding.Finding{Pos: v.Pos, Entity: v.Path, Message: i18n.M("rule.mod004.extra", v.Path, v.Version)})
		}
	}
	return out
}

func requires(m facts.RepoModule, path string) bool {
	for _, r := range m.Requires {
		if r.Path == path {
			return true
		}
	}
	return false
}

var missingSum = Rule{
	ID: "MOD005", Slug: "go-sum-missing", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod005.title"),
	Why:   i18n.M("rule.mod005.why"),
	Fix:   i18n.M("rule.mod005.fix"),
	Bad:   "# go.mod\nrequire example.com/lib v1.2.0\n# go.sum\nexample.com/lib v1.2.0/go.mod h1:…",
	Good:  "# go.mod\nrequire example.com/lib v1.2.0\n# go.sum\nexample.com/lib v1.2.0 h1:…\nexample.com/lib v1.2.0/go.mod h1:…",
	Run: func(repo *facts.Repo) []finding.Finding {
		if repo.Work != nil { // go.work.sum may have it
			return nil
		}
		var out []finding.Finding
		for _, m := range repo.Modules {
			if len(m.VendorModules) == 0 && atLeast(m.Go.Value, "1.17") {
				out = append(out, unsummed(repo, m)...)
			}
		}
		return out
	},
}

// unsummed gives the direct requirements that a file without any build
// constraint imports and for whose content go.sum has no hash.
func unsummed(repo *facts.Repo, m facts.RepoModule) []finding.Finding {
	summed := map[string]bool{}
	for _, s := range m.Sums {
		summed[s.Path+" "+s.Version] = true
	}
	replaced := map[string]bool{}
	for _, r := range m.Replaces {
		old, _, _ := strings.Cut(r.Old, "@")
		replaced[old] = true
	}
	var out []finding.Finding
	for _, r := range m.Requires {
		if r.Indirect || replaced[r.Path] || summed[r.Path+" "+r.Version] {
			continue
		}
		if imp, ok := imported(repo, m, r.Path); ok {
			out = append(out, finding.Finding{
				Pos: r.Pos, Entity: r.Path, Message: i18n.M("rule.mod005.message", r.Path, r.Version),
				Evidence: []finding.Evidence{{Pos: imp.Pos, Text: i18n.M("rule.mod005.import", imp.Path)}},
				Advisory: !m.HasGoSum, // some libraries leave it out on purpose, and have it made in each build
			})
		}
	}
	return out
}

// imported finds an import that only the module mod can provide, in a file
// that every build of m compiles.
func imported(repo *facts.Repo, m facts.RepoModule, mod string) (facts.Import, bool) {
	for i := range repo.GoFiles {
		f := &repo.GoFiles[i]
		if f.Module != m.Root || f.Test || f.Build != "" || len(f.PlusBuild) > 0 || strings.Contains(path.Base(f.Path), "_") || hidden(f.Dir) {
			continue
		}
		for _, imp := range f.Imports {
			if !within(imp.Path, mod) {
				continue
			}
			providers := 0
			for _, r := range m.Requires {
				if within(imp.Path, r.Path) {
					providers++
				}
			}
			if providers == 1 && !within(imp.Path, m.Path) {
				return imp, true
			}
		}
	}
	return facts.Import{}, false
}

// within reports whether an import path lies in a module, by its name.
func within(imp, mod string) bool {
	return imp == mod || strings.HasPrefix(imp, mod+"/")
}

// hidden reports whether ./... leaves a directory out.
func hidden(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if part == "testdata" || len(part) > 1 && (part[0] == '_' || part[0] == '.') {
			return true
		}
	}
	return false
}
