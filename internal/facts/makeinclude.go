package facts

import "strings"

// maxMakeIncludes bounds makefiles that include makefiles.
const maxMakeIncludes = 8

// splice adds the lines of a makefile to out, with those of the files that it
// includes by a plain name in their place. What a condition includes is not
// read.
func (m *makeReader) splice(out, lines []string, name string, depth int) []string {
	if m.within == nil {
		m.within = map[string]bool{name: true}
	}
	nested := 0
	for i, l := range lines {
		if len(out) >= maxMakeLines {
			return out
		}
		out, m.from = append(out, l), append(m.from, Pos{File: name, Line: i + 1})
		word, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
		switch {
		case word == "endif":
			nested--
		case word != "else" && conditional(l):
			nested++
		}
		if word != "include" && word != "-include" && word != "sinclude" || nested > 0 || depth == 0 || strings.HasPrefix(l, "\t") || strings.HasSuffix(l, `\`) {
			continue
		}
		rest, _, _ = strings.Cut(rest, "#")
		for _, f := range strings.Fields(rest) {
			if strings.ContainsAny(f, "$*?[~") {
				continue
			}
			if path, src, ok := m.included(f); ok && !m.within[path] {
				m.within[path] = true
				out = m.splice(out, strings.Split(strings.ReplaceAll(src, "\r\n", "\n"), "\n"), path, depth-1)
			}
		}
	}
	return out
}

// place gives where the n-th line, from 1, stands.
func (m *makeReader) place(n int) Pos {
	if n <= len(m.from) {
		return m.from[n-1]
	}
	return Pos{File: m.name, Line: n}
}
