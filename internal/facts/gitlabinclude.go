package facts

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on a GitLab configuration, those of GitLab itself or above.
const (
	maxIncludes     = 150     // files of one configuration
	maxIncludeDepth = 20      // files that include files
	maxExtends      = 11      // levels
	maxReferences   = 10      // levels
	maxGitLabWork   = 1 << 18 // nodes that are made or followed
)

// gitlabFile is a configuration with the files of the repository that it
// includes, put together as GitLab does: mappings are merged, what is
// included last wins over what came before, and the file itself over all.
type gitlabFile struct {
	yamlFile
	near    nearby
	seen    map[string]bool // files
	top     map[string]*yaml.Node
	done    map[*yaml.Node]settledJob
	left    int // of maxGitLabWork
	ignores []Ignore
}

// settledJob is a job with all that it extends.
type settledJob struct {
	node  *yaml.Node
	whole bool // nothing of it is elsewhere
}

// openGitLab parses a configuration and what it includes.
func openGitLab(name string, src []byte, near nearby) (*gitlabFile, error) {
	f, err := parseGitLab(name, src)
	if err != nil {
		return nil, err
	}
	if f.root == nil || f.root.Kind != yaml.MappingNode {
		return nil, errors.New("not a mapping")
	}
	f.home = map[*yaml.Node]*yamlFile{}
	g := &gitlabFile{yamlFile: f, near: near, seen: map[string]bool{name: true}, done: map[*yaml.Node]settledJob{}, left: maxGitLabWork}
	g.root = g.gather(f, maxIncludeDepth)
	g.top = map[string]*yaml.Node{}
	for _, e := range entries(g.root) {
		if _, ok := g.top[e[0].Value]; !ok {
			g.top[e[0].Value] = deref(e[1])
		}
	}
	return g, nil
}

// parseGitLab parses one file. A first document with spec is the head of the
// second.
func parseGitLab(name string, src []byte) (yamlFile, error) {
	f := yamlFile{name: name, lines: strings.Split(string(src), "\n")}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for range 2 {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return yamlFile{}, err
		}
		if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
			f.root = doc.Content[0]
		}
		if get(f.root, "spec") == nil {
			break
		}
	}
	return f, nil
}

// gather gives the content of f over that of the files it includes.
func (g *gitlabFile) gather(f yamlFile, depth int) *yaml.Node {
	if depth == 0 {
		return f.root
	}
	var below *yaml.Node
	for _, name := range g.includes(f) {
		if g.seen[name] || len(g.seen) > maxIncludes {
			continue
		}
		g.seen[name] = true
		src := g.near.read(name)
		if src == nil {
			continue
		}
		inc, err := parseGitLab(name, src)
		if err != nil || inc.root == nil || inc.root.Kind != yaml.MappingNode {
			continue
		}
		g.settle(inc.root, &inc)
		g.ignores = append(g.ignores, readIgnores(name, src)...)
		below = g.merge(below, g.gather(inc, depth-1), 4)
	}
	return g.merge(below, f.root, 4)
}

// settle notes which file a node and those below it stand in.
func (g *gitlabFile) settle(n *yaml.Node, f *yamlFile) {
	g.home[n] = f
	for _, c := range n.Content {
		g.settle(c, f)
	}
}

// includes gives the files of the repository that f includes. What a variable
// names, or lies elsewhere, is not known.
func (g *gitlabFile) includes(f yamlFile) []string {
	var out []string
	for _, it := range items(get(f.root, "include")) {
		l := f.line(it)
		if it = deref(it); it != nil && it.Kind == yaml.MappingNode {
			l = f.line(get(it, "local"))
		}
		if l.Value == "" || strings.ContainsAny(l.Value, "$:") || path.Ext(l.Value) != ".yml" && path.Ext(l.Value) != ".yaml" {
			continue
		}
		out = append(out, g.near.match(l.Value)...)
		if len(out) > maxIncludes {
			break
		}
	}
	return out
}

// merge lays over upon under; mappings become one, all else is replaced.
func (g *gitlabFile) merge(under, over *yaml.Node, depth int) *yaml.Node {
	under, over = deref(under), deref(over)
	switch {
	case over == nil:
		return under
	case under == nil || under.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode || depth == 0 || g.left < 0:
		return over
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: over.Line, Column: over.Column}
	if h := g.home[over]; h != nil {
		g.home[out] = h
	}
	at, mine := map[string]int{}, map[string]bool{}
	for _, e := range entries(under) {
		if _, ok := at[e[0].Value]; !ok {
			at[e[0].Value] = len(out.Content)
			out.Content = append(out.Content, e[0], e[1])
		}
	}
	for _, e := range entries(over) {
		k := e[0].Value
		i, ok := at[k]
		switch {
		case mine[k]:
		case ok:
			out.Content[i], out.Content[i+1] = e[0], g.merge(out.Content[i+1], e[1], depth-1)
		default:
			out.Content = append(out.Content, e[0], e[1])
		}
		mine[k] = true
	}
	g.left -= len(out.Content)
	return out
}

// job gives a job with all that it extends, of which the last wins.
func (g *gitlabFile) job(n *yaml.Node, levels int) settledJob {
	if s, ok := g.done[n]; ok {
		return s
	}
	s := settledJob{n, true}
	g.done[n] = settledJob{n, false} // for one that extends itself
	parents := g.scalars(g.refer(get(n, "extends"), maxReferences))
	if len(parents) > 0 && (levels == 0 || len(parents) > maxExtends) {
		return settledJob{n, false}
	}
	var below *yaml.Node
	for _, p := range parents {
		parent := g.top[p.Value]
		if parent == nil || parent.Kind != yaml.MappingNode {
			s.whole = false
			continue
		}
		ps := g.job(parent, levels-1)
		s.whole = s.whole && ps.whole
		below = g.merge(below, ps.node, 3)
	}
	s.node = g.merge(below, n, 3)
	g.done[n] = s
	return s
}

// refer follows !reference [job, key, …]; nil if that is not there.
func (g *gitlabFile) refer(n *yaml.Node, levels int) *yaml.Node {
	n = deref(n)
	if n == nil || n.Tag != "!reference" {
		return n
	}
	if g.left--; levels == 0 || g.left < 0 || n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil
	}
	at := g.top[n.Content[0].Value]
	if at != nil && at.Kind == yaml.MappingNode {
		at = g.job(at, maxExtends).node
	}
	for _, k := range n.Content[1:] {
		if at = g.refer(get(at, k.Value), levels-1); at == nil {
			return nil
		}
	}
	return g.refer(at, levels-1)
}

// eachLine visits the lines of a script, whose lists may be nested; nil
// stands for a reference to what is not known.
func (g *gitlabFile) eachLine(n *yaml.Node, levels int, visit func(line, reference *yaml.Node)) {
	n = deref(n)
	if g.left--; n == nil || levels == 0 || g.left < 0 {
		return
	}
	switch {
	case n.Tag == "!reference":
		if to := g.refer(n, maxReferences); to != nil {
			g.eachLine(to, levels-1, visit)
		} else {
			visit(nil, n)
		}
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			g.eachLine(c, levels-1, visit)
		}
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		visit(n, nil)
	}
}

// inherits reports whether a job takes a key of what inherit speaks of:
// default or variables.
func inherits(job *yaml.Node, what, key string) bool {
	n := get(get(job, "inherit"), what)
	switch {
	case n == nil:
		return true
	case n.Kind == yaml.SequenceNode:
		return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Value == key })
	}
	return n.Value != "false"
}
