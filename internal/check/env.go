package check

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// perSetting makes a Run of what is wrong with a single setting; a zero
// message says nothing is.
func perSetting(judge func(setting) i18n.Message) func(*facts.Repo) []finding.Finding {
	return func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, s := range settings(repo) {
			if m := judge(s); !m.IsZero() {
				out = append(out, finding.Finding{Pos: s.pos, Entity: entity(s.where, s.name+"="+s.value), Message: m})
			}
		}
		return out
	}
}

var sumdbOff = Rule{
	ID: "ENV001", Slug: "sumdb-off", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env001.title"),
	Why:   i18n.M("rule.env001.why"),
	Fix:   i18n.M("rule.env001.fix"),
	Bad:   "ENV GOSUMDB=off",
	Good:  "ENV GOPRIVATE=corp.example.com",
	Run: perSetting(func(s setting) (m i18n.Message) {
		if s.name == "GOSUMDB" && s.value == "off" {
			m = i18n.M("rule.env001.message")
		}
		return m
	}),
}

var sumdbForNothing = Rule{
	ID: "ENV002", Slug: "sumdb-for-nothing", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env002.title"),
	Why:   i18n.M("rule.env002.why"),
	Fix:   i18n.M("rule.env002.fix"),
	Bad:   "ENV GONOSUMDB=*",
	Good:  "ENV GONOSUMDB=corp.example.com",
	Run: perSetting(func(s setting) (m i18n.Message) {
		switch {
		case s.name == "GONOSUMCHECK": // a name that articles have; the go command reads no such variable
			m = i18n.M("rule.env002.nosuch", s.name)
		case (s.name == "GONOSUMDB" || s.name == "GOPRIVATE") && slices.Contains(patterns(s.value), "*"):
			m = i18n.M("rule.env002.message", s.name, s.value)
		}
		return m
	}),
}

var sumdbMalformed = Rule{
	ID: "ENV003", Slug: "sumdb-malformed", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.env003.title"),
	Why:   i18n.M("rule.env003.why"),
	Fix:   i18n.M("rule.env003.fix"),
	Bad:   "ENV GOSUMDB=sumdb.corp.example.com",
	Good:  "ENV GOSUMDB=\"sumdb.corp.example.com+0c2d8a6f+AfVzqb… https://sumdb.corp.example.com\"",
	Run: perSetting(func(s setting) (m i18n.Message) {
		if s.name == "GOSUMDB" && s.value != "off" && !verifierKey(s.value) {
			m = i18n.M("rule.env003.message", s.value)
		}
		return m
	}),
}

// verifierKey reports whether the go command can make a verifier of a GOSUMDB:
// a name that is built in, or name+hash+key as golang.org/x/mod/sumdb/note
// defines it; a URL may follow.
func verifierKey(v string) bool {
	fields := strings.Fields(v)
	if len(fields) == 0 || len(fields) > 2 {
		return false
	}
	if strings.HasPrefix(fields[0], "sum.golang.") { // the two names that are built in begin so
		return true
	}
	parts := strings.SplitN(fields[0], "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+32 || key[0] != 1 { // algorithm 1 is Ed25519
		return false
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	return parts[1] == fmt.Sprintf("%08x", binary.BigEndian.Uint32(sum[:]))
}

var proxyQuery = Rule{
	ID: "ENV004", Slug: "proxy-query", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.env004.title"),
	Why:   i18n.M("rule.env004.why"),
	Fix:   i18n.M("rule.env004.fix"),
	Bad:   "ENV GOPROXY=https://goproxy.example.com?timeout=5s&maxfail=3",
	Good:  "ENV GOPROXY=https://goproxy.example.com|https://mirror.example.com",
	Run: perSetting(func(s setting) (m i18n.Message) {
		for _, u := range proxies(s) {
			if u.RawQuery != "" {
				return i18n.M("rule.env004.message", u.RawQuery)
			}
		}
		return m
	}),
}

var proxyPlain = Rule{
	ID: "ENV005", Slug: "proxy-plain-http", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env005.title"),
	Why:   i18n.M("rule.env005.why"),
	Fix:   i18n.M("rule.env005.fix"),
	Bad:   "ENV GOPROXY=http://goproxy.example.com",
	Good:  "ENV GOPROXY=https://goproxy.example.com",
	Run: perSetting(func(s setting) (m i18n.Message) {
		for _, u := range proxies(s) {
			if u.Scheme == "http" && !near(u.Hostname()) {
				return i18n.M("rule.env005.message", u.Hostname())
			}
		}
		return m
	}),
}

// proxies gives the URLs of a GOPROXY list.
func proxies(s setting) []*url.URL {
	if s.name != "GOPROXY" {
		return nil
	}
	var out []*url.URL
	for p := range strings.FieldsFuncSeq(s.value, func(r rune) bool { return r == ',' || r == '|' }) {
		if u, err := url.Parse(strings.TrimSpace(p)); err == nil && u.Host != "" {
			out = append(out, u)
		}
	}
	return out
}

// near reports whether a host is this machine or named by a network that is
// private to the build, such as a service of the same compose file.
func near(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".svc")
}

var insecure = Rule{
	ID: "ENV006", Slug: "goinsecure", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env006.title"),
	Why:   i18n.M("rule.env006.why"),
	Fix:   i18n.M("rule.env006.fix"),
	Bad:   "ENV GOINSECURE=git.corp.example.com",
	Good:  "COPY corp-ca.crt /usr/local/share/ca-certificates/\nRUN update-ca-certificates",
	Run: perSetting(func(s setting) (m i18n.Message) {
		if s.name == "GOINSECURE" && s.value != "none" {
			m = i18n.M("rule.env006.message", s.value)
		}
		return m
	}),
}

var modulesOff = Rule{
	ID: "ENV007", Slug: "modules-off", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.env007.title"),
	Why:   i18n.M("rule.env007.why"),
	Fix:   i18n.M("rule.env007.fix"),
	Bad:   "ENV GO111MODULE=off\nRUN go build -o /app .",
	Good:  "RUN go build -o /app .",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, b := range repo.Builds() {
			if b.Module == nil || b.Go.Verb != "build" && b.Go.Verb != "install" || b.Go.Env["GO111MODULE"] != "off" || triedBothWays(repo, b) {
				continue
			}
			out = append(out, finding.Finding{
				Pos: b.Go.Pos, Entity: entity("go", b.Go.Verb, b.Module.Path, strings.Join(b.Packages, " ")), Message: i18n.M("rule.env007.message"),
				Evidence: []finding.Evidence{{Pos: b.Module.Pos, Text: i18n.M("rule.env007.module", b.Module.Path)}},
			})
		}
		return out
	},
}

// triedBothWays reports whether the line of a build runs the go command with
// modules as well, for when it fails without.
func triedBothWays(repo *facts.Repo, b facts.Build) bool {
	for _, p := range places(repo) {
		if slices.ContainsFunc(p.commands, func(c facts.Command) bool {
			return c.Pos.File == b.Go.Pos.File && c.Pos.Line == b.Go.Pos.Line && c.Env["GO111MODULE"] == "on"
		}) {
			return true
		}
	}
	return false
}

var modMod = Rule{
	ID: "ENV008", Slug: "goflags-mod-mod", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env008.title"),
	Why:   i18n.M("rule.env008.why"),
	Fix:   i18n.M("rule.env008.fix"),
	Bad:   "env:\n  GOFLAGS: -mod=mod",
	Good:  "env:\n  GOFLAGS: -mod=readonly",
	Run: perSetting(func(s setting) (m i18n.Message) {
		if s.name != "GOFLAGS" || !s.build {
			return m
		}
		for f := range strings.FieldsSeq(s.value) {
			if strings.HasPrefix(strings.TrimLeft(f, "-"), "modfile=") {
				return i18n.Message{} // it changes a file that was made for this
			}
			if strings.TrimLeft(f, "-") == "mod=mod" {
				m = i18n.M("rule.env008.message", s.value)
			}
		}
		return m
	}),
}

var privateLeak = Rule{
	ID: "ENV009", Slug: "private-contradiction", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.env009.title"),
	Why:   i18n.M("rule.env009.why"),
	Fix:   i18n.M("rule.env009.fix"),
	Bad:   "ENV GOPRIVATE=corp.example.com GONOSUMDB=github.com/corp",
	Good:  "ENV GOPRIVATE=corp.example.com,github.com/corp",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		seen := map[string]bool{}
		for _, s := range scopes(repo) {
			private := s.vars["GOPRIVATE"]
			sums, ok := s.vars["GONOSUMDB"]
			if !ok || !literal(private.Value) || !literal(sums.Value) || sums.Value == "" || s.vars["GOSUMDB"].Value == "off" {
				continue
			}
			var open []string
			for _, p := range patterns(private.Value) {
				if !covered(p, patterns(sums.Value)) {
					open = append(open, p)
				}
			}
			key := sums.Pos.File + " " + sums.Value // a job has what its workflow has
			if len(open) == 0 || seen[key] {
				continue
			}
			seen[key] = true
			out = append(out, finding.Finding{
				Pos: sums.Pos, Entity: entity(s.where, "GONOSUMDB="+sums.Value), Message: i18n.M("rule.env009.message", sums.Value, strings.Join(open, ",")),
				Evidence: []finding.Evidence{{Pos: private.Pos, Text: i18n.M("rule.env009.private", private.Value)}},
			})
		}
		return out
	},
}

// patterns splits a list as module.MatchPrefixPatterns does.
func patterns(list string) []string {
	var out []string
	for p := range strings.SplitSeq(list, ",") {
		if p = strings.TrimSuffix(strings.TrimSpace(p), "/"); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// covered reports whether everything that pattern p matches is matched by one
// of list: it is there, or begins with one that is.
func covered(p string, list []string) bool {
	elems := strings.Split(p, "/")
	for _, q := range list {
		n := strings.Count(q, "/") + 1
		if n > len(elems) {
			continue
		}
		head := strings.Join(elems[:n], "/")
		if head == q {
			return true
		}
		if ok, err := path.Match(q, head); ok && err == nil {
			return true
		}
	}
	return false
}
