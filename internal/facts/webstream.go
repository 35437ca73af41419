package facts

import (
	"go/ast"
	"go/token"
	"strings"
)

// readStream reads a function whose parameter w is an http.ResponseWriter.
func (w *Web) readStream(r *siteReader, t *ast.FuncType, body *ast.BlockStmt, writer string) {
	s := Stream{Func: r.fn}
	request, _ := r.paramOf(t, "net/http.Request")
	var flush token.Pos
	inspectOwn(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			switch sel.Sel.Name {
			case "Set", "Add":
				if len(n.Args) == 2 && strings.HasPrefix(stringOf(n.Args[1]), "text/event-stream") && s.Pos.Line == 0 {
					s.Events, s.Pos = true, r.at(n.Pos())
				}
			case "Flush":
				if len(n.Args) == 0 && flush == token.NoPos && r.flushes(sel.X, writer) {
					flush = n.Pos()
				}
			case "SetWriteDeadline", "SetDeadline":
				s.Deadline = true
			}
		case *ast.TypeAssertExpr:
			if id, ok := n.X.(*ast.Ident); ok && id.Name == writer && n.Type != nil {
				pkg, name, ok := r.qualified(n.Type)
				s.Asserts = s.Asserts || ok && pkg == "net/http" && name == "Flusher"
			}
		case *ast.ForStmt:
			if n.Post == nil && s.Loop.Line == 0 && r.hasFlush(n.Body, writer) {
				s.Loop = r.at(n.Pos())
				s.Endless = n.Cond == nil && !leaves(n.Body)
			}
		case *ast.RangeStmt:
			if s.Loop.Line == 0 && ticks(r, n.X) && r.hasFlush(n.Body, writer) {
				s.Loop = r.at(n.Pos())
				s.Endless = !leaves(n.Body)
			}
		}
		return true
	})
	if !s.Events && flush == token.NoPos {
		return
	}
	if flush != token.NoPos {
		s.Flush = r.at(flush)
	}
	if s.Pos.Line == 0 {
		s.Pos = s.Flush
	}
	s.Context = watches(body, request)
	w.Streams = append(w.Streams, s)
}

func stringOf(x ast.Expr) string {
	if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING && len(lit.Value) > 1 {
		return lit.Value[1 : len(lit.Value)-1]
	}
	return ""
}

// flushes reports whether x.Flush() may be that of the response writer: x is
// an assertion on it, made from it, or a controller of it.
func (r *siteReader) flushes(x ast.Expr, writer string) bool {
	switch x := x.(type) {
	case *ast.TypeAssertExpr:
		id, ok := x.X.(*ast.Ident)
		return ok && id.Name == writer
	case *ast.CallExpr: // http.NewResponseController(w)
		pkg, name, ok := r.qualified(x.Fun)
		return ok && pkg == "net/http" && name == "NewResponseController" && len(x.Args) == 1 && r.flushes(x.Args[0], writer)
	case *ast.ParenExpr:
		return r.flushes(x.X, writer)
	case *ast.Ident:
		if x.Name == writer {
			return true
		}
		if x.Obj == nil {
			return false
		}
		if d, ok := x.Obj.Decl.(*ast.AssignStmt); ok && len(d.Rhs) == 1 {
			if id, same := d.Rhs[0].(*ast.Ident); same && id.Name != writer {
				return false
			}
			return r.flushes(d.Rhs[0], writer)
		}
	}
	return false
}

func (r *siteReader) hasFlush(body *ast.BlockStmt, writer string) bool {
	found := false
	inspectOwn(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Flush" && r.flushes(sel.X, writer) {
				found = true
			}
		}
		return !found
	})
	return found
}

// leaves reports whether a loop can end: by return, goto, a break or a panic,
// or a call that never comes back. A break within a select or switch that has
// no label ends only that, but is taken for the loop's all the same.
func leaves(body *ast.BlockStmt) bool {
	found := false
	inspectOwn(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			found = true
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK || n.Tok == token.GOTO
		case *ast.CallExpr:
			switch f := n.Fun.(type) {
			case *ast.Ident:
				found = found || f.Name == "panic"
			case *ast.SelectorExpr:
				found = found || f.Sel.Name == "Goexit" || f.Sel.Name == "Exit" || strings.HasPrefix(f.Sel.Name, "Fatal") || strings.HasPrefix(f.Sel.Name, "Panic")
			}
		}
		return !found
	})
	return found
}

// ticks reports whether x is a channel of time that nobody closes.
func ticks(r *siteReader, x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.CallExpr:
		pkg, name, ok := r.qualified(x.Fun)
		return ok && pkg == "time" && name == "Tick"
	case *ast.SelectorExpr:
		id, ok := x.X.(*ast.Ident)
		if !ok || x.Sel.Name != "C" || id.Obj == nil {
			return false
		}
		d, ok := id.Obj.Decl.(*ast.AssignStmt)
		if !ok || len(d.Rhs) != 1 {
			return false
		}
		call, ok := d.Rhs[0].(*ast.CallExpr)
		if !ok {
			return false
		}
		pkg, name, ok := r.qualified(call.Fun)
		return ok && pkg == "time" && name == "NewTicker"
	}
	return false
}

// watches reports whether a function asks for the end of a request, or hands
// the request or a context to something that may.
func watches(body *ast.BlockStmt, request string) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			found = found || n.Sel.Name == "Context" || n.Sel.Name == "Done" || n.Sel.Name == "CloseNotify"
		case *ast.Ident:
			found = found || n.Name == "ctx"
		case *ast.CallExpr:
			for _, a := range n.Args {
				if id, ok := a.(*ast.Ident); ok && request != "" && id.Name == request {
					found = true
				}
			}
		}
		return !found
	})
	return found
}
