package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var proxyChain = Rule{
	ID: "ENV012", Slug: "proxy-chain", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.env012.title"), Why: i18n.M("rule.env012.why"), Fix: i18n.M("rule.env012.fix"),
	Bad:  "ENV GOPROXY=direct,https://goproxy.example.com",
	Good: "ENV GOPROXY=https://goproxy.example.com,direct",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, s := range settings(repo) {
			if s.name != "GOPROXY" {
				continue
			}
			m, severity := judgeChain(s.value)
			if !m.IsZero() {
				out = append(out, finding.Finding{Pos: s.pos, Entity: entity(s.where, "GOPROXY="+s.value), Message: m, Severity: severity})
			}
		}
		return out
	},
}

// judgeChain says what of a GOPROXY list cannot do anything, as proxyList in
// cmd/go/internal/modfetch reads it.
func judgeChain(list string) (i18n.Message, finding.Severity) {
	var seen []string
	for rest := list; rest != ""; {
		var entry string
		i := strings.IndexAny(rest, ",|")
		if i < 0 {
			entry, rest = rest, ""
		} else {
			entry, rest = rest[:i], rest[i+1:]
		}
		entry = strings.TrimSpace(entry)
		switch {
		case entry == "":
			continue
		case entry == "direct" || entry == "off":
			if tail := strings.Trim(rest, ",| "); tail != "" {
				return i18n.M("rule.env012.dead", tail, entry), ""
			}
			return i18n.Message{}, ""
		case entry != "noproxy" && !strings.ContainsAny(entry, ".:/"):
			return i18n.M("rule.env012.word", entry), finding.StopsBuild
		case slices.Contains(seen, strings.TrimSuffix(entry, "/")):
			return i18n.M("rule.env012.twice", entry), ""
		}
		seen = append(seen, strings.TrimSuffix(entry, "/"))
	}
	return i18n.Message{}, ""
}

var privateRoute = Rule{
	ID: "ENV013", Slug: "private-names-leak", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env013.title"), Why: i18n.M("rule.env013.why"), Fix: i18n.M("rule.env013.fix"),
	Bad:  "ENV GOPRIVATE=corp.example.com GONOPROXY=none",
	Good: "ENV GOPRIVATE=corp.example.com",
	Run:  runPrivateRoute,
}

// runPrivateRoute finds lists by which the go command asks a proxy for what
// GOPRIVATE calls private. A proxy of one's own may be asked; the default one
// belongs to others.
func runPrivateRoute(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	report := func(l facts.Line, f finding.Finding) {
		if key := l.Pos.File + " " + l.Value; !seen[key] {
			seen[key] = true
			f.Pos = l.Pos
			out = append(out, f)
		}
	}
	for _, s := range scopes(repo) {
		private, open := s.vars["GOPRIVATE"], s.vars["GONOPROXY"]
		if private.Value == "" || !literal(strings.ReplaceAll(private.Value, "*", "")) {
			continue
		}
		if _, own := s.vars["GOPROXY"]; own {
			continue
		}
		names := patterns(private.Value)
		if open.Value != "" && literal(open.Value) {
			var asked []string
			for _, p := range names {
				if !covered(p, patterns(open.Value)) {
					asked = append(asked, p)
				}
			}
			if len(asked) > 0 {
				report(open, finding.Finding{
					Entity: entity(s.where, "GONOPROXY="+open.Value), Message: i18n.M("rule.env013.open", open.Value, strings.Join(asked, ",")),
					Evidence: []finding.Evidence{{Pos: private.Pos, Text: i18n.M("rule.env009.private", private.Value)}},
				})
			}
			continue
		}
		for _, p := range names {
			// Each parent of an import path is asked for as well; a path on a
			// host of many owners gives away no more than the owner's name.
			parent, star := strings.CutSuffix(p, "/*")
			if !star || strings.ContainsAny(parent, "*?[") || strings.Contains(parent, "/") || covered(parent, names) || path.Base(parent) != parent {
				continue
			}
			report(private, finding.Finding{
				Entity: entity(s.where, "GOPRIVATE="+p), Message: i18n.M("rule.env013.parent", p, parent), Advisory: true,
			})
		}
	}
	return out
}

var modulesAuto = Rule{
	ID: "ENV014", Slug: "modules-auto", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.env014.title"), Why: i18n.M("rule.env014.why"), Fix: i18n.M("rule.env014.fix"),
	Bad:  "ENV GO111MODULE=auto",
	Good: "FROM golang:1.26",
	Run: perSetting(func(s setting) (m i18n.Message) {
		if s.name == "GO111MODULE" && (s.value == "auto" && s.build || s.where == thisMachine && (s.value == "auto" || s.value == "off")) {
			m = i18n.M("rule.env014.message", s.value)
		}
		return m
	}),
}
