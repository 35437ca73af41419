package check

import (
	"slices"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var needsCgo = Rule{
	ID: "CGO009", Slug: "needs-cgo", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo009.title"), Why: i18n.M("rule.cgo009.why"), Fix: i18n.M("rule.cgo009.fix"),
	Bad:  "CGO_ENABLED=0 go build .   # imports a package of which every file imports C",
	Good: "CGO_ENABLED=1 go build .",
	Run:  runNeedsCgo,
}

// cgoStubs are packages that build without cgo and then only say, when they
// are used, that they cannot work.
var cgoStubs = []string{"github.com/mattn/go-sqlite3"}

// runNeedsCgo finds builds with cgo off of programs that import a package of
// which nothing is left then. With the known packages that leave a stub, the
// build succeeds; whether the program uses them is not known, so that this is
// advice.
func runNeedsCgo(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Cgo != facts.No || !compiled(&b) || b.GOOS != "" && b.GOOS != "linux" || b.GOARCH != "" && b.GOARCH != "amd64" {
			continue
		}
		reached := r.Closure(b.Module, b.Packages, b.Tags)
		for _, p := range sortedKeys(reached) {
			stub := slices.Contains(cgoStubs, p)
			if !stub && !cgoOnly(r, b.Module, p, b.Tags) {
				continue
			}
			f := finding.Finding{
				Pos: b.Go.Pos, Entity: entity(b.Where, p), Message: i18n.M("rule.cgo009.message", p),
				Evidence: append([]finding.Evidence{{Pos: b.CgoWhy, Text: i18n.M("rule.cgo.off")}}, chainEvidence(reached[p])...),
			}
			if stub {
				f.Message, f.Severity, f.Advisory = i18n.M("rule.cgo009.stub", p), finding.FailsInProduction, true
			}
			out = append(out, f)
			break // the go command stops at the first as well
		}
	}
	return out
}

// cgoOnly reports whether a build with these tags takes files of the package
// when cgo is on, and none when it is off.
func cgoOnly(r *facts.Repo, m *facts.RepoModule, importPath string, tags []string) bool {
	files := r.FilesOf(m, importPath)
	if slices.ContainsFunc(files, func(g *facts.GoFile) bool { return g.Built(tags) }) {
		return false
	}
	on := append([]string{"cgo"}, tags...)
	return slices.ContainsFunc(files, func(g *facts.GoFile) bool { return g.Built(on) })
}
