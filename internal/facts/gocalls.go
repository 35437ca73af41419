package facts

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
)

// readZoneCalls gives the calls of time.LoadLocation that look a zone up:
// "", UTC and Local need no files. Only a file that can hold such a call is
// parsed as a whole.
func readZoneCalls(g *GoFile, src []byte) []Line {
	i := slices.IndexFunc(g.Imports, func(i Import) bool { return i.Path == "time" })
	if i < 0 || g.Test || !bytes.Contains(src, []byte("LoadLocation(")) {
		return nil
	}
	name := g.Imports[i].Name
	if name == "" {
		name = "time"
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, g.Path, src, 0)
	if err != nil {
		return nil
	}
	var out []Line
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "LoadLocation" {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); !ok || x.Name != name || x.Obj != nil {
			return true
		}
		zone := NotLiteral
		if lit, ok := call.Args[0].(*ast.BasicLit); ok {
			if zone, err = strconv.Unquote(lit.Value); err != nil {
				return true
			}
		}
		if zone != "" && zone != "UTC" && zone != "Local" {
			p := fset.PositionFor(call.Pos(), false)
			out = append(out, Line{zone, Pos{File: g.Path, Line: p.Line, Column: p.Column}})
		}
		return true
	})
	return out
}
