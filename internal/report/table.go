package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Column is one column of a Table.
type Column struct {
	Title i18n.Message
	Right bool // numbers
	Wrap  bool // words: may go on in the next line if the terminal is narrow
	Spare bool // may be left out if the terminal is narrow, the last one first
}

// Table is rows of cells under titles. It is as wide as its cells; on a
// terminal that is narrower, the column that may be wrapped gives way, then
// columns that can be spared are left out, then cells of the first column that
// are too long stand on a line of their own. If that is not enough, each row is
// written as a block of lines, one per cell, because a digest that is cut or
// wrapped is of no use.
type Table struct {
	Columns []Column
	Rows    [][]string     // in the user's words; a missing cell is empty
	Notes   []i18n.Message // below the table
	// Sections says that a row of one cell is the heading of those below it.
	Sections bool
}

// UnitNote says what MB means, for below a table with sizes.
func UnitNote() i18n.Message { return i18n.M("report.unit") }

// WriteText writes t.
func (t *Table) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	notes := t.Notes
	if len(t.Rows) > 0 {
		if gone := t.write(&b, s); len(gone) > 0 {
			notes = append([]i18n.Message{i18n.M("report.narrow", strings.Join(gone, " · "))}, notes...)
		}
	}
	if t.Sections && len(notes) > 0 {
		b.WriteByte('\n')
	}
	for _, n := range notes {
		b.WriteString(s.paint(faint, clean(n.In(s.Lang))) + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// write writes the table and gives the titles of the columns it left out.
func (t *Table) write(b *strings.Builder, s Style) (gone []string) {
	for u := t; ; {
		titles, cols, total := u.measure(s.Lang)
		if s.Width == 0 || total <= s.Width {
			u.grid(b, s, [][]string{titles}, u.Rows, cols)
			return gone
		}
		if rows := u.wrapped(cols, total-s.Width); rows != nil {
			u.grid(b, s, [][]string{titles}, rows, cols)
			return gone
		}
		if i := u.spare(); i >= 0 {
			u = u.without(i)
			if title := titles[i]; !slices.Contains(slices.Delete(titles, i, i+1), title) {
				gone = slices.Insert(gone, 0, title)
			}
			continue
		}
		if heads, rows := u.ownLines(titles, cols, total-s.Width); rows != nil {
			u.grid(b, s, heads, rows, cols)
			return gone
		}
		t.blocks(b, s)
		return nil
	}
}

// measure gives the titles in the user's words, the width of each column, and
// that of the table.
func (t *Table) measure(l i18n.Lang) (titles []string, cols []int, total int) {
	titles = make([]string, len(t.Columns))
	cols = make([]int, len(t.Columns))
	total = 2 * (len(cols) - 1)
	for i, c := range t.Columns {
		titles[i] = c.Title.In(l)
		cols[i] = Width(titles[i])
		for _, row := range t.Rows {
			if !t.heading(row) {
				cols[i] = max(cols[i], Width(cell(row, i)))
			}
		}
		total += cols[i]
	}
	return titles, cols, total
}

func (t *Table) grid(b *strings.Builder, s Style, titles, rows [][]string, cols []int) {
	for _, row := range titles {
		t.line(b, row, cols, func(c string) string { return s.paint(bold, c) })
	}
	for _, row := range rows {
		if t.heading(row) {
			b.WriteString("\n" + s.paint(bold, cell(row, 0)) + "\n")
			continue
		}
		t.line(b, row, cols, func(c string) string { return c })
	}
}

func (t *Table) blocks(b *strings.Builder, s Style) {
	titles, _, _ := t.measure(s.Lang)
	widest := 0
	for _, title := range titles {
		widest = max(widest, Width(title))
	}
	for i, row := range t.Rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		if t.heading(row) {
			b.WriteString(s.paint(bold, cell(row, 0)) + "\n")
			continue
		}
		for j, title := range titles {
			if c := cell(row, j); c != "" {
				b.WriteString(s.paint(bold, title) + strings.Repeat(" ", widest-Width(title)+2) + c + "\n")
			}
		}
	}
}

func (t *Table) heading(row []string) bool { return t.Sections && len(row) == 1 }

// wrapLeast is the narrowest a wrapped column is still readable in.
const wrapLeast = 24

// wrapped gives the rows with the cells of the wrapping column spread over as
// many rows as they need for that column, and with it the table, to be less
// wide by excess; nil if it cannot be.
func (t *Table) wrapped(cols []int, excess int) [][]string {
	for i, c := range t.Columns {
		if !c.Wrap || cols[i]-excess < wrapLeast {
			continue
		}
		var rows [][]string
		for _, row := range t.Rows {
			if t.heading(row) {
				rows = append(rows, row)
				continue
			}
			lines, ok := wrap(cell(row, i), cols[i]-excess)
			if !ok {
				return nil
			}
			for n, l := range lines {
				next := make([]string, len(t.Columns))
				if n == 0 {
					copy(next, row)
				}
				next[i] = l
				rows = append(rows, next)
			}
		}
		cols[i] -= excess
		return rows
	}
	return nil
}

// line writes one row; paint is applied to the text without its padding.
func (t *Table) line(b *strings.Builder, row []string, cols []int, paint func(string) string) {
	spaces := 0 // written only when something follows, so that no line ends with them
	for i, w := range cols {
		c := cell(row, i)
		pad := w - Width(c)
		if i > 0 {
			spaces += 2
		}
		if t.Columns[i].Right {
			spaces += pad
			pad = 0
		}
		if c != "" {
			b.WriteString(strings.Repeat(" ", spaces) + paint(c))
			spaces = 0
		}
		spaces += pad
	}
	b.WriteByte('\n')
}

func cell(row []string, i int) string {
	if i >= len(row) {
		return ""
	}
	return oneLine(row[i])
}
