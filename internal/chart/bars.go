package chart

import "fmt"

// Bars is a chart of horizontal bars, each of which may be of several pieces.
type Bars struct {
	Title  string
	Desc   string
	Names  []string // of the pieces; shown as a legend if there are several
	Rows   []Bar
	Format func(float64) string
}

// Bar is one bar.
type Bar struct {
	Key    int // what the row is marked with for the page, such as its number
	Label  string
	Pieces []float64 // as long as Names
	Note   string    // behind the value, such as a difference
}

func (b Bar) sum() float64 {
	s := 0.0
	for _, v := range b.Pieces {
		s += v
	}
	return s
}

// Draw makes the picture.
func (c Bars) Draw() *Picture {
	p := &Picture{Title: c.Title, Desc: c.Desc, Width: width}
	most := 0.0
	for _, r := range c.Rows {
		most = max(most, r.sum())
	}
	y := float64(margin) + 14
	p.text(margin, y, "title", c.Title)
	y += 18
	if len(c.Names) > 1 {
		y = p.legend(y, c.Names)
	}
	notes := 0.0
	for _, r := range c.Rows {
		if r.Note != "" {
			notes = max(notes, 10+noteWidth(r.Note))
		}
	}
	// The value stands at the right end of the label's line, so that the bars
	// have the whole width.
	for _, r := range c.Rows {
		p.group(r.Key)
		value := c.Format(r.sum())
		room := float64(width - 2*margin)
		if r.Note != "" {
			p.text(width-margin, y+14, "note right", r.Note)
		}
		p.text(width-margin-notes, y+14, "value right", value)
		p.text(margin, y+14, "label", shorten(r.Label, room-notes-textWidth(value)-24))
		p.rect(margin, y+20, room, barHigh, "track", "")
		x := float64(margin)
		for k, v := range r.Pieces {
			if v <= 0 || most <= 0 {
				continue
			}
			w := v / most * room
			tip := c.Format(v)
			if k < len(c.Names) {
				tip = fmt.Sprintf("%s: %s", c.Names[k], tip)
			}
			p.rect(x, y+20, w, barHigh, series(k), tip)
			x += w
		}
		p.end()
		y += rowStep
	}
	p.Height = int(y) + margin/2
	return p
}
