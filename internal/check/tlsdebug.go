package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/godebug"
	"github.com/slipway-build/slipway/internal/i18n"
)

var weakDebug = Rule{
	ID: "TLS002", Slug: "godebug-weakens", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.tls002.title"), Why: i18n.M("rule.tls002.why"), Fix: i18n.M("rule.tls002.fix"),
	Bad:  "ENV GODEBUG=netdns=go,tlsmlkem=0",
	Good: "ENV GODEBUG=netdns=go",
	Run:  runWeakDebug,
}

// runWeakDebug counts what CI and scripts set as advisory: it may be there to
// test the weaker setting.
func runWeakDebug(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, d := range debugSettings(r) {
		for pair := range godebug.Settings(d.value) {
			if m, ok := godebug.Weak(pair); ok {
				out = append(out, finding.Finding{
					Pos: d.pos, Entity: entity(d.where, pair), Message: m,
					Advisory: !d.runs || godebug.Minor(pair),
				})
			}
		}
	}
	return out
}

// debugSetting is a list of GODEBUG settings that a file states.
type debugSetting struct {
	value string
	pos   facts.Pos
	where string
	runs  bool // it is in force where a program runs for its users
}

// debugSettings gives every list of GODEBUG settings once.
func debugSettings(r *facts.Repo) []debugSetting {
	var out []debugSetting
	seen := map[facts.Pos]bool{}
	add := func(l facts.Line, where string, runs bool) {
		if l.Value != "" && !seen[l.Pos] && !strings.ContainsAny(l.Value, "\x00`") {
			seen[l.Pos] = true
			out = append(out, debugSetting{l.Value, l.Pos, where, runs})
		}
	}
	for _, m := range r.Modules {
		if hidden(m.Root) {
			continue
		}
		for _, l := range m.Godebug {
			add(l, m.Path, true)
		}
	}
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; g.Package == "main" {
			for _, l := range g.Debugs {
				add(l, g.Dir, shipped(g))
			}
		}
	}
	for _, d := range r.Dockerfiles {
		for _, s := range d.Stages {
			add(s.Env["GODEBUG"], stageName(s), s.Last || runsProgram(r, &s))
		}
	}
	for _, e := range r.EnvFiles {
		add(e.Vars["GODEBUG"], e.Path, true)
	}
	eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
		for _, c := range w.All() {
			add(c.Env["GODEBUG"], workloadName(m, c), !sample(m))
		}
	})
	for _, w := range r.Workflows {
		add(w.Env["GODEBUG"], "", false)
		for _, j := range w.Jobs {
			add(j.Env["GODEBUG"], "job "+j.ID, false)
			for _, s := range j.Steps {
				add(s.Env["GODEBUG"], "job "+j.ID, false)
			}
		}
	}
	for _, s := range r.Scripts {
		for _, t := range slices.Sorted(maps.Keys(s.Targets)) {
			for _, c := range s.Targets[t] {
				add(facts.Line{Value: c.Env["GODEBUG"], Pos: c.Pos}, "target "+t, false)
			}
		}
		for _, c := range s.Commands {
			add(facts.Line{Value: c.Env["GODEBUG"], Pos: c.Pos}, "", false)
		}
	}
	return out
}

func runsProgram(r *facts.Repo, s *facts.Stage) bool {
	return slices.ContainsFunc(r.Builds(), func(b facts.Build) bool { return b.Runtime != nil && b.Runtime.Pos == s.Pos })
}
