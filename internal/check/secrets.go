package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var imageSecret = Rule{
	ID: "IMG008", Slug: "image-secret", Severity: finding.Security, Confidence: Medium, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.img008.title"), Why: i18n.M("rule.img008.why"), Fix: i18n.M("rule.img008.fix"),
	Bad:  "ENV API_KEY=k9f2c7d81e60",
	Good: "RUN --mount=type=secret,id=api_key ./fetch",
	Run:  runImageSecret,
}

// runImageSecret finds secrets written into ARG and ENV lines: everybody who can
// pull the image, or read the repository, has them.
func runImageSecret(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[[2]string]bool{} // stages inherit ENV, and take over ARG
	report := func(d *facts.Dockerfile, word, name string, l facts.Line) {
		key := [2]string{d.Path, name}
		if !secretName(name) || !secretValue(l.Value) || seen[key] {
			return
		}
		seen[key] = true
		out = append(out, finding.Finding{
			Pos:     l.Pos,
			Entity:  name,
			Message: i18n.M("rule.img008.message", word, name),
			Fix:     i18n.M("rule.img008.mend", strings.ToLower(name)),
		})
	}
	for i := range r.Dockerfiles {
		d := &r.Dockerfiles[i]
		for _, name := range sortedKeys(d.Args) {
			report(d, "ARG", name, d.Args[name])
		}
	}
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		for _, name := range sortedKeys(s.Args) {
			report(d, "ARG", name, s.Args[name])
		}
		for _, name := range sortedKeys(s.Env) {
			report(d, "ENV", name, s.Env[name])
		}
	})
	return out
}

// secretName reports whether a variable of this name holds a secret itself,
// and not a file, a URL or a duration that has to do with one.
func secretName(name string) bool {
	name = strings.ToUpper(name)
	for _, end := range []string{"PASSWORD", "PASSWD", "TOKEN", "SECRET", "SECRET_KEY", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY"} {
		if name == end || strings.HasSuffix(name, "_"+end) {
			return true
		}
	}
	return name == "AWS_SECRET_ACCESS_KEY"
}

// secretValue reports whether v looks like a secret that somebody uses: long,
// of letters and digits, neither a reference nor a word that says it is none.
func secretValue(v string) bool {
	if len(v) < 8 || strings.ContainsAny(v, " $/<>{}\x00") {
		return false
	}
	low := strings.ToLower(v)
	for _, word := range []string{"password", "passwd", "changeme", "change-me", "change_me", "replace", "example", "secret", "dummy", "test", "placeholder", "your", "insert", "xxxx", "default", "token", "fake", "sample", "admin", "root", "none", "false", "true", "0000", "1234", "****", "todo"} {
		if strings.Contains(low, word) {
			return false
		}
	}
	return strings.ContainsAny(low, "0123456789") && strings.ContainsAny(low, "abcdefghijklmnopqrstuvwxyz")
}
