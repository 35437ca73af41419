package chart

import (
	"fmt"
	"math"
)

// Spans is a chart of distributions: for each row its median with the
// confidence interval, P90 and P99, and the smallest value.
type Spans struct {
	Title  string
	Desc   string
	Rows   []Span
	Format func(float64) string
	// Names of the marks, for the legend: interval of the median, P90, P99.
	Names [3]string
}

// Span is one distribution. NaN stands for what is not known.
type Span struct {
	Key                int // what the row is marked with for the page
	Label              string
	Value              string // of the median, as it is shown
	Note               string
	Min, P50, P90, P99 float64
	Lo, Hi             float64 // interval of P50
	Muted              bool    // it is there to be compared with, as a floor is
}

// Draw makes the picture.
func (c Spans) Draw() *Picture {
	p := &Picture{Title: c.Title, Desc: c.Desc, Width: width}
	hi := 0.0
	notes := 0.0
	for _, r := range c.Rows {
		if r.Note != "" {
			notes = max(notes, 10+noteWidth(r.Note))
		}
		for _, v := range []float64{r.P50, r.P90, r.P99, r.Hi} {
			if !math.IsNaN(v) {
				hi = max(hi, v)
			}
		}
	}
	s := Nice(0, hi, 7)
	left, right := float64(margin)+6, float64(width-margin)-6
	y := float64(margin) + 14
	p.text(margin, y, "title", c.Title)
	y += 20
	x := left
	mark := func(name string, draw func(x float64)) {
		draw(x)
		p.text(x+22, y+4, "label", name)
		x += 22 + textWidth(name) + 22
	}
	mark(c.Names[0], func(x float64) {
		p.rect(x-4, y-3, 18, 6, "s0", "")
		p.dot(x+5, y, 5, "s0", c.Names[0])
	})
	mark(c.Names[1], func(x float64) { p.dot(x+5, y, 4.5, "hollow s0", c.Names[1]) })
	mark(c.Names[2], func(x float64) { p.diamond(x+5, y, 5.5, "s1", c.Names[2]) })
	y += 16
	top := y
	bottom := y + float64(len(c.Rows))*rowStep + 2
	p.axis(s, c.Format, left, right, top, bottom)
	for _, r := range c.Rows {
		p.group(r.Key)
		if r.Note != "" {
			p.text(width-margin, y+16, "note right", r.Note)
		}
		p.text(width-margin-notes, y+16, "value right", r.Value)
		p.text(margin, y+16, "label", shorten(r.Label, width-2*margin-notes-textWidth(r.Value)-24))
		c.row(p, s, r, left, right, y+31)
		p.end()
		y += rowStep
	}
	p.Height = int(bottom) + 28
	return p
}

func (c Spans) row(p *Picture, s Scale, r Span, left, right, y float64) {
	at := func(v float64) float64 { return s.at(v, left, right) }
	colour := "s0"
	if r.Muted {
		colour = "s4"
	}
	end := r.P50
	for _, v := range []float64{r.P90, r.P99} {
		if !math.IsNaN(v) {
			end = v
		}
	}
	p.line(at(r.Min), y, at(end), y, "range")
	p.line(at(r.Min), y-4, at(r.Min), y+4, "range")
	if !math.IsNaN(r.Lo) && !math.IsNaN(r.Hi) {
		p.rect(at(r.Lo), y-3, max(1, at(r.Hi)-at(r.Lo)), 6, colour, fmt.Sprintf("%s: %s – %s", c.Names[0], c.Format(r.Lo), c.Format(r.Hi)))
	}
	if !math.IsNaN(r.P99) {
		mark := "s1"
		if r.Muted {
			mark = "s4"
		}
		p.diamond(at(r.P99), y, 5.5, mark, c.Names[2]+": "+c.Format(r.P99))
	}
	if !math.IsNaN(r.P90) {
		p.dot(at(r.P90), y, 4.5, "hollow "+colour, c.Names[1]+": "+c.Format(r.P90))
	}
	p.dot(at(r.P50), y, 5, colour, "P50: "+c.Format(r.P50))
}

func (p *Picture) diamond(x, y, r float64, class, tip string) {
	fmt.Fprintf(&p.body, `<path d="M%s %sL%s %sL%s %sL%s %sZ" class="%s"><title>%s</title></path>`,
		num(x), num(y-r), num(x+r), num(y), num(x), num(y+r), num(x-r), num(y), class, escape(tip))
}
