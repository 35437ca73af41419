package facts

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// ciExpression begins what stands for a ${{ expression }} in shell text.
const ciExpression = "${CI_EXPRESSION_"

// yamlFile is a YAML document with what is needed to tell places in it.
type yamlFile struct {
	name  string
	lines []string
	root  *yaml.Node
	above int                      // lines of the file above the document
	home  map[*yaml.Node]*yamlFile // the file of a node that is not of this one
}

// of gives the file that a node stands in.
func (f yamlFile) of(n *yaml.Node) yamlFile {
	if o := f.home[n]; o != nil {
		return *o
	}
	return f
}

func parseYAML(name string, src []byte) (yamlFile, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return yamlFile{}, err
	}
	f := yamlFile{name: name, lines: strings.Split(string(src), "\n")}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		f.root = doc.Content[0]
	}
	return f, nil
}

func (f yamlFile) pos(n *yaml.Node) Pos {
	f = f.of(n)
	return Pos{File: f.name, Line: f.above + n.Line, Column: n.Column}
}

func (f yamlFile) line(n *yaml.Node) Line {
	if n = deref(n); n == nil || n.Kind != yaml.ScalarNode {
		return Line{}
	}
	return Line{n.Value, f.pos(n)}
}

// written gives a scalar as it stands in the file, with its quotes; zero if
// it is not all of it on one line.
func (f yamlFile) written(n *yaml.Node) Line {
	l := f.line(n)
	f = f.of(deref(n))
	if n = deref(n); l.Value == "" || n.Line < 1 || n.Line > len(f.lines) {
		return Line{}
	}
	text := l.Value
	switch n.Style &^ yaml.TaggedStyle {
	case 0:
	case yaml.SingleQuotedStyle:
		text = "'" + text + "'"
	case yaml.DoubleQuotedStyle:
		text = `"` + text + `"`
	default:
		return Line{}
	}
	if line := f.lines[n.Line-1]; n.Column < 1 || n.Column > len(line) || !strings.HasPrefix(line[n.Column-1:], text) {
		return Line{} // escapes, a tag, or columns of runes
	}
	return Line{text, l.Pos}
}

// unquoted is line with the place of the text itself, behind its quote.
func (f yamlFile) unquoted(n *yaml.Node) Line {
	l := f.line(n)
	if w := f.written(n); len(w.Value) > len(l.Value) {
		l.Pos.Column++
	}
	return l
}

// deref follows an alias.
func deref(n *yaml.Node) *yaml.Node {
	for range 10 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// maxMerges bounds what one merge key brings in, and maxJobs the jobs of one
// file: alias bombs end here.
const (
	maxMerges = 20
	maxJobs   = 500
)

// entries gives the pairs of a mapping in order, those of merge keys last.
func entries(n *yaml.Node) [][2]*yaml.Node { return mergedEntries(n, 3) }

func mergedEntries(n *yaml.Node, depth int) [][2]*yaml.Node {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	var out, merged [][2]*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Tag != "!!merge" {
			out = append(out, [2]*yaml.Node{k, v})
			continue
		}
		for j, m := range items(v) {
			if j == maxMerges {
				break
			}
			merged = append(merged, mergedEntries(m, depth-1)...)
		}
	}
	return append(out, merged...)
}

// get gives the value of a key, nil if it is not there.
func get(n *yaml.Node, key string) *yaml.Node { return getMerged(n, key, 3) }

func getMerged(n *yaml.Node, key string, depth int) *yaml.Node {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return deref(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		for j, m := range items(n.Content[i+1]) {
			if j == maxMerges {
				break
			}
			if v := getMerged(m, key, depth-1); v != nil {
				return v
			}
		}
	}
	return nil
}

// items gives the items of a sequence, or the one value in place of it.
func items(n *yaml.Node) []*yaml.Node {
	n = deref(n)
	switch {
	case n == nil || n.Tag == "!!null":
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	}
	return []*yaml.Node{n}
}

// scalars gives the scalars of a sequence, or the one scalar.
func (f yamlFile) scalars(n *yaml.Node) []Line {
	var out []Line
	for _, it := range items(n) {
		if l := f.line(it); l.Pos.File != "" {
			out = append(out, l)
		}
	}
	return out
}

// table gives a mapping of scalars.
func (f yamlFile) table(n *yaml.Node) map[string]Line {
	var out map[string]Line
	for _, e := range entries(n) {
		l := f.line(e[1])
		if l.Pos.File == "" {
			continue
		}
		if out == nil {
			out = map[string]Line{}
		}
		if _, ok := out[e[0].Value]; !ok {
			out[e[0].Value] = l
		}
	}
	return out
}

// textAt gives the place in the file of a line and column of a scalar's text.
func (f yamlFile) textAt(n *yaml.Node) func(line, column int) Pos {
	f = f.of(n)
	switch n.Style &^ (yaml.TaggedStyle) {
	case yaml.LiteralStyle, yaml.FoldedStyle:
		indent := 0
		for i := n.Line; i < len(f.lines); i++ { // n.Line, from 1, is the line of the "|"
			if t := strings.TrimLeft(f.lines[i], " "); strings.TrimSpace(t) != "" {
				indent = len(f.lines[i]) - len(t)
				break
			}
		}
		if n.Style&yaml.FoldedStyle != 0 {
			// Lines are joined; the first one is as near as it gets.
			return func(int, int) Pos { return Pos{File: f.name, Line: n.Line + 1, Column: indent + 1} }
		}
		return func(line, column int) Pos {
			return Pos{File: f.name, Line: n.Line + line, Column: indent + column}
		}
	}
	quote := 0
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		quote = 1
	}
	return func(line, column int) Pos {
		if line > 1 {
			return Pos{File: f.name, Line: n.Line + line - 1}
		}
		return Pos{File: f.name, Line: n.Line, Column: n.Column + quote + column - 1}
	}
}

// hideExpressions replaces every ${{ … }} by a shell variable that nobody
// sets, of the same length so that columns stay.
func hideExpressions(s string) string { return hideBetween(s, "${{", "}}") }

func hideBetween(s, from, to string) string {
	if !strings.Contains(s, from) {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, from)
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], to)
		if j < 0 {
			break
		}
		b.WriteString(s[:i])
		b.WriteString(ciExpression)
		b.WriteString(strings.Repeat("_", max(0, j+2-len(ciExpression)-1)))
		b.WriteString("}")
		s = s[i+j+2:]
	}
	b.WriteString(s)
	return b.String()
}

// literalEnv makes an environment of tables, later ones winning. A value with
// an expression or a variable in it is not known.
func literalEnv(tables ...map[string]Line) map[string]string {
	env := map[string]string{}
	for _, t := range tables {
		for k, l := range t {
			if strings.Contains(l.Value, "$") {
				env[k] = NotLiteral
			} else {
				env[k] = l.Value
			}
		}
	}
	return env
}
