package report

import (
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// maxMarks is how many findings a cell of the board shows one by one.
const maxMarks = 40

// boardRow is one severity of the board.
type boardRow struct {
	Severity finding.Severity
	Word     string
	Cells    []boardCell
	Total    int
}

// boardCell is what of one severity costs the same to mend.
type boardCell struct {
	Cost  string
	Count int
	Marks []boardMark
	More  int    // findings without a mark
	Age   string // of the oldest, "" if none is known
	Label string // the cell in one sentence, for those who do not see the board
}

// boardMark is one finding of a cell.
type boardMark struct {
	Title    string
	Known    bool
	Advisory bool
}

// board sorts the findings by what they lead to and by what they cost.
func (p Page) board(list []PageFinding, l i18n.Lang, words map[string]string) []boardRow {
	var rows []boardRow
	for _, s := range severities {
		row := boardRow{Severity: s, Word: words["severity."+string(s)]}
		for _, cost := range costs {
			cell := boardCell{Cost: cost}
			oldest := -1
			for _, f := range list {
				if f.Severity != s || f.Cost != cost {
					continue
				}
				cell.Count++
				if days, ok := f.days(p.When); ok {
					oldest = max(oldest, days)
				}
				if len(cell.Marks) == maxMarks {
					cell.More++
					continue
				}
				title := f.ID + " " + clean(f.Pos.String())
				if age := p.age(f, l); age != "" {
					title += " · " + age
				}
				cell.Marks = append(cell.Marks, boardMark{title, f.Known, f.Advisory})
			}
			if oldest > 0 {
				cell.Age = i18n.M("html.board.oldest", oldest).In(l)
			}
			cell.Label = i18n.M("html.board.cell", row.Word, words["cost."+cost], cell.Count).In(l)
			row.Total += cell.Count
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}
