package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func sample(groups, cells int) Treemap {
	r := rand.New(rand.NewPCG(1, 2))
	t := Treemap{
		Title: "Where the bytes of orders come from", Note: "Point at one.", Desc: "main: 1 MB",
		Names:  []string{"main module", "依赖"},
		Format: func(v float64) string { return fmt.Sprintf("%.0f kB", v) },
		Rest: func(n int, cells bool) string {
			return fmt.Sprintf("其余 %d 项", n)
		},
	}
	for i := range groups {
		g := Group{Label: fmt.Sprintf("example.com/some/module<%d>&", i), Short: fmt.Sprintf("模块%d", i), Tip: "tip", Colour: i % 2}
		for j := range cells {
			g.Cells = append(g.Cells, Cell{Label: fmt.Sprintf("internal/package%d", j), Short: "package", Tip: `"quoted"`, Value: math.Exp(8 * r.Float64())})
		}
		t.Groups = append(t.Groups, g)
	}
	return t
}

// drawn is what a reader of SVG makes of a picture.
type drawn struct {
	boxes []box
	texts []struct {
		box
		s string
	}
}

func parse(t *testing.T, svg string) drawn {
	t.Helper()
	var d drawn
	dec := xml.NewDecoder(strings.NewReader(svg))
	class, x, y := "", 0.0, 0.0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			at := map[string]float64{}
			class = ""
			for _, a := range e.Attr {
				if v, err := strconv.ParseFloat(a.Value, 64); err == nil {
					at[a.Name.Local] = v
				}
				if a.Name.Local == "class" {
					class = a.Value
				}
			}
			if e.Name.Local == "rect" {
				d.boxes = append(d.boxes, box{at["x"], at["y"], at["width"], at["height"]})
				class = ""
			}
			if e.Name.Local != "text" {
				class = ""
			}
			x, y = at["x"], at["y"]
		case xml.CharData:
			if class == "" {
				continue
			}
			w := textWidth(string(e))
			b := box{x, y - 10, w, 12}
			if strings.Contains(class, "right") {
				b.x -= w
			}
			d.texts = append(d.texts, struct {
				box
				s string
			}{b, string(e)})
		}
	}
}

func (b box) overlaps(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

func TestTreemap(t *testing.T) {
	for _, n := range [][2]int{{1, 1}, {3, 5}, {40, 12}, {300, 3}, {2, 900}} {
		c := sample(n[0], n[1])
		p := c.Draw()
		d := parse(t, p.Inline())
		for i, x := range d.texts {
			if x.x < 0 || x.x+x.w > float64(p.Width) || x.y+x.h > float64(p.Height) {
				t.Errorf("%v: %q runs out of the picture", n, x.s)
			}
			for _, y := range d.texts[:i] {
				if x.overlaps(y.box) {
					t.Errorf("%v: %q is written over %q", n, x.s, y.s)
				}
			}
		}
		for _, b := range d.boxes {
			if b.w < 0 || b.h < 0 || b.x < 0 || b.x+b.w > float64(p.Width)+.2 || b.y+b.h > float64(p.Height)+.2 || math.IsNaN(b.x+b.y+b.w+b.h) {
				t.Errorf("%v: a box at %+v", n, b)
			}
		}
		if len(d.texts) < 2 || !strings.Contains(p.Inline(), "<desc>main: 1 MB</desc>") {
			t.Errorf("%v: %d texts", n, len(d.texts))
		}
	}
}

// The areas are in proportion to the values, and fill the box.
func TestSquarify(t *testing.T) {
	in := box{10, 20, 300, 170}
	values := []float64{500, 300, 120, 80, 40, 40, 12, 3, 1, 0.5}
	total := 0.0
	for _, v := range values {
		total += v
	}
	boxes := squarify(values, in)
	for i, b := range boxes {
		if got, want := b.w*b.h/(in.w*in.h), values[i]/total; math.Abs(got-want) > 1e-9 {
			t.Errorf("box %d has %v of the area, want %v", i, got, want)
		}
		if b.x < in.x-1e-9 || b.y < in.y-1e-9 || b.x+b.w > in.x+in.w+1e-9 || b.y+b.h > in.y+in.h+1e-9 {
			t.Errorf("box %d lies outside: %+v", i, b)
		}
		for j, o := range boxes[:i] {
			o = o.inset(1e-9)
			if b.inset(1e-9).overlaps(o) {
				t.Errorf("boxes %d and %d overlap", i, j)
			}
		}
	}
	for _, empty := range [][]float64{nil, {0}, {0, 0}} {
		for _, b := range squarify(empty, in) {
			if b != (box{}) {
				t.Errorf("%v: %+v", empty, b)
			}
		}
	}
}

func TestTreemapOfNothing(t *testing.T) {
	p := Treemap{Title: "nothing"}.Draw()
	parse(t, p.Inline())
	p = Treemap{Title: "nothing", Groups: []Group{{Label: "a", Cells: []Cell{{Value: -1}}}}, Format: func(float64) string { return "" }}.Draw()
	parse(t, p.Inline())
}
