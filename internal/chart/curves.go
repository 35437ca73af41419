package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Curves is a chart of cumulative distributions: which part of the values is
// at most x.
type Curves struct {
	Title  string
	Desc   string
	Rows   []Curve
	Format func(float64) string
}

// Curve is one distribution.
type Curve struct {
	Key    int // what the curve is marked with for the page
	Label  string
	Values []float64
}

// curvePoints bounds the points of one curve; more cannot be seen.
const curvePoints = 400

// Draw makes the picture.
func (c Curves) Draw() *Picture {
	p := &Picture{Title: c.Title, Desc: c.Desc, Width: width}
	lo, hi := math.Inf(1), 0.0
	names := make([]string, len(c.Rows))
	sorted := make([][]float64, len(c.Rows))
	for i, r := range c.Rows {
		names[i] = r.Label
		sorted[i] = slices.Sorted(slices.Values(r.Values))
		if n := len(sorted[i]); n > 0 {
			lo = min(lo, sorted[i][0])
			// A single late start must not press all curves against the wall.
			hi = max(hi, sorted[i][min(n-1, int(float64(n)*0.99))])
		}
	}
	if math.IsInf(lo, 0) {
		lo = 0
	}
	s := Nice(lo, hi, 8)
	y := float64(margin) + 14
	p.text(margin, y, "title", c.Title)
	y = c.legend(p, y+18, names)
	left, right, top, bottom := float64(margin)+44, float64(width-margin)-6, y, y+260
	for _, q := range []float64{0, 25, 50, 75, 90, 100} {
		at := bottom - q/100*(bottom-top)
		p.line(left, at, right, at, "grid")
		p.text(left-8, at+4, "tick right", fmt.Sprintf("%g %%", q))
	}
	p.axis(s, c.Format, left, right, top, bottom)
	for i, values := range sorted {
		n := len(values)
		if n == 0 {
			continue
		}
		var d strings.Builder
		step := max(1, n/curvePoints)
		fmt.Fprintf(&d, "M%s %s", num(s.at(values[0], left, right)), num(bottom))
		for k := 0; k < n; k += step {
			if values[k] > s.Max {
				break
			}
			fmt.Fprintf(&d, "H%sV%s", num(s.at(values[k], left, right)), num(bottom-float64(k+1)/float64(n)*(bottom-top)))
		}
		p.group(c.Rows[i].Key)
		fmt.Fprintf(&p.body, `<path d="%s" class="curve %s%s"><title>%s</title></path>`, d.String(), series(i), dash(i), escape(c.Rows[i].Label))
		p.end()
	}
	p.Height = int(bottom) + 30
	return p
}

// dash tells curves of the same colour apart.
func dash(i int) string {
	if d := i / Colours % 4; d > 0 {
		return fmt.Sprintf(" dash%d", d)
	}
	return ""
}

// legend is a line with its dashes for each curve.
func (c Curves) legend(p *Picture, y float64, names []string) float64 {
	x := float64(margin)
	for i, n := range names {
		n = shorten(n, 320)
		w := 30 + textWidth(n) + 18
		if x+w > width-margin && x > margin {
			x = margin
			y += 20
		}
		p.group(c.Rows[i].Key)
		fmt.Fprintf(&p.body, `<path d="M%s %sh22" class="curve %s%s"/>`, num(x), num(y+7), series(i), dash(i))
		p.text(x+30, y+11, "label", n)
		p.end()
		x += w
	}
	return y + 30
}

// Points is a chart of values in the order they were taken.
type Points struct {
	Title  string
	Desc   string
	Values []float64
	Format func(float64) string
}

// Draw makes the picture.
func (c Points) Draw() *Picture {
	p := &Picture{Title: c.Title, Desc: c.Desc, Width: width}
	hi := 0.0
	for _, v := range c.Values {
		hi = max(hi, v)
	}
	s := Nice(0, hi, 3)
	p.text(margin, margin+14, "title", c.Title)
	left, right, top, bottom := float64(margin)+64, float64(width-margin)-6, float64(margin)+34, float64(margin)+134
	for _, t := range s.Ticks {
		y := s.at(t, bottom, top)
		p.line(left, y, right, y, "grid")
		p.text(left-8, y+4, "tick right", tick(c.Format, t))
	}
	step := max(1, len(c.Values)/1000)
	for i := 0; i < len(c.Values); i += step {
		x := left + (float64(i)+0.5)/float64(len(c.Values))*(right-left)
		p.dot(x, s.at(c.Values[i], bottom, top), 2, "s0", c.Format(c.Values[i]))
	}
	p.Height = int(bottom) + 18
	return p
}
