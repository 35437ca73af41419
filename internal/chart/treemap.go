package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Treemap is a picture of parts within parts: the area of each is its value.
// What is too small to be seen is drawn together as one part.
type Treemap struct {
	Title string
	Note  string // below the title
	Desc  string
	// Width and Height in pixels; 0 stands for 1040 and 680.
	Width, Height int
	Names         []string // of the colours, for the legend
	Groups        []Group
	Format        func(float64) string
	// Rest names n groups, or n cells of a group, that are drawn together.
	Rest func(n int, cells bool) string
}

// Group is a part that has parts.
type Group struct {
	Label  string
	Short  string // in its place where that does not fit; may be empty
	Tip    string // shown by the browser when the pointer rests on it
	Colour int    // index into Names
	Cells  []Cell
}

// Cell is a part of a group.
type Cell struct {
	Label string
	Short string // in its place where that does not fit; may be empty
	Tip   string
	Value float64 // not negative
}

func (g Group) sum() float64 {
	s := 0.0
	for _, c := range g.Cells {
		s += math.Max(0, c.Value)
	}
	return s
}

// The least areas and sides that are drawn on their own, in pixels.
const (
	leastGroup = 900
	leastCell  = 260
	headHigh   = 19
	gap        = 1.5
)

type box struct{ x, y, w, h float64 }

// inset gives the box without a rim of d pixels, or of less where that would
// leave nothing.
func (b box) inset(d float64) box {
	d = math.Min(d, math.Min(b.w, b.h)/4)
	return box{b.x + d, b.y + d, math.Max(0, b.w-2*d), math.Max(0, b.h-2*d)}
}

// Draw makes the picture.
func (t Treemap) Draw() *Picture {
	p := &Picture{Title: t.Title, Desc: t.Desc, Width: cmp.Or(t.Width, 1040), Height: cmp.Or(t.Height, 680)}
	w, h := float64(p.Width), float64(p.Height)
	y := float64(margin) + 14
	p.text(margin, y, "title", shorten(t.Title, (w-2*margin)*13/15))
	if t.Note != "" {
		y += 20
		p.text(margin, y, "note", shorten(t.Note, w-2*margin))
	}
	y = p.swatches(y+12, w, t.used())
	area := box{margin, y, w - 2*margin, h - y - margin}
	groups := t.merge(area.w * area.h)
	total := 0.0
	values := make([]float64, len(groups))
	for i, g := range groups {
		values[i] = g.sum()
		total += values[i]
	}
	if total <= 0 || area.w <= 0 || area.h <= 0 {
		return p
	}
	for i, b := range squarify(values, area) {
		t.group(p, groups[i], b.inset(gap), values[i])
	}
	return p
}

// How much of a colour is seen, so that ink stays readable on it in the light
// and in the dark.
const (
	frameOpacity = .16
	cellOpacity  = .3
)

// area draws a box in a colour that lets the ground through.
func (p *Picture) area(b box, colour int, opacity float64, tip string) {
	fmt.Fprintf(&p.body, `<rect x="%s" y="%s" width="%s" height="%s" class="%s" fill-opacity="%.2f">`, num(b.x), num(b.y), num(b.w), num(b.h), series(colour), opacity)
	if tip != "" {
		fmt.Fprintf(&p.body, `<title>%s</title>`, escape(tip))
	}
	p.body.WriteString("</rect>")
}

type swatch struct {
	name   string
	colour int
}

// used are the colours that groups have.
func (t Treemap) used() []swatch {
	var out []swatch
	for i, n := range t.Names {
		if slices.ContainsFunc(t.Groups, func(g Group) bool { return g.Colour == i && g.sum() > 0 }) {
			out = append(out, swatch{n, i})
		}
	}
	return out
}

// swatches writes the legend from y on and gives the y below it.
func (p *Picture) swatches(y, width float64, list []swatch) float64 {
	if len(list) == 0 {
		return y
	}
	x := float64(margin)
	for _, s := range list {
		n := shorten(s.name, 300)
		w := 18 + textWidth(n) + 18
		if x+w > width-margin && x > margin {
			x = margin
			y += 20
		}
		p.area(box{x, y, 12, 12}, s.colour, cellOpacity, "")
		p.text(x+18, y+11, "label", n)
		x += w
	}
	return y + 22
}

// merge puts the groups that would be too small into one for each colour.
func (t Treemap) merge(area float64) []Group {
	total := 0.0
	for _, g := range t.Groups {
		total += g.sum()
	}
	if total <= 0 {
		return nil
	}
	var out []Group
	small := map[int][]Group{}
	for _, g := range t.Groups {
		switch n := g.sum(); {
		case n <= 0:
		case n/total*area < leastGroup:
			small[g.Colour] = append(small[g.Colour], g)
		default:
			out = append(out, g)
		}
	}
	for colour := range max(len(t.Names), Colours) {
		list := small[colour]
		if len(list) == 0 {
			continue
		}
		if len(list) == 1 {
			out = append(out, list[0])
			continue
		}
		g := Group{Label: t.Rest(len(list), false), Colour: colour}
		sum := 0.0
		for _, s := range list {
			g.Cells = append(g.Cells, Cell{Label: s.Label, Short: s.Short, Tip: s.Tip, Value: s.sum()})
			sum += s.sum()
		}
		g.Tip = g.Label + ": " + t.Format(sum)
		out = append(out, g)
	}
	slices.SortStableFunc(out, func(a, b Group) int { return cmp.Compare(b.sum(), a.sum()) })
	return out
}

// group draws one group with its cells.
func (t Treemap) group(p *Picture, g Group, b box, value float64) {
	if b.w <= 0 || b.h <= 0 {
		return
	}
	p.area(b, g.Colour, frameOpacity, g.Tip)
	inner := b.inset(gap)
	if b.h >= headHigh+24 && b.w >= 48 {
		size := t.Format(value)
		room := b.w - 12
		label, ok := fit(g.Label, g.Short, room/bolder)
		if ok && (textWidth(label)+textWidth(size))*wider*bolder+14 <= room {
			p.text(b.x+b.w-6, b.y+14, "value right", size)
		}
		if ok {
			p.text(b.x+6, b.y+14, "value", label)
			inner.y, inner.h = inner.y+headHigh, inner.h-headHigh
		}
	}
	if len(g.Cells) == 1 && inner.y > b.y+headHigh {
		return // the group says it all
	}
	cells := t.mergeCells(g, value, inner.w*inner.h)
	values := make([]float64, len(cells))
	for i, c := range cells {
		values[i] = c.Value
	}
	for i, cb := range squarify(values, inner) {
		t.cell(p, g, cells[i], cb.inset(gap/2))
	}
}

// mergeCells puts the cells that would be too small into one.
func (t Treemap) mergeCells(g Group, total, area float64) []Cell {
	var out []Cell
	var small []Cell
	rest := 0.0
	for _, c := range g.Cells {
		switch {
		case c.Value <= 0:
		case c.Value/total*area < leastCell:
			small = append(small, c)
			rest += c.Value
		default:
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Cell) int { return cmp.Compare(b.Value, a.Value) })
	switch len(small) {
	case 0:
		return out
	case 1:
		return append(out, small...)
	}
	label := t.Rest(len(small), true)
	return append(out, Cell{Label: label, Tip: label + ": " + t.Format(rest), Value: rest})
}

func (t Treemap) cell(p *Picture, g Group, c Cell, b box) {
	if b.w <= 0 || b.h <= 0 {
		return
	}
	p.area(b, g.Colour, cellOpacity, c.Tip)
	if b.h < 17 || b.w < 30 {
		return
	}
	class, scale := "label", 1.0
	label, ok := fit(c.Label, c.Short, b.w-8)
	if !ok || label != c.Label {
		// Smaller letters show more of the name.
		if small, fits := fit(c.Label, c.Short, (b.w-6)*noteScale); fits && !(ok && label == c.Short) {
			class, scale, label, ok = "note", 1/noteScale, small, true
		}
	}
	if !ok {
		return
	}
	p.text(b.x+4, b.y+13, class, label)
	if size := t.Format(c.Value); b.h >= 33 && textWidth(size)*scale <= b.w-8 {
		p.text(b.x+4, b.y+28, "note", size)
	}
}

// noteScale is how much smaller than labels notes are written.
const noteScale = 13 / 11.5

// How much wider text may be than textWidth says, since nobody knows the fonts
// of whoever looks at the picture; and how much wider it is when it is bold.
const (
	wider  = 1.1
	bolder = 1.14
)

// fit gives the label, or the short one, or as much of that as somebody can
// know it by; false if there is no room.
func fit(label, short string, room float64) (string, bool) {
	room /= wider
	short = cmp.Or(short, label)
	for _, s := range [...]string{label, short} {
		if textWidth(s) <= room {
			return s, true
		}
	}
	cut := shorten(short, room)
	return cut, len([]rune(cut)) >= 6 && textWidth(cut) <= room
}

// squarify gives a box for each value, the areas of which are in proportion to
// the values and the sides of which are as equal as can be (Bruls, Huizing and
// van Wijk, Squarified Treemaps, 2000). The largest values should come first.
func squarify(values []float64, in box) []box {
	out := make([]box, len(values))
	total := 0.0
	for _, v := range values {
		total += v
	}
	if total <= 0 || in.w <= 0 || in.h <= 0 {
		return out
	}
	scale := in.w * in.h / total
	for from := 0; from < len(values); {
		side := math.Min(in.w, in.h)
		sum, to := 0.0, from
		best := math.Inf(1)
		for to < len(values) {
			next := sum + values[to]*scale
			if worst := worstRatio(values[from:to+1], scale, next, side); worst <= best {
				best, sum, to = worst, next, to+1
				continue
			}
			break
		}
		if to == from {
			break
		}
		thick := 0.0
		if side > 0 {
			thick = sum / side
		}
		at := 0.0
		for i := from; i < to; i++ {
			long := 0.0
			if thick > 0 {
				long = values[i] * scale / thick
			}
			if in.w >= in.h { // a column at the left
				out[i] = box{in.x, in.y + at, thick, long}
			} else {
				out[i] = box{in.x + at, in.y, long, thick}
			}
			at += long
		}
		if in.w >= in.h {
			in.x, in.w = in.x+thick, math.Max(0, in.w-thick)
		} else {
			in.y, in.h = in.y+thick, math.Max(0, in.h-thick)
		}
		from = to
	}
	return out
}

// worstRatio is that of the longer to the shorter side of the worst box in a
// row whose areas are sum together.
func worstRatio(row []float64, scale, sum, side float64) float64 {
	if sum <= 0 || side <= 0 {
		return 0
	}
	lo, hi := math.Inf(1), 0.0
	for _, v := range row {
		lo, hi = math.Min(lo, v*scale), math.Max(hi, v*scale)
	}
	if lo <= 0 {
		return math.MaxFloat64
	}
	return math.Max(side*side*hi/(sum*sum), sum*sum/(side*side*lo))
}
