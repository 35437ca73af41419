package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var sessionCookie = Rule{
	ID: "WEB002", Slug: "session-cookie", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.web002.title"), Why: i18n.M("rule.web002.why"), Fix: i18n.M("rule.web002.fix"),
	Bad:  "http.SetCookie(w, &http.Cookie{Name: \"session_id\", Value: id})",
	Good: "http.SetCookie(w, &http.Cookie{Name: \"session_id\", Value: id, Path: \"/\",\n\tHttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})",
	Run:  runCookies,
}

func runCookies(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if len(g.Sites) == 0 || g.Generated || !shipped(g) {
			continue
		}
		for k := range g.Sites {
			s := &g.Sites[k]
			var name facts.Value
			var missing []string
			switch {
			case s.What == "net/http.Cookie" && s.Kind == facts.SiteLiteral && setsCookie(g, s):
				name = s.Fields["Name"]
				if deletes(s) {
					continue
				}
				for _, f := range []string{"HttpOnly", "Secure"} {
					v, ok := s.Fields[f]
					if f == "Secure" && v.Text == "false" && servesOwnHost(r, g.Dir) {
						continue // meant: there is no TLS, nor a line to listen on
					}
					if (!ok || v.Text == "false") && !assigned(g, s.Func, "."+f) {
						missing = append(missing, f)
					}
				}
			case s.What == ".SetCookie" && len(s.Args) == 7: // gin: name, value, age, path, domain, secure, httpOnly
				name = s.Args[0]
				if s.Args[1].Text == "" || strings.HasPrefix(s.Args[2].Text, "-") {
					continue
				}
				for j, f := range map[int]string{6: "HttpOnly", 5: "Secure"} {
					if s.Args[j].Text == "false" {
						missing = append(missing, f)
					}
				}
				slices.Sort(missing)
			}
			if len(missing) == 0 || !sessionLike(name.Text) {
				continue
			}
			out = append(out, finding.Finding{
				Pos: s.Pos, Entity: entity("cookie", name.Text, s.Func), Message: i18n.M("rule.web002.message", name.Text, strings.Join(missing, ", ")),
			})
		}
	}
	return out
}

// setsCookie reports whether the function of a cookie's literal gives it to a
// browser; one that adds it to a request is a client.
func setsCookie(g *facts.GoFile, cookie *facts.Site) bool {
	sets := false
	for i := range g.Sites {
		if s := &g.Sites[i]; s.Func == cookie.Func {
			switch s.What {
			case ".AddCookie":
				return false
			case "net/http.SetCookie", ".SetCookie":
				sets = true
			}
		}
	}
	return sets
}

// deletes reports whether a literal takes a cookie away from the browser.
func deletes(s *facts.Site) bool {
	age, value := s.Fields["MaxAge"].Text, s.Fields["Value"]
	_, hasValue := s.Fields["Value"]
	_, expires := s.Fields["Expires"]
	return strings.HasPrefix(age, "-") || hasValue && value.Text == "" || !hasValue && expires || strings.HasPrefix(s.Fields["Expires"].Text, "time.Unix")
}

// servesOwnHost reports whether the only listeners of a package are for its
// own host.
func servesOwnHost(r *facts.Repo, dir string) bool {
	local := false
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; g.Dir == dir && !g.Test {
			if hasSite(g, serving...) {
				return false
			}
			local = local || localListener(g)
		}
	}
	return local
}

func assigned(g *facts.GoFile, fn, field string) bool {
	return slices.ContainsFunc(g.Sites, func(s facts.Site) bool { return s.Kind == facts.SiteAssign && s.What == field && s.Func == fn })
}

// sessionLike reports whether who holds the cookie is the user. A CSRF token
// is for scripts to read; a name that is not literal says nothing.
func sessionLike(name string) bool {
	if !facts.Literal(name) || strings.Contains(name, ".") {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '-' || c == '_' })
	for _, w := range words {
		switch w {
		case "csrf", "xsrf", "csrftoken", "xsrftoken", "state", "theme", "lang", "locale", "expires", "exp", "name", "hint":
			return false
		}
	}
	return slices.ContainsFunc(words, func(w string) bool {
		switch w {
		case "session", "sess", "sessionid", "sid", "jwt", "auth", "authtoken", "accesstoken", "access", "refreshtoken", "authorization", "sessiontoken", "login":
			return true
		}
		return false
	}) || slices.Contains([]string{"token", "id_token", "auth_token", "sessionid"}, strings.ToLower(name))
}
