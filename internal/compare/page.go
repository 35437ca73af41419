package compare

import (
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/chart"
	"github.com/slipway-build/slipway/internal/i18n"
)

var (
	//go:embed html/page.html
	pageText string
	//go:embed html/page.css
	pageStyle string
	//go:embed html/page.js
	pageScript string
)

// Page is a result as one HTML file that needs nothing else: no server, no
// net, no other file. All of it is markup, so that it can be read and printed
// without its script, which only sorts tables and lights rows up. Its
// Content-Security-Policy lets nothing else run.
type Page struct {
	Result *Result
	Lang   i18n.Lang
}

type pageView struct {
	Tag, Title, Subject, Policy string
	CSS                         template.CSS
	JS                          template.JS
	Words                       map[string]string
	Facts                       []string
	Warning                     string
	Conclusions                 []pageConclusion
	Sections                    []pageSection
	Growth                      []pageGrowth
	GrowthColumns               []string
	Missing                     [][2]string
	Method                      []string
	Columns                     []string
	Rows                        []pageRow
}

type pageConclusion struct {
	Text   string
	Strong bool // one of the larger differences
	None   bool // nothing to be told from chance
}

type pageSection struct {
	ID, Title string
	SVG       template.HTML
	Note      string
}

type pageGrowth struct {
	What string
	Rows [][]string
}

type pageRow struct {
	Label string
	Cells []pageCell
}

type pageCell struct {
	Text string
	Sort float64 // -1: nothing
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	if err := t.Execute(w, p.view()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func (p Page) view() pageView {
	r, l := p.Result, p.Lang
	css := pageStyle + chart.Style
	v := pageView{
		Tag: string(l), Title: i18n.M("compare.page.title").In(l), Subject: r.Subject, CSS: template.CSS(css), JS: template.JS(pageScript),
		Policy: "default-src 'none'; img-src data:; style-src " + policyHash(css) + "; script-src " + policyHash(pageScript) + "; base-uri 'none'; form-action 'none'",
		Words: map[string]string{
			"conclusions": i18n.M("compare.page.conclusions").In(l),
			"numbers":     i18n.M("compare.page.numbers").In(l),
			"missing":     i18n.M("compare.page.missing").In(l),
			"method":      i18n.M("compare.page.method").In(l),
			"sort":        i18n.M("compare.page.sort").In(l),
			"cell":        i18n.M("compare.page.cell").In(l),
			"made":        i18n.M("compare.page.made", r.Slipway).In(l),
		},
	}
	if l == i18n.Chinese {
		v.Tag = "zh-CN"
	}
	v.Facts = append(v.Facts, r.Began.Format("2006-01-02 15:04 MST"))
	if r.Machine.CPU != "" {
		v.Facts = append(v.Facts, r.Machine.CPU)
	}
	v.Facts = append(v.Facts, i18n.M("compare.page.cells", len(r.Cells)).In(l))
	if r.Method.Rounds > 0 {
		v.Facts = append(v.Facts, i18n.M("compare.rounds", r.Method.Rounds).In(l))
	}
	if r.Incomplete {
		v.Warning = i18n.M("compare.method.incomplete", r.Method.Rounds).In(l)
	}
	v.conclude(r, l)
	for _, name := range PictureNames() {
		if name == pictureNoise {
			continue
		}
		v.picture(r, name, l)
	}
	for _, m := range []i18n.Message{i18n.M("compare.growth.what"), i18n.M("compare.growth.before"), i18n.M("compare.growth.after"), i18n.M("compare.growth.difference")} {
		v.GrowthColumns = append(v.GrowthColumns, m.In(l))
	}
	for _, g := range r.growths(l) {
		v.Growth = append(v.Growth, pageGrowth{g.what, g.changes(l)})
	}
	for _, m := range r.MethodSentences() {
		v.Method = append(v.Method, m.In(l))
	}
	v.picture(r, pictureNoise, l)
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Reason != nil {
			v.Missing = append(v.Missing, [2]string{r.Label(c, l), strings.TrimSpace(c.Reason.In(l) + " " + c.Said)})
		}
	}
	v.table(r, l)
	return v
}

// strongest is how many conclusions stand out.
const strongest = 3

func (v *pageView) conclude(r *Result, l i18n.Lang) {
	list := r.Conclusions(l)
	var weights []float64
	for _, c := range list {
		weights = append(weights, c.Weight)
	}
	slices.Sort(weights)
	slices.Reverse(weights)
	for _, c := range list {
		v.Conclusions = append(v.Conclusions, pageConclusion{
			Text: c.Text, None: c.Weight == 0,
			Strong: c.Weight > 0.01 && c.Weight >= weights[min(len(weights), strongest)-1],
		})
	}
}

func (v *pageView) picture(r *Result, name string, l i18n.Lang) {
	p := r.draw(name, l)
	if p == nil {
		return
	}
	s := pageSection{ID: name, Title: p.Title, SVG: template.HTML(p.Inline())} //nolint:gosec // chart escapes what it is given
	if name == pictureTransfer {
		s.Note = i18n.M("compare.transfer.note").In(l)
	}
	v.Sections = append(v.Sections, s)
}

// table holds every number of the page.
func (v *pageView) table(r *Result, l i18n.Lang) {
	type column struct {
		title string
		of    func(*Cell) (string, float64)
	}
	size := func(m Metric) column {
		return column{m.Name().In(l), func(c *Cell) (string, float64) {
			if n, ok := c.Size.of(m); ok {
				return m.Format(n), n
			}
			return "", -1
		}}
	}
	quantile := func(m Metric, name string, least int, q func(Summary) Point) column {
		return column{strings.TrimSpace(m.Name().In(l) + " " + name), func(c *Cell) (string, float64) {
			if s, ok := c.Summary[m]; ok && s.N >= least {
				p := q(s)
				text := m.Format(p.Value)
				if name == "P50" && p.Lo != nil && p.Hi != nil {
					text += " " + interval(p)
				}
				return text, p.Value
			}
			return "", -1
		}}
	}
	columns := []column{size(BinaryRaw), size(BinaryGzip), size(BinaryZstd), size(ImageSize), size(Unpacked)}
	for _, m := range sampled {
		columns = append(columns, quantile(m, "P50", 1, func(s Summary) Point { return s.P50 }))
		if m == r.decided() {
			columns = append(columns, quantile(m, "P90", 10, func(s Summary) Point { return s.P90 }), quantile(m, "P99", 100, func(s Summary) Point { return s.P99 }))
		}
	}
	columns = append(columns, column{i18n.M("compare.column.runs").In(l), func(c *Cell) (string, float64) {
		if n := c.Summary[r.decided()].N; n > 0 {
			return fmt.Sprint(n), float64(n)
		}
		return "", -1
	}})
	// A column nobody has a number in is left out.
	columns = slices.DeleteFunc(columns, func(col column) bool {
		return !slices.ContainsFunc(r.Cells, func(c Cell) bool { _, n := col.of(&c); return n >= 0 })
	})
	for _, col := range columns {
		v.Columns = append(v.Columns, col.title)
	}
	for i := range r.Cells {
		row := pageRow{Label: r.Label(&r.Cells[i], l)}
		for _, col := range columns {
			text, n := col.of(&r.Cells[i])
			row.Cells = append(row.Cells, pageCell{text, n})
		}
		v.Rows = append(v.Rows, row)
	}
}

// policyHash names an inline script or style in a Content-Security-Policy
// (Content Security Policy Level 3, section 2.3.1).
func policyHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
