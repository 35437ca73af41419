package check

import (
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var corsCredentials = Rule{
	ID: "WEB001", Slug: "cors-credentials", Severity: finding.Security, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.web001.title"), Why: i18n.M("rule.web001.why"), Fix: i18n.M("rule.web001.fix"),
	Bad:  "cors.New(cors.Options{\n\tAllowedOrigins:   []string{\"*\"},\n\tAllowCredentials: true,\n})",
	Good: "cors.New(cors.Options{\n\tAllowedOrigins:   []string{\"https://app.example.com\"},\n\tAllowCredentials: true,\n})",
	Run:  runCORS,
}

// cors is what a server says about the origins that may send credentials.
type cors int

const (
	corsFine      cors = iota
	corsRefused        // "*" with credentials: no browser takes the answer (Fetch standard, CORS check)
	corsReflected      // any site may read with the user's cookies
)

func runCORS(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	add := func(c cors, pos, credentials facts.Pos, fn string) {
		f := finding.Finding{
			Pos: pos, Entity: entity("cors", fn, pos.File), Message: i18n.M("rule.web001.reflected"),
			Evidence: []finding.Evidence{{Pos: credentials, Text: i18n.M("rule.web001.credentials")}},
		}
		switch c {
		case corsFine:
			return
		case corsRefused:
			f.Severity, f.Message = finding.FailsInProduction, i18n.M("rule.web001.refused")
		}
		out = append(out, f)
	}
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if len(g.Sites) == 0 && g.Web == nil || !shipped(g) {
			continue
		}
		for k := range g.Sites {
			if s := &g.Sites[k]; s.Kind == facts.SiteLiteral && s.Fields["AllowCredentials"].Text == "true" {
				c, pos := corsOf(r, g, s)
				add(c, pos, s.Fields["AllowCredentials"].Pos, s.Func)
			} else if s.What == ".AllowCredentials" && s.Kind == facts.SiteAssign && s.Args[0].Text == "true" {
				if pos, ok := ginAllOrigins(g, s); ok {
					add(corsRefused, pos, s.Args[0].Pos, s.Func)
				}
			}
		}
		if g.Web == nil {
			continue
		}
		for _, o := range g.Web.Origins {
			switch {
			case o.Origin.Value == "*":
				add(corsRefused, o.Origin.Pos, o.Credentials, "")
			case o.Reflected:
				add(corsReflected, o.Origin.Pos, o.Credentials, "")
			}
		}
	}
	return out
}

// corsOf judges a literal of a middleware's options that allows credentials,
// by what the sources of rs/cors 1.11, go-chi/cors 1.2, gin-contrib/cors 1.7
// and echo 4.16 do with it: a function of the project's own comes first,
// and "*" gives the header "*" with credentials beside it.
func corsOf(r *facts.Repo, g *facts.GoFile, s *facts.Site) (cors, facts.Pos) {
	for _, name := range []string{"AllowOriginFunc", "AllowOriginRequestFunc", "AllowOriginVaryRequestFunc", "AllowOriginWithContextFunc"} {
		if v, ok := s.Fields[name]; ok && v.Text != "nil" {
			if v.Text == facts.AlwaysTrue {
				return corsReflected, v.Pos
			}
			return corsFine, s.Pos
		}
	}
	origins, list := s.Fields["AllowedOrigins"], true
	lib := s.What[:strings.LastIndexByte(s.What, '.')]
	switch {
	case lib == "github.com/rs/cors", lib == "github.com/go-chi/cors":
		for _, e := range origins.Elems { // a pattern that is all but open
			if e.Text == "https://*" || e.Text == "http://*" {
				return corsReflected, e.Pos
			}
		}
	case lib == "github.com/gin-contrib/cors":
		if v := s.Fields["AllowAllOrigins"]; v.Text == "true" {
			return corsRefused, v.Pos
		}
		origins = s.Fields["AllowOrigins"]
	case strings.HasPrefix(lib, "github.com/labstack/echo/v4"):
		origins, list = s.Fields["AllowOrigins"], true
	default:
		return corsFine, s.Pos
	}
	for _, e := range origins.Elems {
		if e.Text != "*" || !list {
			continue
		}
		if strings.HasPrefix(lib, "github.com/labstack/echo/") && (s.Fields["UnsafeWildcardOriginWithAllowCredentials"].Text == "true" || echoReflects(r, g)) {
			return corsReflected, e.Pos
		}
		return corsRefused, e.Pos
	}
	return corsFine, s.Pos
}

// echoReflects reports whether the module requires an echo before v4.10.2,
// which answers "*" with the request's own origin if credentials are allowed
// (its changelog, #2405).
func echoReflects(r *facts.Repo, g *facts.GoFile) bool {
	m := r.ModuleAt(g.Dir)
	return m != nil && slices.ContainsFunc(m.Requires, func(q facts.Require) bool {
		return q.Path == "github.com/labstack/echo/v4" && semver.Compare(q.Version, "v4.10.2") < 0
	})
}

// ginAllOrigins finds x.AllowAllOrigins = true for the x of s, in the same
// function.
func ginAllOrigins(g *facts.GoFile, s *facts.Site) (facts.Pos, bool) {
	for i := range g.Sites {
		t := &g.Sites[i]
		if t.Kind != facts.SiteAssign || t.Func != s.Func || t.Recv != s.Recv {
			continue
		}
		if t.What == ".AllowAllOrigins" && t.Args[0].Text == "true" {
			return t.Args[0].Pos, true
		}
		if t.What == ".AllowOrigins" {
			for _, e := range t.Args[0].Elems {
				if e.Text == "*" {
					return e.Pos, true
				}
			}
		}
	}
	return facts.Pos{}, false
}
