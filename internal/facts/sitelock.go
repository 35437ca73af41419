package facts

import (
	"go/ast"
	"slices"
	"strings"
)

// SiteClosed is a constructor that makes its own HTTP client or connection
// and lets nobody put in another.
const SiteClosed SiteKind = "closed"

// lockSites is what the LOCK rules ask for.
var lockSites = []siteAsk{
	{pkgs: []string{"net/http"}, names: []string{"Client", "DefaultClient"}},
}

// closedConstructors finds exported functions New… of an importable package
// that make an http.Client in their body, take nothing but plain values and
// give a type of the same file that has no exported field and no method by
// which a client, a transport or a dialer could be put in.
func (r *siteReader) closedConstructors(f *ast.File) []Site {
	if r.g.Package == "main" || strings.Contains("/"+r.g.Dir+"/", "/internal/") {
		return nil
	}
	var out []Site
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || fn.Body == nil || !strings.HasPrefix(fn.Name.Name, "New") || !plainParams(fn.Type.Params) {
			continue
		}
		typ := resultName(fn.Type.Results)
		if typ == "" || !ast.IsExported(typ) || !closedType(f, typ) {
			continue
		}
		if makes := r.makesClient(fn.Body); makes != nil {
			out = append(out, Site{Kind: SiteClosed, What: fn.Name.Name, Pos: r.at(makes.Pos()), Func: fn.Name.Name, Recv: typ})
		}
	}
	return out
}

func (r *siteReader) makesClient(body *ast.BlockStmt) ast.Node {
	var found ast.Node
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // runs later, if at all
		case *ast.CompositeLit:
			if pkg, name, ok := r.qualified(n.Type); ok && pkg == "net/http" && name == "Client" && found == nil {
				found = n
			}
		case *ast.SelectorExpr:
			if pkg, name, ok := r.qualified(n); ok && pkg == "net/http" && name == "DefaultClient" && found == nil {
				found = n
			}
		}
		return true
	})
	return found
}

// plainTypes are the types of parameters that cannot hold a client.
var plainTypes = []string{
	"string", "bool", "int", "int64", "uint", "uint64", "float64", "time.Duration", "context.Context", "*url.URL", "url.URL",
}

func plainParams(l *ast.FieldList) bool {
	for _, p := range l.List {
		t := p.Type
		if a, ok := t.(*ast.ArrayType); ok {
			t = a.Elt
		}
		if name := exprText(t); !slices.Contains(plainTypes, name) && name != "byte" {
			return false
		}
	}
	return true
}

// resultName gives the type that a constructor returns, first or before an error.
func resultName(l *ast.FieldList) string {
	if l == nil || len(l.List) == 0 {
		return ""
	}
	name := strings.TrimPrefix(exprText(l.List[0].Type), "*")
	if strings.ContainsAny(name, ".\x00()") {
		return ""
	}
	return name
}

// closedType reports whether the file declares the type as a struct which
// nothing can be put into.
func closedType(f *ast.File, name string) bool {
	closed := false
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				ts, ok := s.(*ast.TypeSpec)
				if !ok || ts.Name.Name != name {
					continue
				}
				st, ok := ts.Type.(*ast.StructType)
				closed = ok
				for _, field := range fieldsOf(st) {
					if len(field.Names) == 0 || slices.ContainsFunc(field.Names, func(n *ast.Ident) bool { return n.IsExported() }) {
						return false
					}
				}
			}
		case *ast.FuncDecl:
			if d.Recv == nil || len(d.Recv.List) == 0 || strings.TrimPrefix(exprText(d.Recv.List[0].Type), "*") != name || !d.Name.IsExported() {
				continue
			}
			if opens(d.Name.Name) {
				return false
			}
		}
	}
	return closed
}

func fieldsOf(st *ast.StructType) []*ast.Field {
	if st == nil || st.Fields == nil {
		return nil
	}
	return st.Fields.List
}

func opens(method string) bool {
	for _, prefix := range []string{"Set", "With", "Use", "Client", "HTTP", "Transport", "Configure", "Option"} {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return strings.Contains(method, "Client") || strings.Contains(method, "Transport") || strings.Contains(method, "Dial")
}
