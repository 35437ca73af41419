package facts

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellReader follows a syntax tree and collects its simple commands.
type shellReader struct {
	at    func(line, column int) Pos
	src   string
	out   []Command
	spent int // bytes of words so far
}

func (r *shellReader) stmts(list []*syntax.Stmt, s *shellState) {
	for _, st := range list {
		r.stmt(st, s)
	}
}

func (r *shellReader) stmt(st *syntax.Stmt, s *shellState) {
	if st == nil || st.Cmd == nil {
		return
	}
	if st.Background || st.Coprocess {
		s = s.clone()
	}
	r.command(st.Cmd, s)
}

// branch reads statements that may or may not run.
func (r *shellReader) branch(s *shellState, lists ...[]*syntax.Stmt) {
	var after []*shellState
	for _, l := range lists {
		b := s.clone()
		r.stmts(l, b)
		after = append(after, b)
	}
	for _, b := range after {
		s.join(b)
	}
}

func (r *shellReader) command(c syntax.Command, s *shellState) {
	switch c := c.(type) {
	case *syntax.CallExpr:
		r.call(c, s)
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.AndStmt:
			r.stmt(c.X, s)
			r.stmt(c.Y, s)
		case syntax.OrStmt:
			r.stmt(c.X, s)
			r.branch(s, []*syntax.Stmt{c.Y})
		default: // every part of a pipeline is a shell of its own
			r.stmt(c.X, s.clone())
			r.stmt(c.Y, s.clone())
		}
	case *syntax.Subshell:
		r.stmts(c.Stmts, s.clone())
	case *syntax.Block:
		r.stmts(c.Stmts, s)
	case *syntax.IfClause:
		r.ifClause(c, s)
	case *syntax.WhileClause:
		r.branch(s, slices.Concat(c.Cond, c.Do))
	case *syntax.ForClause:
		if w, ok := c.Loop.(*syntax.WordIter); ok && w.Name != nil {
			s.set(w.Name.Value, NotLiteral)
		}
		r.branch(s, c.Do)
	case *syntax.CaseClause:
		var lists [][]*syntax.Stmt
		for _, it := range c.Items {
			lists = append(lists, it.Stmts)
		}
		r.branch(s, lists...)
	case *syntax.DeclClause:
		r.decl(c, s)
	case *syntax.TimeClause:
		r.stmt(c.Stmt, s)
	case *syntax.FuncDecl:
		// It runs when it is called, from wherever that is.
		b := s.clone()
		b.dir = ""
		r.stmt(c.Body, b)
	}
}

func (r *shellReader) ifClause(c *syntax.IfClause, s *shellState) {
	var lists [][]*syntax.Stmt
	for ; c != nil; c = c.Else {
		lists = append(lists, slices.Concat(c.Cond, c.Then))
	}
	r.branch(s, lists...)
}

func (r *shellReader) decl(c *syntax.DeclClause, s *shellState) {
	exports := c.Variant.Value == "export"
	for _, a := range c.Args {
		if a.Name == nil {
			if w := r.word(a.Value, s); len(w) == 1 && strings.HasPrefix(w[0], "-") && strings.Contains(w[0], "x") {
				exports = true
			}
			continue
		}
		if !a.Naked {
			s.set(a.Name.Value, r.value(a, s))
			s.at = statedAt(s.at, a.Name.Value, r.at(int(a.Pos().Line()), int(a.Pos().Col())))
		}
		if exports {
			s.export(a.Name.Value)
		}
	}
}

// value is what an assignment assigns.
func (r *shellReader) value(a *syntax.Assign, s *shellState) string {
	if a.Array != nil || a.Index != nil {
		return NotLiteral
	}
	v := ""
	if a.Value != nil {
		v = r.parts(a.Value.Parts, s, nil)
	}
	if a.Append {
		old, ok := s.get(a.Name.Value)
		if !ok {
			old = NotLiteral // whatever the environment holds
		}
		v = old + v
	}
	return bounded(v)
}

func (r *shellReader) call(c *syntax.CallExpr, s *shellState) {
	env, stated := s.snapshot(), s.at
	if len(c.Assigns) > 0 && len(c.Args) > 0 {
		env = maps.Clone(env)
	}
	for _, a := range c.Assigns {
		v := r.value(a, s)
		at := r.at(int(a.Pos().Line()), int(a.Pos().Col()))
		if len(c.Args) == 0 {
			s.set(a.Name.Value, v)
			s.at = statedAt(s.at, a.Name.Value, at)
		} else {
			env[a.Name.Value] = v
			stated = statedAt(stated, a.Name.Value, at)
		}
	}
	if len(c.Args) == 0 {
		return
	}
	var words []string
	var whole []*syntax.Word // what each of words was, nil for a part
	for _, w := range c.Args {
		more := r.word(w, s)
		words = append(words, more...)
		for range more {
			if len(more) > 1 {
				w = nil
			}
			whole = append(whole, w)
		}
	}
	if len(words) == 0 {
		return
	}
	p := c.Args[0].Pos()
	r.out = append(r.out, Command{Pos: r.at(int(p.Line()), int(p.Col())), Env: env, Dir: s.dir, At: stated, Words: words, Raw: r.raw(words, whole)})
	switch words[0] {
	case "cd":
		s.cd(words[1:])
	case "pushd", "popd":
		s.dir = ""
	case "unset":
		s.shared = nil
		for _, w := range words[1:] {
			delete(s.vars, w)
			delete(s.env, w)
		}
	case "read":
		for _, w := range words[1:] {
			if !strings.HasPrefix(w, "-") && Literal(w) {
				s.set(w, NotLiteral)
			}
		}
	}
}

// raw gives the words of a go command as they stand. Where an expression of a
// CI configuration has been put aside, columns are not those of the file.
func (r *shellReader) raw(words []string, whole []*syntax.Word) []Line {
	runsGo := slices.ContainsFunc(words, func(w string) bool { return w == "go" || strings.HasSuffix(w, "/go") })
	if !runsGo || strings.Contains(r.src, ciExpression) {
		return nil
	}
	out := make([]Line, len(words))
	for i, w := range whole {
		if w == nil {
			continue
		}
		start, end := w.Pos(), w.End()
		if from, to := int(start.Offset()), int(end.Offset()); start.Line() == end.Line() && from < to && to <= len(r.src) {
			out[i] = Line{strings.Clone(r.src[from:to]), r.at(int(start.Line()), int(start.Col()))}
		}
	}
	return out
}

// word expands a word as the shell does: an unquoted variable whose value
// holds blanks becomes several words.
func (r *shellReader) word(w *syntax.Word, s *shellState) []string {
	if w == nil {
		return nil
	}
	if len(w.Parts) == 1 {
		if p, ok := w.Parts[0].(*syntax.ParamExp); ok {
			v := r.param(p, s)
			if v == NotLiteral {
				return []string{v}
			}
			return strings.Fields(v)
		}
	}
	split := false
	v := r.parts(w.Parts, s, &split)
	r.spent += len(v)
	if split || r.spent > maxShellWords {
		return []string{NotLiteral}
	}
	return []string{v}
}

// parts gives the text of a word's parts. *split is set if an unquoted part
// has blanks in it.
func (r *shellReader) parts(ps []syntax.WordPart, s *shellState, split *bool) string {
	var b strings.Builder
	for _, p := range ps {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value, split != nil || len(ps) == 1))
		case *syntax.SglQuoted:
			if strings.Contains(p.Value, ciExpression) {
				b.WriteString(NotLiteral)
			} else {
				b.WriteString(p.Value)
			}
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				if l, ok := q.(*syntax.Lit); ok {
					b.WriteString(unescape(l.Value, false))
				} else {
					b.WriteString(r.parts([]syntax.WordPart{q}, s, nil))
				}
			}
		case *syntax.ParamExp:
			v := r.param(p, s)
			if split != nil && strings.ContainsAny(v, " \t\n") {
				*split = true
			}
			b.WriteString(v)
		case *syntax.CmdSubst:
			// Its commands run too, in a shell of their own.
			r.stmts(p.Stmts, s.clone())
			b.WriteString(NotLiteral)
		default:
			b.WriteString(NotLiteral)
		}
		if b.Len() > maxShellWord {
			return NotLiteral
		}
	}
	return b.String()
}

func (r *shellReader) param(p *syntax.ParamExp, s *shellState) string {
	if p.Param == nil || p.Excl || p.Length || p.Width || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Names != 0 {
		return NotLiteral
	}
	v, ok := s.get(p.Param.Value)
	if p.Exp != nil {
		if ok && v != "" && v != NotLiteral && (p.Exp.Op == syntax.DefaultUnsetOrNull || p.Exp.Op == syntax.DefaultUnset) {
			return v
		}
		return NotLiteral
	}
	if !ok {
		return NotLiteral
	}
	return v
}

func bounded(s string) string {
	if len(s) > maxShellWord {
		return NotLiteral
	}
	return s
}

// unescape takes the backslashes out of literal text: all of them outside of
// quotes, inside only those that the shell does.
func unescape(s string, unquoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch {
			case s[i+1] == '\n':
				i++
				continue
			case unquoted || strings.IndexByte("$`\"\\", s[i+1]) >= 0:
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
