package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var installRefused = Rule{
	ID: "MOD010", Slug: "install-refused", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.mod010.title"), Why: i18n.M("rule.mod010.why"), Fix: i18n.M("rule.mod010.fix"),
	Bad:  "# README.md: go install example.com/app@latest\n# go.mod\nmodule example.com/app\nreplace example.com/lib => ./lib",
	Good: "# README.md: go install example.com/app@latest\n# go.mod\nmodule example.com/app\n# go.work for development:\nuse (\n\t.\n\t./lib\n)",
	Run:  runInstallRefused,
}

// runInstallRefused finds "go install path@version" of the repository's own
// programs where go.mod replaces or excludes something: the go command refuses
// such a module (go.dev/ref/mod#go-install).
func runInstallRefused(repo *facts.Repo) []finding.Finding {
	told := slices.Clone(repo.Installs)
	for _, p := range places(repo) {
		for _, g := range facts.GoCommands(p.commands) {
			if (g.Verb == "install" || g.Verb == "run") && len(g.Args) > 0 {
				told = append(told, facts.Line{Value: g.Args[0], Pos: g.Pos})
			}
		}
	}
	var out []finding.Finding
	seen := map[string]bool{}
	for _, l := range told {
		pkg, version, ok := strings.Cut(l.Value, "@")
		// An older release may have had another go.mod.
		if !ok || !slices.Contains([]string{"latest", "main", "master", "HEAD"}, version) {
			continue
		}
		m := providing(repo, pkg)
		if m == nil || seen[pkg+l.Pos.File] || !hasProgram(repo, m, pkg) {
			continue
		}
		f := finding.Finding{Pos: l.Pos, Entity: entity(pkg)}
		switch {
		case len(m.Replaces) > 0:
			f.Message = i18n.M("rule.mod010.replace", pkg, m.Path)
			f.Evidence = []finding.Evidence{{Pos: m.Replaces[0].Pos, Text: i18n.M("rule.mod010.old", m.Replaces[0].Old)}}
		case len(m.Excludes) > 0:
			f.Message = i18n.M("rule.mod010.exclude", pkg, m.Path)
			f.Evidence = []finding.Evidence{{Pos: m.Excludes[0].Pos, Text: i18n.M("rule.mod010.old", m.Excludes[0].Value)}}
		default:
			continue
		}
		seen[pkg+l.Pos.File] = true
		out = append(out, f)
	}
	return out
}

// providing gives the module of the repository that an import path lies in.
func providing(repo *facts.Repo, pkg string) *facts.RepoModule {
	var best *facts.RepoModule
	for i := range repo.Modules {
		if m := &repo.Modules[i]; within(pkg, m.Path) && (best == nil || len(m.Path) > len(best.Path)) {
			best = m
		}
	}
	return best
}

// hasProgram reports whether a package of m is a program.
func hasProgram(repo *facts.Repo, m *facts.RepoModule, pkg string) bool {
	dir := path.Join(m.Root, strings.TrimPrefix(pkg, m.Path))
	return slices.ContainsFunc(repo.FilesIn(dir), func(g *facts.GoFile) bool { return g.Package == "main" })
}

var getInstalls = Rule{
	ID: "MOD011", Slug: "go-get-installs", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod011.title"), Why: i18n.M("rule.mod011.why"), Fix: i18n.M("rule.mod011.fix"),
	Bad:  "go get -u example.com/tools/lint\nlint ./...",
	Good: "go install example.com/tools/lint@v1.4.0\nlint ./...",
	Run:  runGetInstalls,
}

// runGetInstalls finds commands that are run after a go get that was to
// install them. Since Go 1.18 it only changes go.mod, and fails where there is
// none.
func runGetInstalls(repo *facts.Repo) []finding.Finding {
	if !slices.ContainsFunc(repo.Modules, func(m facts.RepoModule) bool { return m.Root == "." && atLeast(m.Go.Value, "1.18") }) {
		return nil
	}
	var out []finding.Finding
	for _, p := range places(repo) {
		gotten := map[string]facts.GoCommand{}
		installed := installedBy(p.commands)
		for _, c := range p.commands {
			gs := facts.GoCommands([]facts.Command{c})
			if len(gs) == 0 {
				if len(c.Words) > 0 {
					if g, ok := gotten[c.Words[0]]; ok {
						out = append(out, finding.Finding{
							Pos: g.Pos, Entity: entity(p.where, g.Args[0]), Message: i18n.M("rule.mod011.message", g.Args[0], c.Words[0]),
							Evidence: []finding.Evidence{{Pos: c.Pos, Text: i18n.M("rule.mod011.use", c.Words[0])}},
							Fix:      i18n.M("rule.mod011.mend", strings.TrimSuffix(g.Args[0], "@latest")),
						})
						delete(gotten, c.Words[0])
					}
				}
				continue
			}
			g := gs[0]
			for _, a := range g.Args {
				pkg, _, _ := strings.Cut(a, "@")
				switch name := programName(pkg); {
				case !literal(pkg) || !strings.Contains(pkg, ".") || strings.HasPrefix(pkg, "."):
				case g.Verb == "install":
					delete(gotten, name)
				case g.Verb == "get" && g.Flags["-d"] == "" && g.Flags["-tool"] == "" && len(g.Args) == 1 && g.Env["GO111MODULE"] == "" && !slices.ContainsFunc(installed, func(i string) bool { return within(i, pkg) }):
					gotten[name] = g
				}
			}
		}
	}
	return out
}

// installedBy gives what the go install commands of a text install: beside
// one, a go get is what is tried when it fails, or fetches something else.
func installedBy(cs []facts.Command) []string {
	var out []string
	for _, g := range facts.GoCommands(cs) {
		if g.Verb != "install" {
			continue
		}
		for _, a := range g.Args {
			pkg, _, _ := strings.Cut(a, "@")
			out = append(out, strings.TrimSuffix(pkg, "/..."))
		}
	}
	return out
}

// programName is the name go install gives to the program of an import path.
func programName(pkg string) string {
	base := path.Base(pkg)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(pkg))
	}
	return base
}

var vendorBypassed = Rule{
	ID: "MOD012", Slug: "vendor-bypassed", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod012.title"), Why: i18n.M("rule.mod012.why"), Fix: i18n.M("rule.mod012.fix"),
	Bad:  "# vendor/ is committed\ngo build -mod=mod -o app .",
	Good: "# vendor/ is committed\ngo build -o app .",
	Run:  runVendorBypassed,
}

// runVendorBypassed finds builds that pass over a vendor directory.
func runVendorBypassed(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range repo.Builds() {
		if b.Module == nil || len(b.Module.VendorModules) == 0 || b.Go.Flags["-mod"] != "mod" || seen[b.Go.Pos] {
			continue
		}
		seen[b.Go.Pos] = true
		out = append(out, finding.Finding{
			Pos: b.Go.Pos, Entity: entity("go", b.Go.Verb, strings.Join(b.Packages, " ")), Message: i18n.M("rule.mod012.message"),
			Evidence: []finding.Evidence{{Pos: b.Module.VendorModules[0].Pos, Text: i18n.M("rule.mod012.vendor")}},
		})
	}
	return out
}
