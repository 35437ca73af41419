package check

import (
	"slices"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var hiddenFlush = Rule{
	ID: "WEB005", Slug: "writer-hides-flush", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.web005.title"), Why: i18n.M("rule.web005.why"), Fix: i18n.M("rule.web005.fix"),
	Bad:  "type recorder struct {\n\thttp.ResponseWriter\n\tcode int\n}\n\nfunc (r *recorder) WriteHeader(code int) { r.code = code; r.ResponseWriter.WriteHeader(code) }",
	Good: "func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }\nfunc (r *recorder) Flush() { http.NewResponseController(r.ResponseWriter).Flush() }",
	Run:  runHiddenFlush,
}

var ownHeader = Rule{
	ID: "WEB006", Slug: "writer-own-header", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.web006.title"), Why: i18n.M("rule.web006.why"), Fix: i18n.M("rule.web006.fix"),
	Bad:  "func (w *guard) Header() http.Header { return w.header }",
	Good: "func (w *guard) Header() http.Header { return w.inner.Header() }",
	Run:  runOwnHeader,
}

var reverseProxies = []string{"net/http/httputil.ReverseProxy", "net/http/httputil.NewSingleHostReverseProxy"}

// wrapper is a type that stands between a handler and the server's writer.
type wrapper struct {
	file    *facts.GoFile
	t       facts.WriterType
	methods map[string]facts.WriterMethod
	pass    facts.Line // where it is handed to another handler
}

// wrappers gives the types that hand on what they get as it comes: their
// Write goes to the writer they hold, and their package gives them to another
// handler. What collects an answer as a whole is another thing.
func wrappers(r *facts.Repo) []wrapper {
	byDir := map[string][]*facts.GoFile{}
	var order []*facts.GoFile
	for _, g := range webFiles(r, func(w *facts.Web) bool { return len(w.Writers)+len(w.Methods)+len(w.Passes)+len(w.Makers) > 0 }) {
		byDir[g.Dir] = append(byDir[g.Dir], g)
		if len(g.Web.Writers) > 0 {
			order = append(order, g)
		}
	}
	var out []wrapper
	for _, g := range order {
		for _, t := range g.Web.Writers {
			w := wrapper{file: g, t: t, methods: map[string]facts.WriterMethod{}}
			names := []string{t.Name}
			for _, f := range byDir[g.Dir] {
				for _, m := range f.Web.Methods {
					if m.Type == t.Name {
						w.methods[m.Name] = m
					}
				}
				for _, m := range f.Web.Makers {
					if m.Type == t.Name {
						names = append(names, m.Func+"()")
					}
				}
			}
			for _, f := range byDir[g.Dir] {
				for _, p := range f.Web.Passes {
					if slices.Contains(names, p.Value) && w.pass.Value == "" {
						w.pass = p
					}
				}
			}
			write, own := w.methods["Write"]
			handsOn := !own && t.Embedded || write.Forwards == t.Field || own && write.Forwards == "Writer"
			known := !slices.ContainsFunc(t.Others, func(o string) bool { return o != "io.Writer" && o != "sync.Mutex" && o != "sync.RWMutex" })
			if w.pass.Value != "" && handsOn && known {
				out = append(out, w)
			}
		}
	}
	return out
}

func runHiddenFlush(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, w := range wrappers(r) {
		_, flush := w.methods["Flush"]
		_, flushError := w.methods["FlushError"]
		_, unwrap := w.methods["Unwrap"]
		if flush || flushError && unwrap {
			continue
		}
		s, ok := streamOf(r, &w, unwrap || flushError)
		if !ok {
			continue
		}
		out = append(out, finding.Finding{
			Pos: w.t.Pos, Entity: entity("writer", w.file.Dir, w.t.Name), Message: i18n.M("rule.web005.message", w.t.Name),
			Evidence: []finding.Evidence{{Pos: w.pass.Pos, Text: i18n.M("rule.web005.pass")}, {Pos: s.pos, Text: s.what}},
			Fix:      i18n.M("rule.web005.add", w.t.Name, w.t.Field),
			Advisory: !s.behind,
		})
	}
	return out
}

// stream is something that flushes.
type stream struct {
	pos    facts.Pos
	what   i18n.Message
	behind bool // it meets the wrapper, as far as packages tell
}

// streamOf finds something in a program with w that needs to flush; only
// assertions of http.Flusher if a controller finds its way by itself. In a
// program with one server, what one package puts together with the wrapper's
// package is taken to be behind it; in larger ones a wrapper may stand before
// handlers that never stream.
func streamOf(r *facts.Repo, w *wrapper, asserts bool) (best stream, ok bool) {
	for _, p := range webPrograms(r, func(g *facts.GoFile) bool { return g == w.file }) {
		servers := slices.DeleteFunc(p.Sites(append([]string{"net/http.Server"}, bareServers...)...), func(s *facts.Site) bool { return s.Kind == facts.SiteRef })
		take := func(g *facts.GoFile, pos facts.Pos, what i18n.Message, sure bool) {
			s := stream{pos, what, sure && len(servers) == 1 && p.Together(w.file.Dir, g.Dir)}
			if !ok || s.behind && !best.behind {
				best, ok = s, true
			}
		}
		for _, g := range p.Files {
			if g.Web != nil {
				for _, s := range g.Web.Streams {
					if s.Flush.Line > 0 && (s.Asserts || !asserts) {
						take(g, s.Flush, i18n.M("rule.web005.flush"), true)
					}
				}
			}
			for i := range g.Sites {
				if s := &g.Sites[i]; !asserts && s.Kind != facts.SiteRef && slices.Contains(reverseProxies, s.What) {
					take(g, s.Pos, i18n.M("rule.web005.proxy"), false) // it may carry nothing that streams
				}
			}
		}
	}
	return best, ok
}

// runOwnHeader finds wrappers that keep headers for themselves in a program
// that sends trailers, which are set when the headers are gone already.
func runOwnHeader(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, w := range wrappers(r) {
		h, ok := w.methods["Header"]
		if !ok || h.Returns == "" || h.Returns == w.t.Field || h.Forwards != "" { // one that gives the server's map once the headers are out is right
			continue
		}
		for _, p := range webPrograms(r, func(g *facts.GoFile) bool { return g == w.file }) {
			ss := slices.DeleteFunc(p.Sites(append([]string{"net/http.TrailerPrefix"}, reverseProxies...)...), func(s *facts.Site) bool {
				return s.Kind == facts.SiteRef && s.What != "net/http.TrailerPrefix"
			})
			if len(ss) == 0 {
				continue
			}
			out = append(out, finding.Finding{
				Pos: h.Pos, Entity: entity("writer", w.file.Dir, w.t.Name), Message: i18n.M("rule.web006.message", w.t.Name, h.Returns),
				Evidence: []finding.Evidence{{Pos: w.pass.Pos, Text: i18n.M("rule.web005.pass")}, {Pos: ss[0].Pos, Text: i18n.M("rule.web006.trailer")}},
			})
			break
		}
	}
	return out
}
