package check

import (
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var cutStream = Rule{
	ID: "WEB004", Slug: "write-timeout-cuts-stream", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.web004.title"), Why: i18n.M("rule.web004.why"), Fix: i18n.M("rule.web004.fix"),
	Bad:  "srv := &http.Server{WriteTimeout: 10 * time.Second}\n// a handler that sends text/event-stream",
	Good: "rc := http.NewResponseController(w)\nrc.SetWriteDeadline(time.Time{}) // this response has no end",
	Run:  runCutStreams,
}

// runCutStreams joins programs all of whose servers have a WriteTimeout with
// their handlers that send events without an end.
func runCutStreams(r *facts.Repo) []finding.Finding {
	endless := func(g *facts.GoFile) (facts.Stream, bool) {
		if g.Web != nil && shipped(g) {
			for _, s := range g.Web.Streams {
				if s.Loop.Line > 0 && !s.Deadline {
					return s, true
				}
			}
		}
		return facts.Stream{}, false
	}
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, p := range webPrograms(r, func(g *facts.GoFile) bool { _, ok := endless(g); return ok }) {
		limits, ok := writeLimits(&p)
		if !ok || len(p.Sites(".SetWriteDeadline")) > 0 {
			continue
		}
		for _, g := range p.Files {
			s, ok := endless(g)
			if !ok || seen[s.Loop] {
				continue
			}
			seen[s.Loop] = true
			out = append(out, finding.Finding{
				Pos: limits[0].Pos, Entity: entity("stream", g.Dir, s.Func), Message: i18n.M("rule.web004.message", limits[0].Text),
				Evidence: []finding.Evidence{{Pos: s.Loop, Text: i18n.M("rule.web004.loop")}},
			})
		}
	}
	return out
}

// writeLimits gives the WriteTimeouts of a program's servers if each of them
// has one that is known and not zero.
func writeLimits(p *facts.MainPackage) ([]facts.Value, bool) {
	if len(p.Sites(append([]string{".WriteTimeout", ".Run", ".RunTLS", ".Start", ".StartTLS"}, bareServers...)...)) > 0 {
		return nil, false
	}
	var out []facts.Value
	for _, s := range p.Sites("net/http.Server") {
		if s.Kind != facts.SiteLiteral {
			continue
		}
		v := s.Fields["WriteTimeout"]
		if t, ok := goSeconds(v.Text); !ok || t <= 0 {
			return nil, false
		}
		out = append(out, v)
	}
	return out, len(out) > 0
}

var deafStream = Rule{
	ID: "WEB007", Slug: "stream-ignores-client", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.web007.title"), Why: i18n.M("rule.web007.why"), Fix: i18n.M("rule.web007.fix"),
	Bad:  "for range ticker.C {\n\tfmt.Fprintf(w, \"data: %d\\n\\n\", n)\n\trc.Flush()\n}",
	Good: "for {\n\tselect {\n\tcase <-r.Context().Done():\n\t\treturn\n\tcase <-ticker.C:\n\t}\n\tfmt.Fprintf(w, \"data: %d\\n\\n\", n)\n\trc.Flush()\n}",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, g := range webFiles(r, func(w *facts.Web) bool { return len(w.Streams) > 0 }) {
			for _, s := range g.Web.Streams {
				if s.Endless && !s.Context && !s.Deadline {
					out = append(out, finding.Finding{
						Pos: s.Loop, Entity: entity("stream", g.Dir, s.Func), Message: i18n.M("rule.web007.message"),
						Evidence: []finding.Evidence{{Pos: s.Flush, Text: i18n.M("rule.web007.flush")}},
					})
				}
			}
		}
		return out
	},
}
