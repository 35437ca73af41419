package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var debugExposed = Rule{
	ID: "WEB008", Slug: "debug-exposed", Severity: finding.Security, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.web008.title"), Why: i18n.M("rule.web008.why"), Fix: i18n.M("rule.web008.fix"),
	Bad:  "import _ \"net/http/pprof\"\n\nhttp.HandleFunc(\"/\", index)\nhttp.ListenAndServe(\":8080\", nil)",
	Good: "mux := http.NewServeMux()\nmux.HandleFunc(\"/\", index)\ngo http.ListenAndServe(\"127.0.0.1:6060\", nil) // pprof alone\nhttp.ListenAndServe(\":8080\", mux)",
	Run:  runDebugExposed,
}

// runDebugExposed finds programs that serve http.DefaultServeMux, where
// net/http/pprof registers itself, to the world: on the listener of the
// program's own routes, or on one that a Service sends connections to.
func runDebugExposed(r *facts.Repo) []finding.Finding {
	debug := func(path string) bool { return path == "net/http/pprof" }
	imports := func(g *facts.GoFile) (facts.Pos, bool) {
		i := slices.IndexFunc(g.Imports, func(i facts.Import) bool { return debug(i.Path) })
		if i < 0 {
			return facts.Pos{}, false
		}
		return g.Imports[i].Pos, true
	}
	wanted := false
	for i := range r.GoFiles {
		_, ok := imports(&r.GoFiles[i])
		wanted = wanted || ok && !r.GoFiles[i].Test
	}
	if !wanted {
		return nil
	}
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, p := range webPrograms(r, func(g *facts.GoFile) bool { return shipped(g) && len(defaultMuxServers(g)) > 0 }) {
		if !p.ImportsAny(debug) {
			continue
		}
		for _, g := range p.Files {
			for _, addr := range defaultMuxServers(g) {
				if seen[addr.Pos] || facts.Loopback(addr.Value) {
					continue
				}
				f := finding.Finding{Pos: addr.Pos, Entity: entity("pprof", g.Dir, addr.Value), Message: i18n.M("rule.web008.shared", addr.Value)}
				if pos, ok := p.Imported("net/http/pprof"); ok {
					f.Evidence = append(f.Evidence, finding.Evidence{Pos: pos, Text: i18n.M("rule.web008.import")})
				}
				if route, ok := ownRoute(&p); ok {
					f.Evidence = append(f.Evidence, finding.Evidence{Pos: route.Pos, Text: i18n.M("rule.web008.route", route.Text)})
				} else if pos, ok := serviceFor(r, p.Dir, addr.Value); ok {
					f.Message = i18n.M("rule.web008.service", addr.Value)
					f.Evidence = append(f.Evidence, finding.Evidence{Pos: pos, Text: i18n.M("rule.web008.target")})
				} else {
					continue // a listener of its own, which nothing here opens to others
				}
				seen[addr.Pos] = true
				out = append(out, f)
			}
		}
	}
	return out
}

// defaultMuxServers gives the literal addresses where a file serves
// http.DefaultServeMux.
func defaultMuxServers(g *facts.GoFile) []facts.Line {
	isDefault := func(v facts.Value) bool { return v.Text == "nil" || v.Text == "net/http.DefaultServeMux" }
	var out []facts.Line
	for i := range g.Sites {
		s := &g.Sites[i]
		var addr facts.Value
		switch {
		case s.What == "net/http.ListenAndServe" && len(s.Args) == 2 && isDefault(s.Args[1]),
			s.What == "net/http.ListenAndServeTLS" && len(s.Args) == 4 && isDefault(s.Args[3]):
			addr = s.Args[0]
		case s.What == "net/http.Server" && s.Kind == facts.SiteLiteral:
			if h, ok := s.Fields["Handler"]; ok && isDefault(h) {
				addr = s.Fields["Addr"]
			}
		}
		if facts.Literal(addr.Text) && strings.Contains(addr.Text, ":") {
			out = append(out, facts.Line{Value: addr.Text, Pos: addr.Pos})
		}
	}
	return out
}

// ownRoute finds a route of the program's own on http.DefaultServeMux.
func ownRoute(p *facts.MainPackage) (facts.Value, bool) {
	for _, s := range p.Sites("net/http.Handle", "net/http.HandleFunc") {
		if s.Kind == facts.SiteCall && len(s.Args) == 2 && facts.Literal(s.Args[0].Text) && strings.Contains(s.Args[0].Text, "/") && !aboutDebug(s.Args[0].Text) {
			return s.Args[0], true
		}
	}
	return facts.Value{}, false
}

// aboutDebug reports whether a route is one that people put beside pprof on a
// listener for operators.
func aboutDebug(route string) bool {
	for _, w := range []string{"debug", "metric", "health", "ready", "live", "status", "version", "log", "config", "stat", "ping"} {
		if strings.Contains(route, w) {
			return true
		}
	}
	return false
}

// serviceFor finds a Service that sends connections to the port on which a
// container with the program in dir listens.
func serviceFor(r *facts.Repo, dir, addr string) (facts.Pos, bool) {
	port := addr[strings.LastIndexByte(addr, ':')+1:]
	for _, run := range r.Runs() {
		if run.Certain != facts.Yes || run.Build == nil || !slices.Contains(run.Build.Packages, dir) || run.Manifest.Workload == nil {
			continue
		}
		for i := range r.Manifests {
			m := &r.Manifests[i]
			if m.Service == nil || m.Namespace.Value != run.Manifest.Namespace.Value || !selects(m.Service.Selector, run.Manifest.Workload.Labels) {
				continue
			}
			for _, sp := range m.Service.Ports {
				target := sp.Target
				if target.Value == "" {
					target = sp.Number
				}
				for _, cp := range run.Container.Ports {
					if cp.Name.Value != "" && cp.Name.Value == target.Value {
						target.Value = cp.Number.Value
					}
				}
				if target.Value == port {
					return target.Pos, true
				}
			}
		}
	}
	return facts.Pos{}, false
}

// selects reports whether a Service's selector, which must not be empty,
// takes pods with the labels.
func selects(selector, labels map[string]facts.Line) bool {
	for k, v := range selector {
		if labels[k].Value != v.Value {
			return false
		}
	}
	return len(selector) > 0
}
