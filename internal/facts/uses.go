package facts

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// use is one place in a file that shows a need.
type use struct {
	Kind NeedKind `json:"k"`
	What string   `json:"w"`
	Line int      `json:"l"`
	Col  int      `json:"c"`
}

// fileFacts is what one Go file says by itself.
type fileFacts struct {
	Uses   []use    `json:"u,omitempty"`
	Stamps []stamp  `json:"s,omitempty"` // main module only
	Ports  []listen `json:"p,omitempty"` // main module only
	Debug  []Line   `json:"d,omitempty"` // //go:debug lines; main packages only
}

type stamp struct {
	Name string `json:"n"`
	Role string `json:"r"`
	Line int    `json:"l"`
	Col  int    `json:"c"`
}

type listen struct {
	Port int `json:"n"`
	Line int `json:"l"`
	Col  int `json:"c"`
}

// readFile finds the uses in one Go file; own asks for stamps and ports too.
// A file that cannot be parsed gives what its imports say: the compiler will
// have the last word on it.
func readFile(src []byte, own bool) fileFacts {
	if !own && !worthParsing(src) {
		return fileFacts{}
	}
	fset := token.NewFileSet()
	mode := parser.Mode(0)
	if own {
		mode = parser.ParseComments
	}
	f, err := parser.ParseFile(fset, "", src, mode)
	if err != nil || f == nil {
		return fileFacts{}
	}
	v := &useVisitor{fset: fset, imports: map[string]string{}, own: own}
	for _, imp := range f.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		if strings.HasPrefix(path, "github.com/coreos/go-systemd/") && strings.HasSuffix(path, "/activation") {
			v.add(NeedSystemd, path, imp.Pos())
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		v.imports[name] = path
	}
	ast.Inspect(f, v.visit)
	if own {
		v.stamps(f)
		v.debugLines(f)
	}
	return v.out
}

func worthParsing(src []byte) bool {
	return slices.ContainsFunc(needles, func(n []byte) bool { return bytes.Contains(src, n) }) ||
		bytes.Contains(src, []byte("/activation\""))
}

type useVisitor struct {
	fset    *token.FileSet
	imports map[string]string // local name -> import path
	own     bool
	out     fileFacts
}

func (v *useVisitor) add(k NeedKind, what string, pos token.Pos) {
	p := v.fset.Position(pos)
	v.out.Uses = append(v.out.Uses, use{k, what, p.Line, p.Column})
}

// pkgOf gives the import path an expression like "time" in time.LoadLocation
// names; empty if it is a local variable.
func (v *useVisitor) pkgOf(x ast.Expr) string {
	id, ok := x.(*ast.Ident)
	if !ok || id.Obj != nil {
		return ""
	}
	return v.imports[id.Name]
}

func (v *useVisitor) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if pkg := v.pkgOf(n.X); pkg != "" {
			if c := callsByPkg[pkg][n.Sel.Name]; c != nil {
				v.add(c.kind, pkg+"."+c.name, n.Pos())
			}
		} else if c := methodsByID[n.Sel.Name]; c != nil && v.importsPath(c.pkg) {
			v.add(c.kind, "(*"+c.pkg+".Request)."+c.name, n.Sel.Pos())
		}
	case *ast.CallExpr:
		v.visitCall(n)
	case *ast.CompositeLit:
		if sel, ok := n.Type.(*ast.SelectorExpr); ok && v.own && v.pkgOf(sel.X) == "net/http" && sel.Sel.Name == "Server" {
			for _, el := range n.Elts {
				if kv, ok := el.(*ast.KeyValueExpr); ok {
					if k, ok := kv.Key.(*ast.Ident); ok && k.Name == "Addr" {
						v.port(kv.Value)
					}
				}
			}
		}
	}
	return true
}

func (v *useVisitor) importsPath(path string) bool {
	for _, p := range v.imports {
		if p == path {
			return true
		}
	}
	return false
}

func (v *useVisitor) visitCall(n *ast.CallExpr) {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) == 0 {
		return
	}
	pkg, name := v.pkgOf(sel.X), sel.Sel.Name
	switch {
	case pkg == "os/exec" && (name == "Command" || name == "CommandContext"):
		i := 0
		if name == "CommandContext" {
			i = 1
		}
		if i < len(n.Args) {
			if s, ok := stringLit(n.Args[i]); ok && slices.Contains(shells, s) {
				v.add(NeedShell, "os/exec."+name+"("+strconv.Quote(s)+")", n.Pos())
			}
		}
	case pkg == "os" && (name == "Getenv" || name == "LookupEnv"):
		if s, ok := stringLit(n.Args[0]); ok && s == "LISTEN_FDS" {
			v.add(NeedSystemd, "os."+name+`("LISTEN_FDS")`, n.Pos())
		}
	case !v.own:
	case pkg == "net/http" && (name == "ListenAndServe" || name == "ListenAndServeTLS"):
		v.port(n.Args[0])
	case pkg == "net" && name == "Listen" && len(n.Args) == 2:
		if network, ok := stringLit(n.Args[0]); ok && strings.HasPrefix(network, "tcp") {
			v.port(n.Args[1])
		}
	// Of package flag or of a FlagSet.
	case (pkg == "flag" || pkg == "" && v.importsPath("flag")) && name == "String" && len(n.Args) == 3:
		v.port(n.Args[1])
	case (pkg == "flag" || pkg == "" && v.importsPath("flag")) && name == "StringVar" && len(n.Args) == 4:
		v.port(n.Args[2])
	}
}

// port notes a constant host:port with a port above 0.
func (v *useVisitor) port(x ast.Expr) {
	s, ok := stringLit(x)
	if !ok {
		return
	}
	host, p, ok := strings.Cut(s, ":")
	if !ok || host != "" && host != "0.0.0.0" {
		return
	}
	n, err := strconv.Atoi(p)
	if err != nil || n <= 0 || n > 65535 {
		return
	}
	at := v.fset.Position(x.Pos())
	v.out.Ports = append(v.out.Ports, listen{n, at.Line, at.Column})
}

func stringLit(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// stampRoles are names of package variables that by convention are set by the
// linker, in lower case.
var stampRoles = map[string]string{
	"version": "version", "appversion": "version", "buildversion": "version", "gitversion": "version",
	"commit": "commit", "gitcommit": "commit", "buildcommit": "commit", "revision": "commit", "gitrevision": "commit", "gitsha": "commit",
	"date": "date", "builddate": "date", "buildtime": "date", "commitdate": "date", "gitcommitdate": "date",
}

// placeholders are initial values that say "to be set by the linker".
var placeholders = []string{"", "dev", "devel", "(devel)", "develop", "development", "unknown", "none", "n/a", "unset", "snapshot", "latest", "HEAD", "0.0.0", "v0.0.0", "0.0.0-dev", "v0.0.0-dev"}

// stamps notes string variables at package level that a linker -X may set: in
// package main and in packages named after versions.
func (v *useVisitor) stamps(f *ast.File) {
	switch f.Name.Name {
	case "main", "version", "buildinfo", "build":
	default:
		return
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			vs := s.(*ast.ValueSpec)
			for i, id := range vs.Names {
				role := stampRoles[strings.ToLower(id.Name)]
				if role == "" || !stampable(vs, i) {
					continue
				}
				p := v.fset.Position(id.Pos())
				v.out.Stamps = append(v.out.Stamps, stamp{id.Name, role, p.Line, p.Column})
			}
		}
	}
}

// stampable reports whether the i-th name is a string whose value stands for
// "not set": -X has no effect on anything that is computed at start.
func stampable(vs *ast.ValueSpec, i int) bool {
	if vs.Type != nil {
		if id, ok := vs.Type.(*ast.Ident); !ok || id.Name != "string" {
			return false
		}
	}
	if len(vs.Values) == 0 {
		return vs.Type != nil
	}
	if i >= len(vs.Values) {
		return false
	}
	s, ok := stringLit(vs.Values[i])
	return ok && slices.Contains(placeholders, s)
}

func (v *useVisitor) debugLines(f *ast.File) {
	if f.Name.Name != "main" {
		return
	}
	for _, g := range f.Comments {
		if g.Pos() > f.Package {
			break
		}
		for _, c := range g.List {
			if s, ok := strings.CutPrefix(c.Text, "//go:debug "); ok {
				p := v.fset.Position(c.Pos())
				v.out.Debug = append(v.out.Debug, Line{strings.TrimSpace(s), Pos{Line: p.Line, Column: p.Column}})
			}
		}
	}
}
