package facts

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// readPins reads the Go versions of .go-version, .tool-versions and mise.toml.
func readPins(name, base, src string) []Pin {
	var out []Pin
	section := ""
	for i, l := range strings.Split(src, "\n") {
		text, _, _ := strings.Cut(l, "#")
		t := strings.TrimSpace(text)
		if t == "" {
			continue
		}
		pos := Pos{File: name, Line: i + 1, Column: 1 + len(l) - len(strings.TrimLeft(l, " \t"))}
		switch base {
		case ".go-version":
			return []Pin{{name, "go-version", Line{t, pos}, Line{t, pos}}}
		case ".tool-versions":
			if f := strings.Fields(t); len(f) > 1 && (f[0] == "golang" || f[0] == "go") {
				out = append(out, Pin{name, "tool-versions", Line{f[1], pos}, pinText(name, l, i, f[1])})
			}
		default:
			if strings.HasPrefix(t, "[") {
				section = strings.Trim(t, "[] ")
				continue
			}
			k, v, ok := strings.Cut(t, "=")
			k, v = strings.Trim(strings.TrimSpace(k), `"'`), strings.TrimSpace(v)
			if !ok || section != "tools" && section != "tools.go" || section == "tools" && k != "go" || section == "tools.go" && k != "version" {
				continue
			}
			if _, in, ok := strings.Cut(v, "version"); ok && strings.HasPrefix(v, "{") {
				_, v, _ = strings.Cut(in, "=")
				v, _, _ = strings.Cut(v, ",")
			}
			if v = strings.Trim(v, `"'{}[] `); v != "" {
				out = append(out, Pin{name, "mise", Line{v, pos}, pinText(name, l, i, v)})
			}
		}
	}
	return out
}

// pinText finds a version in its line, the i-th from 0, if it is there once.
func pinText(name, l string, i int, version string) Line {
	if strings.Count(l, version) != 1 {
		return Line{}
	}
	return Line{version, Pos{File: name, Line: i + 1, Column: 1 + strings.Index(l, version)}}
}

var envLine = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)

// readEnvFile reads NAME=value lines; all others are passed over.
func readEnvFile(name, src string) EnvFile {
	f := EnvFile{Path: name, Vars: map[string]Line{}}
	for i, l := range strings.Split(src, "\n") {
		m := envLine.FindStringSubmatch(strings.TrimRight(l, "\r"))
		if m == nil {
			continue
		}
		v := strings.TrimSpace(m[2])
		if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
			v = v[1 : len(v)-1]
		} else if j := strings.Index(v, " #"); j >= 0 {
			v = strings.TrimSpace(v[:j])
		}
		f.Vars[m[1]] = Line{v, Pos{File: name, Line: i + 1, Column: 1 + strings.Index(l, m[1])}}
	}
	return f
}

// constraintLike reports whether a comment is one that rules judge: a
// directive, or a build constraint as it must not be written.
func constraintLike(comment string) bool {
	if strings.HasPrefix(comment, "//go:") {
		return true
	}
	word := strings.TrimLeft(comment[2:], " \t")
	return strings.HasPrefix(word, "go:build ") || strings.HasPrefix(word, "+build ")
}

const ignoreMark = "slipway:ignore"

var ignoreLine = regexp.MustCompile(`(?:^|[ \t/#*])slipway:ignore[ \t]+([A-Z]+[0-9]+)(?:[ \t]+(.*?))?[ \t]*(?:\*/)?[ \t]*$`)

// isComment reports whether a line is blank or a comment that no rule judges.
func isComment(line string) bool {
	t := strings.TrimSpace(line)
	return t == "" || strings.HasPrefix(t, "//") && !constraintLike(t) || strings.HasPrefix(t, "#")
}

// readIgnores finds "slipway:ignore ID reason" comments, which begin with //
// or #. One that stands alone on its line speaks of the next line that is no
// comment.
func readIgnores(name string, src []byte) []Ignore {
	// The end of the mark: its first letter is rare, which makes this search
	// over all files twice as fast.
	if !bytes.Contains(src, []byte(ignoreMark[len("slip"):])) {
		return nil
	}
	var out []Ignore
	lines := strings.Split(string(src), "\n")
	next := 0 // the first line behind i that is no comment, once that was sought
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		m := ignoreLine.FindStringSubmatchIndex(l)
		if m == nil {
			continue
		}
		start := strings.Index(l, ignoreMark)
		before := strings.TrimSpace(l[:start])
		comment := strings.LastIndex(l[:start], "//")
		if path.Ext(name) != ".go" { // there # is text, as in the files that a test writes
			comment = max(comment, strings.LastIndex(l[:start], "#"))
		}
		if comment < 0 && !strings.HasSuffix(before, "/*") {
			continue // not in a comment: a string, a document
		}
		g := Ignore{ID: l[m[2]:m[3]], Pos: Pos{File: name, Line: i + 1, Column: start + 1}}
		if m[4] >= 0 {
			g.Reason = strings.TrimSpace(l[m[4]:m[5]])
		}
		g.Target = Pos{File: name, Line: i + 1}
		if strings.Trim(before, "#/* \t") == "" {
			if next <= i {
				next = i + 1
				for next < len(lines) && isComment(lines[next]) {
					next++
				}
			}
			if next < len(lines) {
				g.Target.Line = next + 1
			}
		}
		if out = append(out, g); len(out) == maxIgnores {
			break
		}
	}
	return out
}
