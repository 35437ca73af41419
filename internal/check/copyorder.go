package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var copyOrder = Rule{
	ID: "IMG005", Slug: "copy-order", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.img005.title"), Why: i18n.M("rule.img005.why"), Fix: i18n.M("rule.img005.fix"),
	Bad:  "COPY . .\nRUN go mod download\nRUN go build -o /app .",
	Good: "COPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o /app .",
	Run:  runCopyOrder,
}

// runCopyOrder finds stages that copy the whole source before the
// modules are downloaded: each edited file downloads them all again.
func runCopyOrder(r *facts.Repo) []finding.Finding {
	if !fetchesModules(r) {
		return nil
	}
	requiring := map[facts.Pos]bool{} // builds of modules that require others
	for _, b := range r.Builds() {
		requiring[b.Go.Pos] = b.Module != nil && len(b.Module.Requires) > 0
	}
	var out []finding.Finding
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		all := slices.IndexFunc(s.Copies, copiesAll)
		if all < 0 || bringsModules(d, s) {
			return
		}
		whole := s.Copies[all]
		for _, run := range s.Runs {
			if len(run.CacheMounts) > 0 || strings.Contains(run.Raw, "--mount=type=bind") {
				return // with a cache, or a file system that is not this stage's
			}
			for _, g := range facts.GoCommands(run.Commands) {
				if g.Verb != "mod download" && (g.Verb != "build" || !requiring[g.Pos]) {
					continue
				}
				if run.Pos.Line < whole.Pos.Line || g.Flags["-mod"] == "vendor" || strings.Contains(g.Env["GOFLAGS"], "vendor") {
					return // downloaded before the source came, or not at all
				}
				out = append(out, finding.Finding{
					Pos:      whole.Pos,
					Entity:   stageName(*s),
					Message:  i18n.M("rule.img005.message", run.Pos.Line),
					Evidence: []finding.Evidence{{Pos: run.Pos, Text: i18n.M("rule.img005.here", "go "+g.Verb)}},
				})
				return
			}
		}
	})
	return out
}

// fetchesModules reports whether a build of r has something to download. A
// repository whose scripts vendor may keep its modules in directories that
// were left out of what is read.
func fetchesModules(r *facts.Repo) bool {
	requires := false
	for _, m := range r.Modules {
		if len(m.VendorModules) > 0 {
			return false
		}
		requires = requires || len(m.Requires) > 0
	}
	return requires && !slices.ContainsFunc(places(r), func(p place) bool {
		return slices.ContainsFunc(facts.GoCommands(p.commands), func(g facts.GoCommand) bool {
			return g.Verb == "mod vendor" || g.Verb == "work vendor"
		})
	})
}

// bringsModules reports whether s or one of its parents gets the modules from
// elsewhere: a module cache that is copied, or a parent that ran go.
func bringsModules(d *facts.Dockerfile, s *facts.Stage) bool {
	for i, p := range d.Lineage(s) {
		if slices.ContainsFunc(p.Copies, func(c facts.Copy) bool {
			return slices.Contains(c.Srcs, "vendor") || c.From != "" && (strings.HasPrefix(path.Clean("/"+c.Dst), "/go") || strings.Contains(c.Dst, "pkg/mod"))
		}) {
			return true
		}
		if i > 0 && slices.ContainsFunc(p.Runs, func(r facts.Run) bool { return len(facts.GoCommands(r.Commands)) > 0 }) {
			return true
		}
	}
	return false
}

// copiesAll reports whether c copies the whole context.
func copiesAll(c facts.Copy) bool {
	return c.From == "" && slices.ContainsFunc(c.Srcs, func(s string) bool { return path.Clean(s) == "." || path.Clean(s) == "/" })
}
