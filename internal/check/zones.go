package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var timeZones = Rule{
	ID: "IMG009", Slug: "time-zones", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.img009.title"), Why: i18n.M("rule.img009.why"), Fix: i18n.M("rule.img009.fix"),
	Bad:  "RUN CGO_ENABLED=0 go build -o /app .   # calls time.LoadLocation\nFROM scratch\nCOPY --from=build /app /app",
	Good: "RUN CGO_ENABLED=0 go build -tags timetzdata -o /app .\nFROM scratch\nCOPY --from=build /app /app",
	Run:  runTimeZones,
}

// runTimeZones finds programs that look up time zones in images without them:
// those from scratch, and Alpine unless it installs tzdata.
func runTimeZones(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if !imageBuild(&b) || slices.Contains(b.Tags, "timetzdata") {
			continue
		}
		below := baseOf(b.Docker, b.Runtime)
		if name := below.ref.Familiar(); name != "scratch" && name != "alpine" || !below.ref.Resolved || mayHaveZones(&b) {
			continue
		}
		tags := b.Tags
		if b.Cgo == facts.Yes {
			tags = append([]string{"cgo"}, tags...)
		}
		reached := r.Closure(b.Module, b.Packages, tags)
		if _, ok := reached["time/tzdata"]; ok {
			continue
		}
		call, why, ok := zoneCall(r, &b, reached, tags)
		foreign := false
		if !ok {
			call, why, foreign = foreignZoneCall(r, &b, reached, tags)
		}
		if !ok && !foreign {
			continue
		}
		what := call.Value
		if what == facts.NotLiteral {
			what = "…"
		}
		evidence := append([]finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))}}, chainEvidence(why)...)
		pos := call.Pos
		if foreign {
			pos = firstStep(why)
			evidence = append(evidence, finding.Evidence{Pos: call.Pos, Text: i18n.M("rule.img009.call")})
		}
		out = append(out, finding.Finding{
			Pos:      pos,
			Entity:   entity(stageName(*b.Runtime), strings.Join(b.Packages, " ")),
			Message:  i18n.M("rule.img009.message", what, below.name()),
			Advisory: foreign,
			Evidence: append(evidence, finding.Evidence{Pos: below.ref.Pos, Text: i18n.M("rule.cgo004.base", below.name())}),
		})
	}
	return out
}

// zoneCall finds the first call in the packages of b's own module, and how
// its package gets in; of those that b names, it is there anyway.
func zoneCall(r *facts.Repo, b *facts.Build, reached facts.Imports, tags []string) (facts.Line, facts.Reached, bool) {
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if len(g.ZoneCalls) == 0 || g.Module != b.Module.Root || !g.Built(tags) {
			continue
		}
		if slices.Contains(b.Packages, g.Dir) {
			return g.ZoneCalls[0], facts.Reached{}, true
		}
		rel := strings.TrimPrefix(g.Dir, b.Module.Root+"/")
		if b.Module.Root == "." {
			rel = g.Dir
		}
		if why, ok := reached[path.Join(b.Module.Path, rel)]; ok {
			return g.ZoneCalls[0], why, true
		}
	}
	return facts.Line{}, facts.Reached{}, false
}

// foreignZoneCall finds the first call in packages of other modules; that the
// program comes there is not known.
func foreignZoneCall(r *facts.Repo, b *facts.Build, reached facts.Imports, tags []string) (facts.Line, facts.Reached, bool) {
	find := r.DepPackageOf(b.Module)
	for _, path := range sortedKeys(reached) {
		p := find(path)
		if p == nil || firstStep(reached[path]).File == "" {
			continue
		}
		for i := range p.Files {
			if g := &p.Files[i]; len(g.ZoneCalls) > 0 && g.Built(tags) {
				return g.ZoneCalls[0], reached[path], true
			}
		}
	}
	return facts.Line{}, facts.Reached{}, false
}

// mayHaveZones reports whether anything in the stage where b runs may bring
// time zones: a package, a copy, a variable that names a file of them.
func mayHaveZones(b *facts.Build) bool {
	for _, s := range b.Docker.Lineage(b.Runtime) {
		if s.Env["ZONEINFO"].Value != "" {
			return true
		}
		for _, run := range s.Runs {
			if strings.Contains(run.Raw, "tzdata") || strings.Contains(run.Raw, "zoneinfo") || strings.Contains(run.Raw, "$") {
				return true
			}
		}
		for _, c := range s.Copies {
			dst := path.Clean("/" + c.Dst)
			for _, src := range c.Srcs {
				text := src + " " + c.Dst
				if strings.Contains(text, "zone") || strings.Contains(text, "tzdata") || strings.ContainsAny(text, "\x00$") {
					return true
				}
				into := dst == "/" || dst == "/usr" || dst == "/usr/share" || dst == "/usr/lib"
				if into && path.Clean("/"+src) != b.Output {
					return true
				}
			}
		}
	}
	return false
}
