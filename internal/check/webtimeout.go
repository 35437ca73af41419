package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var serverTimeouts = Rule{
	ID: "WEB003", Slug: "server-timeouts", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.web003.title"), Why: i18n.M("rule.web003.why"), Fix: i18n.M("rule.web003.fix"),
	Bad:  "log.Fatal(http.ListenAndServe(\":8080\", mux))",
	Good: "srv := &http.Server{Addr: \":8080\", Handler: mux, ReadHeaderTimeout: 10 * time.Second}\nlog.Fatal(srv.ListenAndServe())",
	Run:  runTimeouts,
}

var bareServers = []string{"net/http.ListenAndServe", "net/http.ListenAndServeTLS", "net/http.Serve", "net/http.ServeTLS"}

// runTimeouts finds servers of programs that give a client any time it likes
// for its request's headers.
func runTimeouts(r *facts.Repo) []finding.Finding {
	serves := func(g *facts.GoFile) bool {
		return hasSite(g, append([]string{"net/http.Server"}, bareServers...)...) && shipped(g)
	}
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	var delivered map[string]bool
	for _, p := range webPrograms(r, serves) {
		if delivered == nil {
			delivered = deliveredPrograms(r)
		}
		for _, g := range p.Files {
			if !serves(g) {
				continue
			}
			for i := range g.Sites {
				s := &g.Sites[i]
				m, addr := unlimited(r, &p, g, s)
				if m.IsZero() || strings.HasPrefix(g.Dir+"/", "tools/") || seen[s.Pos] || facts.Loopback(addr) {
					continue
				}
				seen[s.Pos] = true
				out = append(out, finding.Finding{
					Pos: s.Pos, Entity: entity("server", g.Dir, s.Func), Message: m,
					// One that settings choose may be for the host alone.
					Advisory: !public(addr) || !delivered[p.Dir],
				})
			}
		}
	}
	return out
}

// unlimited says what a server without a limit for headers is, and where it
// listens if that is literal.
func unlimited(r *facts.Repo, p *facts.MainPackage, g *facts.GoFile, s *facts.Site) (m i18n.Message, addr string) {
	switch {
	case s.Kind == facts.SiteCall && slices.Contains(bareServers[:2], s.What) && len(s.Args) > 0:
		return i18n.M("rule.web003.bare", s.What[len("net/"):]), s.Args[0].Text
	case s.Kind == facts.SiteCall && slices.Contains(bareServers, s.What):
		if localListener(g) {
			return m, ""
		}
		return i18n.M("rule.web003.bare", s.What[len("net/"):]), ""
	case s.Kind == facts.SiteLiteral && s.What == "net/http.Server" && len(s.Args) == 0:
		for _, f := range []string{"ReadHeaderTimeout", "ReadTimeout"} {
			if _, ok := s.Fields[f]; ok || setInPackage(p, g.Dir, "."+f) {
				return m, ""
			}
		}
		if localListener(g) || !servesInPackage(p, g.Dir) {
			return m, ""
		}
		return i18n.M("rule.web003.server"), s.Fields["Addr"].Text
	}
	return m, ""
}

// public reports whether an address is literal and not for one host alone.
func public(addr string) bool {
	host, port, ok := strings.Cut(addr, ":")
	return ok && facts.Literal(addr) && port != "" && strings.Trim(port, "0123456789") == "" && (host == "" || host == "0.0.0.0")
}

// localListener reports whether a file listens where only its own host comes.
func localListener(g *facts.GoFile) bool {
	return slices.ContainsFunc(g.Sites, func(s facts.Site) bool {
		return (s.What == "net.Listen" || s.What == "crypto/tls.Listen") && len(s.Args) > 1 && (s.Args[0].Text == "unix" || facts.Loopback(s.Args[1].Text))
	})
}

func setInPackage(p *facts.MainPackage, dir, field string) bool {
	return slices.ContainsFunc(p.Files, func(g *facts.GoFile) bool {
		return g.Dir == dir && slices.ContainsFunc(g.Sites, func(s facts.Site) bool { return s.Kind == facts.SiteAssign && s.What == field })
	})
}

func servesInPackage(p *facts.MainPackage, dir string) bool {
	return slices.ContainsFunc(p.Files, func(g *facts.GoFile) bool {
		return g.Dir == dir && hasSite(g, ".ListenAndServe", ".ListenAndServeTLS", ".Serve", ".ServeTLS")
	})
}

// deliveredPrograms gives the directories of the programs that the repository
// hands to users: in an image, which is what manifests run, in a release, or
// by a line of its documentation that installs them.
func deliveredPrograms(r *facts.Repo) map[string]bool {
	out := map[string]bool{}
	for _, b := range r.Builds() {
		if b.Docker != nil || b.Runtime != nil || b.Release != nil {
			for _, dir := range b.Packages {
				out[path.Clean(dir)] = true
			}
		}
	}
	for _, l := range r.Installs {
		pkg, _, _ := strings.Cut(l.Value, "@")
		for i := range r.Modules {
			if m := &r.Modules[i]; pkg == m.Path || strings.HasPrefix(pkg, m.Path+"/") {
				out[path.Join(m.Root, strings.TrimPrefix(strings.TrimPrefix(pkg, m.Path), "/"))] = true
			}
		}
	}
	return out
}
