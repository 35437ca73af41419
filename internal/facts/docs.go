package facts

import (
	"bytes"
	"strings"
)

// tellsUsers reports whether a Markdown file is one in which users read how to
// install the program.
func tellsUsers(dir, base string) bool {
	return strings.HasPrefix(base, "README") || strings.HasPrefix(base, "INSTALL") ||
		dir == "docs/" && strings.Contains(strings.ToLower(base), "install")
}

// readInstalls reads the "go install path@version" and "go run path@version"
// of a Markdown file, each with the place of the path.
func readInstalls(name string, src []byte) []Line {
	if !bytes.Contains(src, []byte("go install ")) && !bytes.Contains(src, []byte("go run ")) {
		return nil
	}
	var out []Line
	n := 0
	for l := range strings.Lines(string(src)) {
		n++
		for _, verb := range []string{"go install ", "go run "} {
			before, rest, ok := strings.Cut(l, verb)
			if !ok || before != "" && strings.ContainsRune("abcdefghijklmnopqrstuvwxyz-_/", rune(before[len(before)-1])) {
				continue
			}
			column := len(before) + len(verb) + 1
			for w := range strings.FieldsSeq(rest) {
				w = strings.Trim(w, "`'\".,;()")
				if strings.HasPrefix(w, "-") {
					continue // a flag
				}
				if strings.Contains(w, "@") && strings.Contains(w, ".") {
					out = append(out, Line{w, Pos{File: name, Line: n, Column: column + strings.Index(rest, w)}})
				}
				break
			}
		}
	}
	return out
}
