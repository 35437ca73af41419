package plan

import (
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// linkFlag is one flag of the linker with its value.
type linkFlag struct {
	name  string   // without dashes
	value string   // "" for a switch
	words []string // as they were written
}

// linkBools are the switches of `go tool link`: they take no word after them.
var linkBools = map[string]bool{
	"a": true, "asan": true, "aslr": true, "bindnow": true, "c": true, "checklinkname": true,
	"compressdwarf": true, "d": true, "debugnosplit": true, "debugtextsize": true, "debugtramp": true,
	"dumpdep": true, "f": true, "g": true, "h": true, "linkshared": true, "msan": true, "n": true,
	"pruneweakmap": true, "race": true, "s": true, "v": true, "w": true,
}

// parseLinkFlags reads build.ldflags: items hold one or several flags, quoted
// as in `go build -ldflags`.
func parseLinkFlags(items []string) ([]linkFlag, *fault.Error) {
	var words []string
	for _, item := range items {
		w, ok := splitQuoted(item)
		if !ok {
			return nil, wrong("build.ldflags", item, i18n.M("plan.ldflags.quote.hint"))
		}
		words = append(words, w...)
	}
	var out []linkFlag
	for i := 0; i < len(words); i++ {
		w := words[i]
		name := strings.TrimPrefix(strings.TrimPrefix(w, "-"), "-")
		if name == w || name == "" {
			return nil, wrong("build.ldflags", w, i18n.M("plan.ldflags.flag.hint"))
		}
		f := linkFlag{words: words[i : i+1]}
		var joined bool
		if f.name, f.value, joined = strings.Cut(name, "="); !joined && !linkBools[f.name] {
			if i+1 == len(words) {
				return nil, wrong("build.ldflags", w, i18n.M("plan.ldflags.value.hint"))
			}
			f.value, f.words = words[i+1], words[i:i+2]
			i++
		}
		switch f.name {
		case "o", "buildmode", "importcfg", "installsuffix", "tmpdir":
			return nil, wrong("build.ldflags", w, i18n.M("plan.ldflags.own.hint"))
		}
		out = append(out, f)
	}
	return out, nil
}

// splitQuoted parts s at white space as the go command does for its flags
// (cmd/internal/quoted.Split): a word may stand in single or double quotes
// from its first character on, and there is no escape within.
func splitQuoted(s string) ([]string, bool) {
	const space = " \t\r\n"
	var out []string
	for {
		s = strings.TrimLeft(s, space)
		if s == "" {
			return out, true
		}
		if q := s[0]; q == '"' || q == '\'' {
			end := strings.IndexByte(s[1:], q)
			if end < 0 {
				return nil, false
			}
			out, s = append(out, s[1:1+end]), s[end+2:]
			continue
		}
		end := strings.IndexAny(s, space)
		if end < 0 {
			end = len(s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
}

// joinQuoted is the inverse of splitQuoted; ok is false for a word that
// cannot be written.
func joinQuoted(words []string) (s string, ok bool) {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		q, ok := quoteWord(w)
		if !ok {
			return "", false
		}
		b.WriteString(q)
	}
	return b.String(), true
}

func quoteWord(w string) (string, bool) {
	switch {
	case strings.ContainsAny(w, "\x00\n\r"):
		return "", false
	case w != "" && !strings.ContainsAny(w, " \t'\""):
		return w, true
	case !strings.Contains(w, "'"):
		return "'" + w + "'", true
	case !strings.Contains(w, `"`):
		return `"` + w + `"`, true
	}
	return "", false
}
