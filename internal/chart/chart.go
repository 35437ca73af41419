// Package chart draws pictures of numbers as SVG: bars, intervals, curves. A
// picture needs nothing but itself, is the same for the same numbers, and is
// readable on a light and a dark ground, by a screen reader, and in print.
//
// The package knows neither what the numbers mean nor any language: labels
// come with them, ready to be shown.
package chart

import (
	"bytes"
	_ "embed" // the style of all pictures
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Style is the style sheet of all pictures. A page that holds pictures from
// Inline must have it.
//
//go:embed chart.css
var Style string

// Picture is a drawing that is finished.
type Picture struct {
	Title  string // what it shows, in a few words
	Desc   string // the same for whoever cannot see it
	Width  int    // pixels
	Height int
	body   bytes.Buffer
}

// Inline gives the picture as a part of an HTML page, without the style.
func (p *Picture) Inline() string { return p.svg("") }

// WriteTo writes the picture as a file of its own. The style sheet is in it, so
// that it is shown right where no other file can be had, and so is a ground,
// since nobody knows what it will be laid on.
func (p *Picture) WriteTo(w io.Writer) (int64, error) {
	ground := fmt.Sprintf(`<style>%s</style><rect class="ground" width="%d" height="%d" rx="8"/>`, Style, p.Width, p.Height)
	n, err := io.WriteString(w, p.svg(ground)+"\n")
	if err != nil {
		return int64(n), fmt.Errorf("write picture: %w", err)
	}
	return int64(n), nil
}

func (p *Picture) svg(first string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="0 0 %d %d" width="%d" height="%d">`, p.Width, p.Height, p.Width, p.Height)
	fmt.Fprintf(&b, `<title>%s</title><desc>%s</desc>%s`, escape(p.Title), escape(p.Desc), first)
	b.Write(p.body.Bytes())
	b.WriteString("</svg>")
	return b.String()
}

// escape makes text from anywhere safe in SVG. Control characters, which XML
// cannot hold, are left out.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

func (p *Picture) text(x, y float64, class, s string) {
	fmt.Fprintf(&p.body, `<text x="%s" y="%s" class="%s">%s</text>`, num(x), num(y), class, escape(s))
}

func (p *Picture) rect(x, y, w, h float64, class, tip string) {
	fmt.Fprintf(&p.body, `<rect x="%s" y="%s" width="%s" height="%s" class="%s">`, num(x), num(y), num(w), num(h), class)
	if tip != "" {
		fmt.Fprintf(&p.body, `<title>%s</title>`, escape(tip))
	}
	p.body.WriteString("</rect>")
}

func (p *Picture) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&p.body, `<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`, num(x1), num(y1), num(x2), num(y2), class)
}

func (p *Picture) dot(x, y, r float64, class, tip string) {
	fmt.Fprintf(&p.body, `<circle cx="%s" cy="%s" r="%s" class="%s"><title>%s</title></circle>`, num(x), num(y), num(r), class, escape(tip))
}

// group marks what belongs to one row, so that a page can light it up.
func (p *Picture) group(row int) { fmt.Fprintf(&p.body, `<g class="row" data-row="%d">`, row) }

func (p *Picture) end() { p.body.WriteString("</g>") }

// num writes a coordinate to a tenth of a pixel.
func num(v float64) string {
	s := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(s, ".0")
}

// series is the class of the i-th colour; there are eight.
func series(i int) string { return fmt.Sprintf("s%d", i%Colours) }

// Colours is how many series can be told apart.
const Colours = 8

// textWidth estimates how wide a text is at 13 pixels: wide characters are
// square, others a little more than half of it.
func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case r >= 0x2e80:
			w += 13
		case strings.ContainsRune("iljt.,:;|' ()[]/·", r):
			w += 4.4
		case r >= 'A' && r <= 'Z' || r == 'm' || r == 'w' || r == '%':
			w += 9.6
		default:
			w += 7.4
		}
	}
	return w
}

// noteWidth is that of the smaller text of notes and ticks.
func noteWidth(s string) float64 { return textWidth(s)*0.95 + 6 }

// tick gives the label of a tick, which is a round number: 20.0 ms is 20 ms.
func tick(format func(float64) string, v float64) string {
	if v == 0 {
		return "0"
	}
	num, unit, _ := strings.Cut(format(v), " ")
	if strings.Contains(num, ".") {
		num = strings.TrimRight(strings.TrimRight(num, "0"), ".")
	}
	return strings.TrimSpace(num + " " + unit)
}

// shorten cuts text that is wider than limit.
func shorten(s string, limit float64) string {
	if textWidth(s) <= limit {
		return s
	}
	w := 9.0
	for i, r := range s {
		if w += textWidth(string(r)); w > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// Scale is an axis from Min to Max with round ticks.
type Scale struct {
	Min, Max float64
	Ticks    []float64
}

// Nice gives a scale that holds lo and hi with about n ticks at 1, 2, 2.5 or 5
// times a power of ten.
func Nice(lo, hi float64, n int) Scale {
	if !(hi > lo) {
		hi = lo + math.Max(1, math.Abs(lo)*0.1)
	}
	raw := (hi - lo) / float64(max(1, n))
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= raw {
			step = m * power
			break
		}
	}
	s := Scale{Min: math.Floor(lo/step) * step, Max: math.Ceil(hi/step) * step}
	for i := 0; i <= 64; i++ {
		v := s.Min + float64(i)*step
		if v > s.Max+step/2 {
			break
		}
		s.Ticks = append(s.Ticks, v)
	}
	return s
}

// at gives where v lies between from and to.
func (s Scale) at(v, from, to float64) float64 {
	t := (v - s.Min) / (s.Max - s.Min)
	return from + math.Min(1, math.Max(0, t))*(to-from)
}

// The measures of all pictures, in pixels.
const (
	width   = 760
	margin  = 20
	rowStep = 46 // from one row to the next: a label, and what is drawn below it
	barHigh = 16
)

// legend writes the names of the series from y on and gives the y below it.
func (p *Picture) legend(y float64, names []string) float64 {
	if len(names) == 0 {
		return y
	}
	x := float64(margin)
	for i, n := range names {
		n = shorten(n, 300)
		w := 18 + textWidth(n) + 18
		if x+w > width-margin && x > margin {
			x = margin
			y += 20
		}
		p.rect(x, y, 12, 12, "mark "+series(i), "")
		p.text(x+18, y+11, "label", n)
		x += w
	}
	return y + 28
}

// axis draws the ticks of a horizontal scale between y1 and y2.
func (p *Picture) axis(s Scale, format func(float64) string, x1, x2, y1, y2 float64) {
	for _, t := range s.Ticks {
		x := s.at(t, x1, x2)
		p.line(x, y1, x, y2, "grid")
		p.text(x, y2+16, "tick middle", tick(format, t))
	}
}
