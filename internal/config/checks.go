package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// checkText holds one value of k against its rule. label is how the user
// wrote the key: image.user, --user or SLIPWAY_IMAGE_USER.
func (k key) checkText(label, s string) *fault.Error {
	bad := func(hint i18n.Message) *fault.Error {
		return fault.UsageError(i18n.M("config.value.bad", label, quote(s)), hint)
	}
	r := k.rule
	switch {
	case strings.ContainsRune(s, 0):
		return bad(i18n.M("config.form.nul"))
	case slices.Contains(r.enum, s):
		return nil
	case r.enum != nil && r.pattern == "":
		return bad(oneOf(s, r.enum))
	case r.pattern != "" && !matches(r.pattern, s):
		if near := Nearest(s, r.enum); near != "" {
			return bad(i18n.M("config.near", near))
		}
		return bad(r.form)
	}
	if r.check != nil {
		if hint := r.check(s); !hint.IsZero() {
			return bad(hint)
		}
	}
	return nil
}

// checkName holds one name of the table k against its rule.
func (k key) checkName(label, s string) *fault.Error {
	hint := k.rule.form
	ok := !strings.ContainsRune(s, 0) && (k.rule.names == "" || matches(k.rule.names, s))
	if ok && k.rule.checkName != nil {
		hint = k.rule.checkName(s)
		ok = hint.IsZero()
	}
	if ok {
		return nil
	}
	return fault.UsageError(i18n.M("config.name.bad", label, quote(s)), hint)
}

// quote shows what the user wrote, cut short where it would fill the screen.
func quote(s string) string { return strconv.Quote(short(s)) }

func short(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// matches compiles at each use: a run sees few settings, and compiling all
// patterns at start would cost every command.
func matches(pattern, s string) bool { return regexp.MustCompile(pattern).MatchString(s) }

func oneOf(s string, enum []string) i18n.Message {
	if near := Nearest(s, enum); near != "" {
		return i18n.M("config.near", near)
	}
	return i18n.M("config.oneOf", strings.Join(enum, ", "))
}

// checkUser keeps ids within 32 bits: chown takes no more.
func checkUser(s string) i18n.Message {
	for id := range strings.SplitSeq(s, ":") {
		if _, err := strconv.ParseUint(id, 10, 32); err != nil {
			return i18n.M("config.form.user")
		}
	}
	return i18n.Message{}
}

func checkPort(s string) i18n.Message {
	n, _, _ := strings.Cut(s, "/")
	if p, err := strconv.Atoi(n); err != nil || p < 1 || p > 65535 {
		return i18n.M("config.form.port")
	}
	return i18n.Message{}
}

// checkDuration: Docker refuses a health check shorter than a millisecond.
func checkDuration(s string) i18n.Message {
	if d, err := time.ParseDuration(s); err != nil || d < time.Millisecond {
		return i18n.M("config.form.duration")
	}
	return i18n.Message{}
}

func checkMode(s string) i18n.Message {
	if m, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32); err != nil || m > 0o7777 {
		return i18n.M("config.form.mode")
	}
	return i18n.Message{}
}

// checkOutput refuses a directory that holds the project: results are
// replaced there, and what is stale is removed.
func checkOutput(s string) i18n.Message {
	c := filepath.ToSlash(filepath.Clean(s))
	if c == "." || c == "/" || c == ".." || strings.HasSuffix(c, "/..") {
		return i18n.M("config.form.output")
	}
	return i18n.Message{}
}

// checkBuildEnv sends variables that have a key of their own there, so that
// one thing is never said in two places.
func checkBuildEnv(name string) i18n.Message {
	instead := map[string]string{
		"GOOS": "targets", "GOARCH": "targets", "CGO_ENABLED": "build.cgo", "CC": "build.cc",
		"GOFIPS140": "build.fips", "GOTOOLCHAIN": "go", "GOFLAGS": "build.tags, build.ldflags, build.gcflags",
	}
	if k, ok := instead[name]; ok {
		return i18n.M("config.env.instead", k)
	}
	return i18n.Message{}
}

// placeholders are what a value of build.stamp may ask for.
var placeholders = []string{"{version}", "{commit}", "{date}"}

var placeholder = `\{[A-Za-z]*\}`

func checkStamp(s string) i18n.Message {
	for _, p := range regexp.MustCompile(placeholder).FindAllString(s, -1) {
		if !slices.Contains(placeholders, p) {
			return oneOf(p, placeholders)
		}
	}
	return i18n.Message{}
}

// checkDatabase keeps a misspelt scheme from being taken for a directory.
func checkDatabase(s string) i18n.Message {
	scheme, rest, ok := strings.Cut(s, "://")
	if ok && (scheme != "https" && scheme != "http" || rest == "" || strings.HasPrefix(rest, "/")) {
		return i18n.M("config.form.database")
	}
	return i18n.Message{}
}
