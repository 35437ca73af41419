package plan

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Measures of the drawing, in pixels.
const (
	fontSize   = 13
	lineHeight = 18
	padding    = 9  // between a box and its text
	gapBoxes   = 8  // between boxes above each other
	gapRows    = 22 // between decisions
	margin     = 24
	factX      = margin
	factW      = 330
	decisionX  = factX + factW + 64
	decisionW  = 330
	rejectedX  = decisionX + decisionW + 64
	rejectedW  = 290
	svgWidth   = rejectedX + rejectedW + margin
	boldFactor = 1.13 // a bold letter against the same letter
)

// svgStyle holds no font and no colour that a viewer might lack; a dark
// viewer gets dark colours.
const svgStyle = `
svg{--bg:#fff;--fg:#1c2430;--dim:#5b6675;--line:#8a94a3;--fact:#f3f5f8;--factline:#c3cad4;--dec:#e8f0fe;--decline:#2f6fde;--res:#e6f5ec;--resline:#23864a;--rej:#8a8f98;--rejline:#b8bdc5;--stage:#2f6fde}
@media (prefers-color-scheme:dark){svg{--bg:#12161c;--fg:#e4e8ee;--dim:#a3adba;--line:#6d7887;--fact:#1b212a;--factline:#3a4554;--dec:#14264a;--decline:#6ea0ff;--res:#11301f;--resline:#4cc27e;--rej:#8d95a1;--rejline:#4d5663;--stage:#6ea0ff}}
.bg{fill:var(--bg)}
text{font:13px system-ui,"Segoe UI","Noto Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;fill:var(--fg);white-space:pre}
.title{font-size:20px;font-weight:600}.col{fill:var(--dim);font-weight:600}
.stage{fill:var(--stage);font-size:15px;font-weight:600}
.rule{stroke:var(--stage);stroke-width:1;opacity:.4}
.head{fill:var(--dim)}.id{fill:var(--decline);font-weight:600}.choice{font-weight:600}
.fact rect{fill:var(--fact);stroke:var(--factline)}
.decision rect{fill:var(--dec);stroke:var(--decline);stroke-width:1.5}
.rejected rect{fill:none;stroke:var(--rejline);stroke-dasharray:4 3}.rejected text{fill:var(--rej)}.rejected .choice{text-decoration:line-through}
.result rect{fill:var(--res);stroke:var(--resline);stroke-width:1.5}
.edge{fill:none;stroke:var(--line);stroke-width:1.3}
.no{stroke:var(--rejline);stroke-dasharray:4 3}
.spine{fill:none;stroke:var(--decline);stroke-width:2.5}
`

// styled is a run of lines of one class.
type styled struct {
	class string
	bold  bool
	text  string
}

// box is a rectangle with wrapped text, placed by its upper left corner.
type box struct {
	class string
	w, h  int
	lines []styled
}

func newBox(class string, w int, parts ...styled) box {
	b := box{class: class, w: w, h: 2 * padding}
	for _, p := range parts {
		limit := float64(w-2*padding) / fontSize
		if p.bold {
			limit /= boldFactor
		}
		for _, line := range wrap(p.text, limit) {
			b.lines = append(b.lines, styled{p.class, p.bold, line})
			b.h += lineHeight
		}
	}
	return b
}

func height(bs []box) int {
	h := 0
	for i, b := range bs {
		if i > 0 {
			h += gapBoxes
		}
		h += b.h
	}
	return h
}

// canvas collects edges apart from boxes: edges are drawn below.
type canvas struct{ edges, boxes bytes.Buffer }

func (c *canvas) box(b box, x, y int) {
	fmt.Fprintf(&c.boxes, `<g class="box %s"><rect x="%d" y="%d" width="%d" height="%d" rx="6"/>`, b.class, x, y, b.w, b.h)
	for i, l := range b.lines {
		c.text(l.class, x+padding, y+padding+i*lineHeight+fontSize, l.text)
	}
	c.boxes.WriteString("</g>\n")
}

func (c *canvas) text(class string, x, y int, s string) {
	c.boxes.WriteString("<text")
	if class != "" {
		fmt.Fprintf(&c.boxes, ` class="%s"`, class)
	}
	fmt.Fprintf(&c.boxes, ` x="%d" y="%d">`, x, y)
	escape(&c.boxes, s)
	c.boxes.WriteString("</text>")
}

func (c *canvas) curve(class string, x1, y1, x2, y2 int) {
	mid := (x1 + x2) / 2
	fmt.Fprintf(&c.edges, `<path class="%s" d="M%d %dC%d %d %d %d %d %d"/>`+"\n", class, x1, y1, mid, y1, mid, y2, x2, y2)
}

func (c *canvas) spine(x, y1, y2 int) {
	fmt.Fprintf(&c.edges, `<path class="spine" d="M%d %dV%d"/>`+"\n", x, y1, y2)
}

func escape(b *bytes.Buffer, s string) {
	_ = xml.EscapeText(b, []byte(s)) // a bytes.Buffer takes everything
}

// WriteSVG draws the way from the facts over the decisions to the results.
// The picture holds all it needs and follows the viewer's light or dark
// colours. Decisions are joined by a solid line down to the results; what was
// rejected is grey and dashed, with the reason.
func WriteSVG(w io.Writer, p Plan, l i18n.Lang) error {
	var c canvas
	title := graphTitle(p, l)
	y := margin + 20
	for _, line := range wrap(title, float64(svgWidth-2*margin)/20/boldFactor) {
		c.text("title", margin, y, line)
		y += 26
	}
	y += 6
	c.text("col", factX, y, i18n.M("plan.graph.facts").In(l))
	c.text("col", decisionX, y, i18n.M("plan.graph.decisions").In(l))
	c.text("col", rejectedX, y, i18n.M("plan.graph.rejected").In(l))
	y += 18
	centre := decisionX + decisionW/2
	spineFrom := 0
	for _, s := range stages(p) {
		y = c.stage(y, s.title.In(l))
		for _, d := range s.rows {
			y, spineFrom = c.decision(d, l, y, centre, spineFrom)
		}
	}
	y = c.stage(y, i18n.M("plan.graph.results").In(l))
	y = c.results(p.Targets, l, y, centre, spineFrom)
	return c.write(w, title, l, y)
}

// stage draws the heading of a stage and gives where its rows begin.
func (c *canvas) stage(y int, title string) int {
	c.text("stage", margin, y+18, title)
	fmt.Fprintf(&c.edges, `<path class="rule" d="M%d %dH%d"/>`+"\n", margin, y+27, svgWidth-margin)
	return y + 42
}

// decision draws one row and gives where the next begins, and where the line
// that joins decisions leaves it.
func (c *canvas) decision(d Decision, l i18n.Lang, y, centre, spineFrom int) (next, spine int) {
	var facts, rejected []box
	for _, f := range factCaptions(d, l) {
		facts = append(facts, newBox("fact", factW, styled{"head", false, f.head}, styled{text: f.body}))
	}
	for _, r := range rejectedCaptions(d, l) {
		rejected = append(rejected, newBox("rejected", rejectedW, styled{"choice", true, r.head}, styled{text: r.body}))
	}
	made := newBox("decision", decisionW, styled{"id", true, d.name()}, styled{"choice", true, d.Choice}, styled{text: d.Why.In(l)})
	h := max(made.h, height(facts), height(rejected))
	top := y + (h-made.h)/2
	c.box(made, decisionX, top)
	at := y + (h-height(facts))/2
	for _, b := range facts {
		c.box(b, factX, at)
		c.curve("edge", factX+factW, at+b.h/2, decisionX, top+made.h/2)
		at += b.h + gapBoxes
	}
	at = y + (h-height(rejected))/2
	for _, b := range rejected {
		c.box(b, rejectedX, at)
		c.curve("edge no", decisionX+decisionW, top+made.h/2, rejectedX, at+b.h/2)
		at += b.h + gapBoxes
	}
	if spineFrom > 0 {
		c.spine(centre, spineFrom, top)
	}
	return y + h + gapRows, top + made.h
}

// results draws one card for each target, three side by side.
func (c *canvas) results(targets []Target, l i18n.Lang, y, centre, spineFrom int) int {
	const side = 3
	cardW := (svgWidth - 2*margin - (side-1)*margin) / side
	for from := 0; from < len(targets); from += side {
		row := targets[from:min(from+side, len(targets))]
		// A short row stands in the middle, below the line that leads to it.
		left := centre - (len(row)*cardW+(len(row)-1)*margin)/2
		left = max(margin, min(left, svgWidth-margin-len(row)*cardW-(len(row)-1)*margin))
		bottom := y
		for i, t := range row {
			parts := []styled{{"choice", true, t.Platform.String()}}
			for _, line := range resultLines(t, l) {
				parts = append(parts, styled{text: line})
			}
			b := newBox("result", cardW, parts...)
			x := left + i*(cardW+margin)
			c.box(b, x, y)
			bottom = max(bottom, y+b.h)
			if from == 0 && spineFrom > 0 {
				fmt.Fprintf(&c.edges, `<path class="spine" d="M%d %dV%dH%dV%d"/>`+"\n", centre, spineFrom, y-gapBoxes, x+cardW/2, y)
			}
		}
		y = bottom + margin
	}
	return y
}

func (c *canvas) write(w io.Writer, title string, l i18n.Lang, h int) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" lang="%s">`, svgWidth, h, svgWidth, h, l)
	out.WriteString("\n<title>")
	escape(&out, title)
	out.WriteString("</title>\n<style>" + svgStyle + "</style>\n")
	fmt.Fprintf(&out, `<rect class="bg" width="%d" height="%d"/>`+"\n", svgWidth, h)
	out.Write(c.edges.Bytes())
	out.Write(c.boxes.Bytes())
	out.WriteString("</svg>\n")
	_, err := w.Write(out.Bytes())
	return err
}
