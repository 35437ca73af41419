package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
)

// The columns of a Graph.
const (
	ColumnSource   = iota // a module or package
	ColumnBuild           // a stage, job or make target that compiles or packs it
	ColumnRuntime         // the stage that is run, on its base
	ColumnWorkload        // what runs the image
	columnCount
)

// Graph is the join as a drawing. What depends on something else stands to
// the right of it.
type Graph struct {
	Nodes []GraphNode
	Edges []GraphEdge
}

// GraphNode is one box. Titles are the same in every language.
type GraphNode struct {
	Column        int
	Title, Detail string
	Spans         []Span // what of the repository it stands for
}

// Span is a part of a file, or everything directly below a directory.
type Span struct {
	File, Dir   string
	First, Last int // lines from 1; zero: from the start, to the end
}

func (s Span) holds(p fault.Pos) bool {
	if p.File == "" {
		return false
	}
	if s.File == "" {
		i := strings.LastIndexByte(p.File, '/')
		return s.Dir == "." && i < 0 || i >= 0 && p.File[:i] == s.Dir
	}
	return p.File == s.File && p.Line >= s.First && (s.Last == 0 || p.Line <= s.Last)
}

// GraphEdge leads from one node to another, by their numbers.
type GraphEdge struct {
	From, To int
}

// nodeMarks are the nodes that each finding touches.
type nodeMarks [][]int

func (m nodeMarks) of(i int) string {
	var out []string
	for _, n := range m[i] {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, " ")
}

// marks finds the nodes that hold a finding's place or a link of its chain.
func (g Graph) marks(list []PageFinding) nodeMarks {
	out := make(nodeMarks, len(list))
	for i, f := range list {
		at := []fault.Pos{f.Pos}
		for _, e := range f.Evidence {
			at = append(at, e.Pos)
		}
		for n := range g.Nodes {
			if slices.ContainsFunc(g.Nodes[n].Spans, func(s Span) bool { return slices.ContainsFunc(at, s.holds) }) {
				out[i] = append(out[i], n)
			}
		}
	}
	return out
}

// Sizes of the drawing in its own units, which are CSS pixels at full size.
const (
	boxWidth    = 224
	boxHeight   = 46
	rowHeight   = 62
	columnWidth = 286
	headHeight  = 34
	maxRows     = 18
)

type drawing struct {
	Width, Height int
	Heads         []drawnHead
	Boxes         []drawnBox
	Lines         []drawnLine
	Omitted       int // nodes for which there is no room
}

type drawnHead struct {
	X    int
	Text string
}

type drawnBox struct {
	Node, X, Y    int
	Width, Height int
	Title, Detail string // cut to fit
	Full          string
	Severity      finding.Severity // worst of its findings, "" if there is none
	Count         int
}

type drawnLine struct {
	From, To int
	Path     string
}

// draw lays the graph out: each column's nodes below each other, in the order
// that brings them closest to what they are joined with. Where a column has
// too many, those with findings stay, then those that are joined with most.
func (g Graph) draw(list []PageFinding, marks nodeMarks, words map[string]string) *drawing {
	if len(g.Nodes) == 0 {
		return nil
	}
	counts, worst := make([]int, len(g.Nodes)), make([]finding.Severity, len(g.Nodes))
	for i, f := range list {
		for _, n := range marks[i] {
			counts[n]++
			if worst[n] == "" || f.Severity.AtLeast(worst[n]) {
				worst[n] = f.Severity
			}
		}
	}
	columns, omitted := g.columns(counts)
	d := &drawing{Omitted: omitted}
	place := make([][2]int, len(g.Nodes))
	drawn := make([]bool, len(g.Nodes))
	names := []string{words["graph.source"], words["graph.build"], words["graph.runtime"], words["graph.workload"]}
	rows, x := 0, 1
	for _, col := range columns {
		rows = max(rows, len(col))
	}
	for c, col := range columns {
		if len(col) == 0 {
			continue
		}
		d.Heads = append(d.Heads, drawnHead{x, names[c]})
		top := headHeight + (rows-len(col))*rowHeight/2
		for i, n := range col {
			y := top + i*rowHeight
			place[n], drawn[n] = [2]int{x, y}, true
			node := g.Nodes[n]
			d.Boxes = append(d.Boxes, drawnBox{
				Node: n, X: x, Y: y, Width: boxWidth, Height: boxHeight, Title: cutFront(clean(node.Title), 25), Detail: cutFront(clean(node.Detail), 27),
				Full: strings.TrimSpace(clean(node.Title + "\n" + node.Detail)), Severity: worst[n], Count: counts[n],
			})
		}
		d.Width = x + boxWidth + 1
		x += columnWidth
	}
	d.Height = headHeight + rows*rowHeight
	for _, e := range g.Edges {
		if drawn[e.From] && drawn[e.To] {
			a, b := place[e.From], place[e.To]
			x1, y1, x2, y2 := a[0]+boxWidth, a[1]+boxHeight/2, b[0], b[1]+boxHeight/2
			bend := max(30, (x2-x1)/2)
			d.Lines = append(d.Lines, drawnLine{e.From, e.To, fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)})
		}
	}
	return d
}

// cutFront shortens s to n cells and keeps its end, which tells paths apart.
func cutFront(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	rs := []rune(s)
	i, room := len(rs), n-1
	for i > 0 && room >= runeWidth(rs[i-1]) {
		i--
		room -= runeWidth(rs[i])
	}
	return "…" + string(rs[i:])
}

// columns chooses and orders the nodes of each column.
func (g Graph) columns(counts []int) (columns [columnCount][]int, omitted int) {
	degree, near := make([]int, len(g.Nodes)), make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		degree[e.From]++
		degree[e.To]++
		near[e.From] = append(near[e.From], e.To)
		near[e.To] = append(near[e.To], e.From)
	}
	for n, node := range g.Nodes {
		columns[node.Column] = append(columns[node.Column], n)
	}
	for c, col := range columns {
		if len(col) > maxRows {
			slices.SortStableFunc(col, func(a, b int) int {
				return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(degree[b], degree[a]))
			})
			omitted += len(col) - maxRows
			columns[c] = col[:maxRows]
			slices.Sort(columns[c])
		}
	}
	// A few sweeps of the barycentre method (Sugiyama, Tagawa, Toda 1981).
	height := make([]float64, len(g.Nodes))
	settle := func(col []int) {
		for i, n := range col {
			height[n] = float64(i) - float64(len(col))/2
		}
	}
	for _, col := range columns {
		settle(col)
	}
	for sweep := range 6 {
		for i := range columnCount {
			c := i
			if sweep%2 == 1 {
				c = columnCount - 1 - i
			}
			middle := map[int]float64{}
			for _, n := range columns[c] {
				sum, k := 0.0, 0
				for _, m := range near[n] {
					if g.Nodes[m].Column != c {
						sum, k = sum+height[m], k+1
					}
				}
				middle[n] = height[n]
				if k > 0 {
					middle[n] = sum / float64(k)
				}
			}
			slices.SortStableFunc(columns[c], func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
			settle(columns[c])
		}
	}
	return columns, omitted
}
