package report

import "slices"

// spare gives the column to leave out first, or -1.
func (t *Table) spare() int {
	for i := len(t.Columns) - 1; i >= 0; i-- {
		if t.Columns[i].Spare {
			return i
		}
	}
	return -1
}

// without gives t without a column.
func (t *Table) without(i int) *Table {
	u := *t
	u.Columns = slices.Delete(slices.Clone(t.Columns), i, i+1)
	u.Rows = make([][]string, len(t.Rows))
	for n, row := range t.Rows {
		if i < len(row) && !t.heading(row) {
			row = slices.Delete(slices.Clone(row), i, i+1)
		}
		u.Rows[n] = row
	}
	return &u
}

// ownLines gives titles and rows with the first column, and with it the table,
// less wide by excess: a cell that does not fit stands alone above its row, and
// a terminal may break it, which a copy of it does not show. It gives nil if
// too little would be left.
func (t *Table) ownLines(titles []string, cols []int, excess int) (heads, rows [][]string) {
	if len(cols) < 2 || cols[0]-excess < wrapLeast {
		return nil, nil
	}
	cols[0] -= excess
	split := func(row []string) [][]string {
		if t.heading(row) || Width(cell(row, 0)) <= cols[0] {
			return [][]string{row}
		}
		above, below := make([]string, len(t.Columns)), slices.Clone(row)
		above[0], below[0] = row[0], ""
		return [][]string{above, below}
	}
	for _, row := range t.Rows {
		rows = append(rows, split(row)...)
	}
	return split(titles), rows
}
