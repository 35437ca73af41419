package facts

import (
	"go/ast"
	"go/token"
	"strings"
)

// readOrigins finds where a function writes Access-Control-Allow-Origin, in
// its own blocks.
func (w *Web) readOrigins(r *siteReader, body *ast.BlockStmt) {
	inspectOwn(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			w.readBlock(r, body, n.List)
		case *ast.CaseClause:
			w.readBlock(r, body, n.Body)
		}
		return true
	})
}

func (w *Web) readBlock(r *siteReader, body *ast.BlockStmt, list []ast.Stmt) {
	var origin ast.Expr
	var credentials Pos
	for _, s := range list {
		x, ok := s.(*ast.ExprStmt)
		if !ok {
			continue
		}
		key, value, call := headerWrite(x.X)
		switch {
		case key == "access-control-allow-origin":
			origin = value
		case key == "access-control-allow-credentials" && stringOf(value) == "true":
			credentials = r.at(call.Pos())
		}
	}
	if origin == nil || credentials.Line == 0 {
		return
	}
	o := CrossOrigin{Origin: Line{r.value(origin).Text, r.at(origin.Pos())}, Credentials: credentials}
	o.Reflected = reflected(body, origin)
	w.Origins = append(w.Origins, o)
}

// headerWrite reads h.Set(k, v) and gin's c.Header(k, v); the key comes in
// lower case.
func headerWrite(x ast.Expr) (key string, value ast.Expr, call *ast.CallExpr) {
	call, ok := x.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return "", nil, nil
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Set" && sel.Sel.Name != "Add" && sel.Sel.Name != "Header" {
		return "", nil, nil
	}
	return strings.ToLower(stringOf(call.Args[0])), call.Args[1], call
}

// originOf reports whether x is x.Get("Origin") or x.GetHeader("Origin").
func originOf(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 || !strings.EqualFold(stringOf(call.Args[0]), "Origin") {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "Get" || sel.Sel.Name == "GetHeader")
}

// reflected reports whether value is the request's Origin, and the function
// looks at nothing before it writes that back: no if but one that asks whether
// there is an origin or which method it is, no switch on it, no call with it.
func reflected(body *ast.BlockStmt, value ast.Expr) bool {
	id, isVar := value.(*ast.Ident)
	if !originOf(value) {
		if !isVar || id.Obj == nil {
			return false
		}
		d, ok := id.Obj.Decl.(*ast.AssignStmt)
		if !ok || len(d.Lhs) != 1 || len(d.Rhs) != 1 || !originOf(d.Rhs[0]) {
			return false
		}
	}
	free := true
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			free = free && n.Pos() < value.End() && plainCondition(n.Cond, id) || free && n.Pos() > value.End()
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SelectStmt:
			free = free && n.Pos() > value.End()
		case *ast.AssignStmt: // a second value for the variable
			for _, l := range n.Lhs {
				if v, ok := l.(*ast.Ident); ok && isVar && v.Name == id.Name && n.Tok == token.ASSIGN {
					free = false
				}
			}
		case *ast.CallExpr:
			if key, _, _ := headerWrite(n); key == "access-control-allow-origin" {
				return false
			}
			for _, a := range n.Args {
				if v, ok := a.(*ast.Ident); ok && isVar && v.Name == id.Name {
					free = false
				}
			}
		}
		return free
	})
	return free
}

// plainCondition reports whether a condition asks only whether there is an
// origin, or which method a request has.
func plainCondition(x ast.Expr, origin *ast.Ident) bool {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return plainCondition(x.X, origin)
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			return plainCondition(x.X, origin) && plainCondition(x.Y, origin)
		}
		if x.Op != token.EQL && x.Op != token.NEQ {
			return false
		}
		if id, ok := x.X.(*ast.Ident); ok && origin != nil && id.Name == origin.Name {
			lit, ok := x.Y.(*ast.BasicLit)
			return ok && stringOf(lit) == ""
		}
		sel, ok := x.X.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Method" || originOf(x.X) && stringOf(x.Y) == ""
	}
	return false
}
