package report

import (
	_ "embed" // the page's parts
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// VerifyPage is a verification as one HTML file that needs nothing else, in
// the look of Page. It has no script at all.
type VerifyPage struct {
	Sheet
	Name    string // of what was verified
	Version string // of slipway
	When    time.Time
	Rules   []SARIFRule // of which only those with findings are shown
	Parts   []PagePart  // pictures and tables, below the findings
	Styles  string      // style sheet of the pictures
}

// PagePart is a section of a page with a picture, a table, or both.
type PagePart struct {
	Title, Note i18n.Message // Note may be zero
	Picture     string       // SVG of package chart, which escapes what it is given; may be empty
	Table       *Table       // may be nil
}

var (
	//go:embed html/verify.html
	verifyText string
	//go:embed html/verify.css
	verifyStyle string
)

type verifyView struct {
	Lang, Name, Version, Date, Policy string
	VerdictText                       string
	Bad                               bool
	Words                             map[string]string
	CSS                               template.CSS
	Tiles                             []pageTile
	Sheets                            []sheetView
	Items                             []pageItem
	Parts                             []partView
	Shown                             []pageRuleText
	Notes                             []string
}

type sheetView struct {
	Head  string
	Lines []struct{ Name, Text string }
}

type partView struct {
	Title, Note string
	Picture     template.HTML
	Table       *tableView
}

type tableView struct {
	Heads []cellView
	Rows  []rowView
	Notes []string
}

type rowView struct {
	Heading string
	Span    int
	Cells   []cellView
}

type cellView struct {
	Text  string
	Right bool
}

// WriteText writes the page.
func (p VerifyPage) WriteText(w io.Writer, s Style) error {
	t, err := template.New("verify").Parse(verifyText)
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	if err := t.Execute(w, p.view(s.Lang)); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func (p VerifyPage) view(l i18n.Lang) verifyView {
	words := pageWords(l)
	words["what"] = i18n.M("html.verify.what").In(l)
	words["clean"] = i18n.M("html.verify.clean").In(l)
	css := pageStyle + verifyStyle + p.Styles
	v := verifyView{
		Lang: string(l), Name: clean(p.Name), Version: p.Version, Date: p.When.Format("2006-01-02 15:04"),
		VerdictText: clean(p.Verdict.In(l)), Bad: p.Bad, Words: words, CSS: template.CSS(css),
		Policy: "default-src 'none'; img-src data:; style-src " + policyHash(css) + "; base-uri 'none'; form-action 'none'",
	}
	if l == i18n.Chinese {
		v.Lang = "zh-CN"
	}
	for _, b := range p.Blocks {
		sheet := sheetView{Head: clean(b.Head)}
		for _, x := range b.Lines {
			sheet.Lines = append(sheet.Lines, struct{ Name, Text string }{x.Name.In(l), clean(x.Text)})
		}
		v.Sheets = append(v.Sheets, sheet)
	}
	counts, ids := map[string]int{}, map[string]bool{}
	for i, f := range p.Findings {
		it := Page{}.item(i, PageFinding{Finding: f}, l, words)
		it.Entity = clean(f.Entity)
		v.Items = append(v.Items, it)
		counts[string(f.Severity)]++
		ids[f.ID] = true
	}
	for _, s := range severities {
		v.Tiles = append(v.Tiles, pageTile{s, words["severity."+string(s)], counts[string(s)]})
	}
	for _, r := range p.Rules {
		if ids[r.ID] {
			v.Shown = append(v.Shown, pageRuleText{
				ID: r.ID, Slug: r.Slug, Word: words["severity."+string(r.Severity)], Severity: r.Severity,
				Title: r.Title.In(l), Why: r.Why.In(l), Fix: r.Fix.In(l),
			})
		}
	}
	for _, n := range p.Notes {
		v.Notes = append(v.Notes, clean(n.In(l)))
	}
	for _, x := range p.Parts {
		part := partView{Title: clean(x.Title.In(l)), Picture: template.HTML(x.Picture), Table: x.Table.view(l)}
		if !x.Note.IsZero() {
			part.Note = clean(x.Note.In(l))
		}
		v.Parts = append(v.Parts, part)
	}
	return v
}

// view is the table as a page shows it; nil for none.
func (t *Table) view(l i18n.Lang) *tableView {
	if t == nil {
		return nil
	}
	v := &tableView{}
	for _, c := range t.Columns {
		v.Heads = append(v.Heads, cellView{c.Title.In(l), c.Right})
	}
	for _, row := range t.Rows {
		if t.heading(row) {
			v.Rows = append(v.Rows, rowView{Heading: clean(row[0]), Span: len(t.Columns)})
			continue
		}
		var r rowView
		for i, c := range t.Columns {
			r.Cells = append(r.Cells, cellView{clean(cell(row, i)), c.Right})
		}
		v.Rows = append(v.Rows, r)
	}
	for _, n := range t.Notes {
		v.Notes = append(v.Notes, clean(n.In(l)))
	}
	return v
}
