package facts

import (
	"go/ast"
	"go/token"
)

// guard is a block that runs only if something holds.
type guard struct {
	from, to token.Pos
	conds    []ast.Node
}

// guardBy keeps the blocks that the visitor is in, and notes those that n, if
// it is a condition, decides about. Both branches of an if depend on it.
func (r *siteReader) guardBy(n ast.Node) {
	if n == nil {
		return
	}
	r.here = n.Pos()
	for len(r.guards) > 0 && r.guards[len(r.guards)-1].to <= r.here {
		r.guards = r.guards[:len(r.guards)-1]
	}
	switch n := n.(type) {
	case *ast.IfStmt:
		g := guard{n.Body.Pos(), n.End(), []ast.Node{n.Cond}}
		if n.Init != nil {
			g.conds = append(g.conds, n.Init)
		}
		r.guards = append(r.guards, g)
	case *ast.SwitchStmt:
		if n.Tag != nil {
			r.guards = append(r.guards, guard{n.Body.Pos(), n.End(), []ast.Node{n.Tag}})
		}
	case *ast.CaseClause:
		g := guard{from: n.Colon, to: n.End()}
		for _, x := range n.List {
			g.conds = append(g.conds, x)
		}
		r.guards = append(r.guards, g)
	}
}

// guardNames gives the names in the conditions around the visitor's place,
// outermost first.
func (r *siteReader) guardNames() []string {
	var out []string
	for _, g := range r.guards {
		if r.here < g.from {
			continue // in the condition itself
		}
		for _, c := range g.conds {
			ast.Inspect(c, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && len(out) < maxGuardNames {
					out = append(out, id.Name)
				}
				return true
			})
		}
	}
	return out
}

// maxGuardNames is more than any condition that people can read has.
const maxGuardNames = 64
