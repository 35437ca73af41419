package verify

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// secretName is the end of a variable's name that says its value is a secret.
var secretName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|_)(password|passwd|passphrase|secret|secret_key|api_key|apikey|access_key|private_key|auth_token|access_token|token)$`)
})

// secretValue is what begins, or is, a secret of a well-known kind.
var secretValue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^AKIA[0-9A-Z]{16}$|^gh[pousr]_[0-9A-Za-z]{30,}|^github_pat_|^xox[abprs]-[0-9A-Za-z-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|^[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@$<{]{3,}@`)
})

// stands are values that stand for one which is given at run time.
var stands = []string{"changeme", "change-me", "none", "null", "true", "false", "redacted", "password", "secret", "example", "xxx", "***"}

// secret reports whether a variable of an image seems to hold a secret. Paths,
// references and what merely stands for a value are none.
func secret(name, value string) bool {
	if secretValue().MatchString(value) {
		return true
	}
	if !secretName().MatchString(name) || len(value) < 6 || strings.ContainsAny(value, " $<{%") || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "file:") {
		return false
	}
	return !slices.ContainsFunc(stands, func(s string) bool { return strings.EqualFold(value, s) }) && strings.Trim(value, "x*X.-") != ""
}

// masked gives an environment to show, without what seems to be secret: a
// report is read by more people than an image is pulled by.
func masked(env []string) []string {
	out := slices.Clone(env)
	for i, kv := range out {
		if name, value, _ := strings.Cut(kv, "="); secret(name, value) {
			out[i] = name + "=…"
		}
	}
	return out
}
