package facts

import "go/ast"

// writerMethods are those that a wrapper of a response writer has, or hides.
var writerMethods = set("Header", "Write", "WriteHeader", "Flush", "FlushError", "Hijack", "Unwrap")

func (w *Web) readWriterTypes(r *siteReader, d *ast.GenDecl) {
	for _, s := range d.Specs {
		ts, ok := s.(*ast.TypeSpec)
		if !ok {
			continue
		}
		st, ok := ts.Type.(*ast.StructType)
		if !ok || st.Fields == nil {
			continue
		}
		t := WriterType{Name: ts.Name.Name, Pos: r.at(ts.Name.Pos())}
		for _, f := range st.Fields.List {
			pkg, name, qualified := r.qualified(f.Type)
			switch isWriter := qualified && pkg+"."+name == "net/http.ResponseWriter"; {
			case isWriter && len(f.Names) == 0:
				t.Field, t.Embedded = "ResponseWriter", true
			case isWriter && t.Field == "":
				t.Field = f.Names[0].Name
			case len(f.Names) > 0:
			case qualified:
				t.Others = append(t.Others, pkg+"."+name)
			default:
				t.Others = append(t.Others, exprText(f.Type))
			}
		}
		if t.Field != "" {
			w.Writers = append(w.Writers, t)
		}
	}
}

func (w *Web) readWriterMethod(r *siteReader, d *ast.FuncDecl) {
	if d.Recv == nil || len(d.Recv.List) == 0 || !writerMethods[d.Name.Name] {
		return
	}
	m := WriterMethod{Type: baseName(d.Recv.List[0].Type), Name: d.Name.Name, Pos: r.at(d.Name.Pos())}
	self := ""
	if names := d.Recv.List[0].Names; len(names) > 0 {
		self = names[0].Name
	}
	// field gives f of self.f.
	field := func(x ast.Expr) (string, bool) {
		sel, ok := x.(*ast.SelectorExpr)
		if !ok || self == "" {
			return "", false
		}
		id, ok := sel.X.(*ast.Ident)
		return sel.Sel.Name, ok && id.Name == self
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == m.Name && m.Forwards == "" {
				if f, ok := field(sel.X); ok {
					m.Forwards = f
				}
			}
		case *ast.ReturnStmt:
			if m.Name == "Header" && len(n.Results) == 1 {
				if f, ok := field(n.Results[0]); ok {
					m.Returns = f
				}
			}
		}
		return true
	})
	w.Methods = append(w.Methods, m)
}

// baseName gives T of T, *T and T[P].
func baseName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return baseName(x.X)
	case *ast.ParenExpr:
		return baseName(x.X)
	case *ast.IndexExpr:
		return baseName(x.X)
	case *ast.IndexListExpr:
		return baseName(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

func (w *Web) readMaker(d *ast.FuncDecl) {
	if d.Recv != nil || d.Type.Results == nil || len(d.Type.Results.List) != 1 {
		return
	}
	made := ""
	ast.Inspect(d.Body, func(n ast.Node) bool {
		ret, ok := n.(*ast.ReturnStmt)
		if ok && len(ret.Results) == 1 {
			made = literalType(ret.Results[0])
		}
		return made == ""
	})
	if made == "" {
		made = baseName(d.Type.Results.List[0].Type)
	}
	if made != "" {
		w.Makers = append(w.Makers, WriterMaker{d.Name.Name, made})
	}
}

// literalType gives T of T{…} and &T{…}, a type of the package.
func literalType(x ast.Expr) string {
	if u, ok := x.(*ast.UnaryExpr); ok {
		x = u.X
	}
	if lit, ok := x.(*ast.CompositeLit); ok {
		if id, ok := lit.Type.(*ast.Ident); ok {
			return id.Name
		}
	}
	return ""
}

// readPasses finds what writer a function hands to another handler.
func (w *Web) readPasses(r *siteReader, body *ast.BlockStmt) {
	inspectOwn(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); !ok || sel.Sel.Name != "ServeHTTP" {
			return true
		}
		if made := madeBy(call.Args[0]); made != "" {
			w.Passes = append(w.Passes, Line{made, r.at(call.Pos())})
		}
		return true
	})
}

// madeBy gives the type of an expression, "f()" if a function of the package
// made it; a variable is what it was declared with.
func madeBy(x ast.Expr) string {
	if u, ok := x.(*ast.UnaryExpr); ok {
		x = u.X
	}
	id, ok := x.(*ast.Ident)
	if !ok || id.Obj == nil {
		return makerOf(x)
	}
	switch d := id.Obj.Decl.(type) {
	case *ast.AssignStmt:
		for i, l := range d.Lhs {
			if v, ok := l.(*ast.Ident); ok && v.Name == id.Name && len(d.Lhs) == len(d.Rhs) {
				return makerOf(d.Rhs[i])
			}
		}
	case *ast.ValueSpec:
		for i, v := range d.Names {
			if v.Name == id.Name && i < len(d.Values) {
				return makerOf(d.Values[i])
			}
		}
		if d.Type != nil && len(d.Values) == 0 {
			return baseName(d.Type)
		}
	}
	return ""
}

func makerOf(x ast.Expr) string {
	if t := literalType(x); t != "" {
		return t
	}
	if call, ok := x.(*ast.CallExpr); ok {
		if f, ok := call.Fun.(*ast.Ident); ok {
			return f.Name + "()"
		}
	}
	return ""
}
