package facts

import (
	"cmp"
	"slices"
)

// needs gathers what a program needs: for each kind the strongest evidence,
// and how much more there is.
type needs struct {
	c  *collector
	r  reach
	by map[NeedKind]*Need
	in map[NeedKind]*listed
}

// note adds a piece of evidence found in package p.
func (n *needs) note(k NeedKind, how Certainty, what string, pos Pos, p *listed) {
	if n.in == nil {
		n.in = map[NeedKind]*listed{}
	}
	old, ok := n.by[k]
	if !ok {
		n.by[k] = &Need{Kind: k, Certainty: how, What: what, Pos: pos, Symbols: symbolsOf(k)}
		n.in[k] = p
		return
	}
	old.More++
	if old.Certainty == May && how == Uses {
		old.Certainty, old.What, old.Pos = how, what, pos
		n.in[k] = p
	}
}

// list gives the needs with their import chains, sorted by kind.
func (n *needs) list() []Need {
	var out []Need
	for k, need := range n.by {
		if p := n.in[k]; (need.Certainty == May || need.Pos.File == "") && p != nil {
			need.Chain = n.c.chain(n.r, p)
			if need.Pos.File == "" && len(need.Chain) > 0 {
				need.Pos = need.Chain[len(need.Chain)-1].Pos
			}
		}
		out = append(out, *need)
	}
	slices.SortFunc(out, func(a, b Need) int { return cmp.Compare(a.Kind, b.Kind) })
	return out
}

// symbolsOf gives the linker's names of which one is in any binary that has
// the need.
func symbolsOf(k NeedKind) []string {
	var out []string
	for _, c := range slices.Concat(calls, methods) {
		if c.kind == k {
			out = append(out, c.symbols...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
