package facts

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// SiteKind is what stands at a Site.
type SiteKind string

// The kinds of sites.
const (
	SiteLiteral SiteKind = "literal" // pkg.Type{…}, its address as well
	SiteCall    SiteKind = "call"    // pkg.Func(…)
	SiteRef     SiteKind = "ref"     // pkg.Name in any other place
	SiteMethod  SiteKind = "method"  // x.Method(…), x not a package
	SiteAssign  SiteKind = "assign"  // x.Field = …, x not a package
	SiteRead    SiteKind = "read"    // x.Field in any other place, x not a package
)

// Site is a place in Go code that the table of sites asks for. It is read
// without types: that x.Method is a method of the package in question is only
// likely, because its file imports that package.
type Site struct {
	Kind   SiteKind         `json:"kind"`
	What   string           `json:"what"` // net/http.Server; .Method and .Field for those
	Pos    Pos              `json:"pos"`
	Func   string           `json:"func,omitempty"`   // the function it stands in: main, (*Server).Run; "" none
	Recv   string           `json:"recv,omitempty"`   // x of a method or field, as written
	Guards []string         `json:"guards,omitempty"` // the names in the conditions and cases around it
	Fields map[string]Value `json:"fields,omitempty"` // of a literal with keys
	Args   []Value          `json:"args,omitempty"`   // of a call or method; the value of an assignment
}

// Value is an expression as far as it can be known without types.
type Value struct {
	// Text is a literal's value without quotes, a constant of the same file, or
	// a name: true, nil, crypto/tls.X25519, x.Field. NotLiteral for the rest.
	Text  string  `json:"text"`
	Pos   Pos     `json:"pos"`
	Elems []Value `json:"elems,omitempty"` // of a composite literal without keys
	Lit   *Site   `json:"lit,omitempty"`   // a composite literal with or without keys, of any type
}

// AlwaysTrue is the Text of a function literal that does nothing but return
// true.
const AlwaysTrue = "func{return true}"

// readCode parses a file as a whole, once for all readers of code, if its
// imports and its bytes say that one of them finds something in it.
func readCode(g *GoFile, src []byte) {
	if g.Test {
		return
	}
	names := g.siteImports()
	sites, web := names.in(src, false), asksForWeb(g, src)
	if !sites && !web {
		return
	}
	o := outline{src: src, text: src}
	if !web {
		o = outlineOf(src, func(body []byte) bool { return names.in(body, true) })
	}
	f, err := parser.ParseFile(token.NewFileSet(), g.Path, o.text, 0)
	if err != nil && len(o.cuts) > 0 {
		o = outline{src: src, text: src}
		f, err = parser.ParseFile(token.NewFileSet(), g.Path, src, 0)
	}
	if err != nil {
		return
	}
	r := &siteReader{g: g, file: o, imports: map[string]string{}}
	for _, im := range g.Imports {
		r.imports[importName(im)] = im.Path
	}
	if sites {
		for _, d := range f.Decls {
			r.fn, r.guards = funcName(d), nil
			ast.Inspect(d, r.visit)
		}
		g.Sites = append(r.out, r.closedConstructors(f)...)
	}
	if web {
		readWeb(r, f)
	}
}

// importName is the name by which a file knows a package, a guess where the
// import does not state it: the last element of the path that is no version.
func importName(im Import) string {
	if im.Name != "" {
		return im.Name
	}
	base := path.Base(im.Path)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(im.Path))
	}
	if i := strings.LastIndex(base, ".v"); i > 0 {
		base = base[:i]
	}
	return strings.TrimPrefix(base, "go-")
}

func funcName(d ast.Decl) string {
	fn, ok := d.(*ast.FuncDecl)
	if !ok {
		return ""
	}
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	return "(" + exprText(fn.Recv.List[0].Type) + ")." + fn.Name.Name
}

// exprText writes names and selectors as they stand, NotLiteral for others.
func exprText(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return exprText(x.X) + "." + x.Sel.Name
	case *ast.StarExpr:
		return "*" + exprText(x.X)
	case *ast.ParenExpr:
		return exprText(x.X)
	case *ast.IndexExpr:
		return exprText(x.X)
	case *ast.IndexListExpr:
		return exprText(x.X)
	case *ast.CallExpr:
		return exprText(x.Fun) + "()"
	}
	return NotLiteral
}

type siteReader struct {
	g       *GoFile
	file    outline
	imports map[string]string // local name → import path
	fn      string            // where the visitor is
	guards  []guard           // the conditional blocks that the visitor is in
	here    token.Pos         // of the node that is visited
	out     []Site
	done    map[ast.Expr]bool // selectors that a literal or a call has taken
	consts  map[ast.Expr]string
}

func (r *siteReader) at(p token.Pos) Pos {
	if !p.IsValid() {
		return Pos{File: r.g.Path}
	}
	line, column := r.file.position(int(p) - 1) // a file set's first file begins at 1
	return Pos{File: r.g.Path, Line: line, Column: column}
}

// qualified gives the import path and name of pkg.Name.
func (r *siteReader) qualified(x ast.Expr) (pkg, name string, ok bool) {
	switch t := x.(type) {
	case *ast.IndexExpr:
		x = t.X
	case *ast.IndexListExpr:
		x = t.X
	}
	sel, ok := x.(*ast.SelectorExpr)
	if !ok {
		return "", "", false
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok || id.Obj != nil {
		return "", "", false
	}
	pkg, ok = r.imports[id.Name]
	return pkg, sel.Sel.Name, ok
}

func (r *siteReader) add(s Site) {
	s.Func, s.Guards = r.fn, r.guardNames()
	r.out = append(r.out, s)
}

func (r *siteReader) take(x ast.Expr) {
	if r.done == nil {
		r.done = map[ast.Expr]bool{}
	}
	r.done[x] = true
}

func (r *siteReader) visit(n ast.Node) bool {
	r.guardBy(n)
	switch n := n.(type) {
	case *ast.CompositeLit:
		if pkg, name, ok := r.qualified(n.Type); ok && siteNames[pkg][name] {
			r.take(n.Type)
			r.add(*r.literal(n, pkg+"."+name))
		}
	case *ast.CallExpr:
		pkg, name, ok := r.qualified(n.Fun)
		switch sel, isSel := n.Fun.(*ast.SelectorExpr); {
		case ok && siteNames[pkg][name]:
			r.take(n.Fun)
			r.add(Site{Kind: SiteCall, What: pkg + "." + name, Pos: r.at(n.Pos()), Args: r.values(n.Args)})
		case !ok && isSel && r.wants(siteMethods[sel.Sel.Name]):
			r.add(Site{Kind: SiteMethod, What: "." + sel.Sel.Name, Pos: r.at(sel.Sel.Pos()), Recv: exprText(sel.X), Args: r.values(n.Args)})
		}
	case *ast.AssignStmt:
		for i, l := range n.Lhs {
			sel, ok := l.(*ast.SelectorExpr)
			if ok && siteReads[sel.Sel.Name] != nil {
				r.take(sel)
			}
			if !ok || len(n.Lhs) != len(n.Rhs) || !r.wants(siteFields[sel.Sel.Name]) {
				continue
			}
			if _, _, pkg := r.qualified(sel); !pkg {
				r.add(Site{Kind: SiteAssign, What: "." + sel.Sel.Name, Pos: r.at(sel.Sel.Pos()), Recv: exprText(sel.X), Args: r.values(n.Rhs[i : i+1])})
			}
		}
	case *ast.SelectorExpr:
		if pkg, name, ok := r.qualified(n); ok && siteNames[pkg][name] && !r.done[n] {
			r.add(Site{Kind: SiteRef, What: pkg + "." + name, Pos: r.at(n.Pos())})
		} else if !ok && r.wants(siteReads[n.Sel.Name]) && !r.done[n] {
			r.add(Site{Kind: SiteRead, What: "." + n.Sel.Name, Pos: r.at(n.Sel.Pos()), Recv: exprText(n.X)})
		}
	}
	return true
}

// wants reports whether the file imports one of pkgs.
func (r *siteReader) wants(pkgs []string) bool {
	return len(pkgs) > 0 && slices.ContainsFunc(r.g.Imports, func(i Import) bool { return slices.Contains(pkgs, i.Path) })
}

func (r *siteReader) values(xs []ast.Expr) []Value {
	var out []Value
	for _, x := range xs {
		out = append(out, r.value(x))
	}
	return out
}

func (r *siteReader) literal(n *ast.CompositeLit, what string) *Site {
	s := &Site{Kind: SiteLiteral, What: what, Pos: r.at(n.Pos()), Func: r.fn}
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			s.Args = append(s.Args, r.value(e))
			continue
		}
		key := exprText(kv.Key)
		if lit, ok := kv.Key.(*ast.BasicLit); ok {
			key = lit.Value
			if t, err := strconv.Unquote(key); err == nil {
				key = t
			}
		}
		if s.Fields == nil {
			s.Fields = map[string]Value{}
		}
		s.Fields[key] = r.value(kv.Value)
	}
	return s
}

// value says what can be known of an expression. A constant or a variable of
// the file that is set once, where it is declared, counts as its value only
// if it is a constant.
func (r *siteReader) value(x ast.Expr) Value {
	v := Value{Text: NotLiteral, Pos: r.at(x.Pos())}
	switch x := x.(type) {
	case *ast.BasicLit:
		v.Text = x.Value
		if t, err := strconv.Unquote(x.Value); err == nil {
			v.Text = t
		}
	case *ast.Ident:
		v.Text = x.Name
		if c, ok := constantOf(x); ok {
			v.Text = r.constant(c)
		}
	case *ast.SelectorExpr:
		if pkg, name, ok := r.qualified(x); ok {
			v.Text = pkg + "." + name
		} else {
			v.Text = exprText(x)
		}
	case *ast.UnaryExpr:
		switch x.Op {
		case token.AND:
			return r.value(x.X)
		case token.SUB, token.NOT:
			if t := r.value(x.X).Text; t != NotLiteral {
				v.Text = x.Op.String() + t
			}
		}
	case *ast.ParenExpr:
		return r.value(x.X)
	case *ast.BinaryExpr:
		a, b := r.value(x.X).Text, r.value(x.Y).Text
		if a != NotLiteral && b != NotLiteral && (x.Op == token.MUL || x.Op == token.OR) {
			v.Text = a + x.Op.String() + b // 5*time.Second
		} else if x.Op == token.ADD {
			v.Text = a + b
		}
		if len(v.Text) > maxText {
			v.Text = NotLiteral
		}
	case *ast.CallExpr:
		if pkg, name, ok := r.qualified(x.Fun); ok {
			v.Text = pkg + "." + name + "()"
		}
	case *ast.FuncLit:
		if len(x.Body.List) == 1 {
			if ret, ok := x.Body.List[0].(*ast.ReturnStmt); ok && len(ret.Results) > 0 {
				if id, ok := ret.Results[0].(*ast.Ident); ok && id.Name == "true" {
					v.Text = AlwaysTrue
				}
			}
		}
	case *ast.CompositeLit:
		what := ""
		if pkg, name, ok := r.qualified(x.Type); ok {
			what = pkg + "." + name
		} else if x.Type != nil {
			what = exprText(x.Type)
		}
		v.Lit = r.literal(x, what)
		v.Elems = v.Lit.Args
	}
	return v
}

// maxText bounds what constants come to when they are put together, in bytes.
const maxText = 1 << 16

// constant gives the value of a constant, which is worked out once: in code
// that no compiler has seen, constants can refer to each other in a circle,
// and double each other at every step.
func (r *siteReader) constant(declared ast.Expr) string {
	if t, ok := r.consts[declared]; ok {
		return t
	}
	if r.consts == nil {
		r.consts = map[ast.Expr]string{}
	}
	r.consts[declared] = NotLiteral
	r.consts[declared] = r.value(declared).Text
	return r.consts[declared]
}

// constantOf gives what a constant of the same file is declared as.
func constantOf(id *ast.Ident) (ast.Expr, bool) {
	if id.Obj == nil || id.Obj.Kind != ast.Con {
		return nil, false
	}
	spec, ok := id.Obj.Decl.(*ast.ValueSpec)
	if !ok {
		return nil, false
	}
	for i, n := range spec.Names {
		if n.Name == id.Name && i < len(spec.Values) {
			return spec.Values[i], true
		}
	}
	return nil, false
}
