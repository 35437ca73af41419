package compare

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// Text is a result as tables for people.
type Text struct {
	*Result
	ASCII bool // the terminal shows nothing else
}

// barWidth is the length of the longest bar, in cells.
const barWidth = 20

// WriteText writes the tables: sizes, transfer, starts, build times, what the
// differences are, and how it was measured.
func (t Text) WriteText(w io.Writer, s report.Style) error {
	first := true
	for _, table := range []*report.Table{
		t.sizes(s.Lang), t.transfer(s.Lang), t.parts(t.byKind(s.Lang), s.Lang), t.parts(t.byModule(s.Lang), s.Lang), t.grown(s.Lang), t.starts(s.Lang), t.builds(s.Lang), t.missing(s.Lang), t.conclusions(s.Lang), t.method(s.Lang),
	} {
		if table == nil {
			continue
		}
		if !first {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return fmt.Errorf("write comparison: %w", err)
			}
		}
		first = false
		if err := table.WriteText(w, s); err != nil {
			return err
		}
	}
	return nil
}

func (t Text) name(c *Cell, l i18n.Lang) string { return t.plain(t.Label(c, l)) }

// plain replaces what an ASCII terminal cannot show.
func (t Text) plain(s string) string {
	if !t.ASCII {
		return s
	}
	return strings.NewReplacer(" · ", ", ", "µs", "us", "±", "+-", "–", "-", "−", "-", "×", "x", "→", "->", "…", "...").Replace(s)
}

// bar draws a bar of eighths of a cell.
func (t Text) bar(v, most float64) string {
	if most <= 0 || math.IsNaN(v) {
		return ""
	}
	if t.ASCII {
		return strings.Repeat("#", max(1, int(math.Round(v/most*barWidth))))
	}
	eighths := max(1, int(math.Round(v/most*barWidth*8)))
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return bar
}

func (t Text) sizes(l i18n.Lang) *report.Table {
	metrics := []Metric{BinaryRaw, BinaryGzip, BinaryZstd, ImageSize, Unpacked}
	main := BinaryRaw
	most := map[Metric]float64{}
	for i := range t.Cells {
		for _, m := range metrics {
			if v, ok := t.Cells[i].Size.of(m); ok {
				most[m] = max(most[m], v)
			}
		}
	}
	if most[ImageSize] > 0 {
		main = ImageSize
	}
	if most[BinaryGzip] == 0 {
		return nil // sizes were not asked for
	}
	table := &report.Table{Columns: []report.Column{{Title: i18n.M("compare.column.sizes")}}}
	for _, m := range metrics {
		if most[m] > 0 {
			table.Columns = append(table.Columns, report.Column{Title: m.Name(), Right: true, Spare: m == Unpacked})
		}
	}
	table.Columns = append(table.Columns, report.Column{Title: i18n.M("compare.column.bar", main.Name().In(l)), Spare: true})
	for _, i := range t.Sized() {
		c := &t.Cells[i]
		row := []string{t.plain(t.Result.label(c, l, true))}
		for _, m := range metrics {
			if most[m] == 0 {
				continue
			}
			v, ok := c.Size.of(m)
			row = append(row, t.value(m, v, ok))
		}
		v, _ := c.Size.of(main)
		table.Rows = append(table.Rows, append(row, t.bar(v, most[main])))
	}
	table.Notes = []i18n.Message{report.UnitNote()}
	return table
}

func (t Text) value(m Metric, v float64, ok bool) string {
	if !ok {
		return "-"
	}
	return t.plain(m.Format(v))
}

func (t Text) transfer(l i18n.Lang) *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: i18n.M("compare.column.transfer")}}}
	for _, b := range t.Bandwidths {
		table.Columns = append(table.Columns, report.Column{Title: i18n.M("compare.column.bandwidth", b.Name), Right: true})
	}
	for _, i := range t.Sized() {
		c := &t.Cells[i]
		if c.Size.Image == 0 {
			continue
		}
		row := []string{t.plain(t.Result.label(c, l, true))}
		for _, b := range t.Bandwidths {
			row = append(row, t.plain(formatTime(float64(b.Transfer(c.Size.Image)))))
		}
		table.Rows = append(table.Rows, row)
	}
	if len(table.Rows) == 0 || len(t.Bandwidths) == 0 {
		return nil
	}
	table.Notes = []i18n.Message{i18n.M("compare.transfer.note")}
	return table
}

// decided is the metric that starts are compared by.
func (r *Result) decided() Metric { return Until(r.Method.Until).metric() }

func (t Text) starts(l i18n.Lang) *report.Table {
	m := t.decided()
	table := &report.Table{Columns: []report.Column{
		{Title: m.Name()},
		{Title: i18n.M("compare.column.p50"), Right: true}, {Title: i18n.M("compare.column.interval"), Right: true},
		{Title: i18n.M("compare.column.against"), Right: true},
		{Title: i18n.M("compare.column.p90"), Right: true}, {Title: i18n.M("compare.column.p99"), Right: true},
	}}
	others := []Metric{CPU, RSS}
	if t.variesRunner() {
		others = []Metric{Whole, CPU, RSS}
	}
	for _, o := range others {
		table.Columns = append(table.Columns, report.Column{Title: o.Name(), Right: true, Spare: o == CPU})
	}
	table.Columns = append(table.Columns, report.Column{Title: i18n.M("compare.column.runs"), Right: true, Spare: true},
		report.Column{Title: i18n.M("compare.column.bar", i18n.M("compare.column.p50").In(l)), Spare: true})
	most := 0.0
	for i := range t.Cells {
		most = max(most, t.Cells[i].Summary[m].P50.Value)
	}
	add := func(label, against string, c *Cell) {
		s, ok := c.Summary[m]
		if !ok {
			return
		}
		row := []string{label, t.value(m, s.P50.Value, true), interval(s.P50), against, t.value(m, s.P90.Value, true), t.value(m, s.P99.Value, s.N >= 100)}
		for _, other := range others {
			o, ok := c.Summary[other]
			row = append(row, t.value(other, o.P50.Value, ok))
		}
		row = append(row, fmt.Sprint(s.N), t.bar(s.P50.Value, most))
		for i := range row {
			row[i] = t.plain(row[i])
		}
		table.Rows = append(table.Rows, row)
	}
	for i := range t.Cells {
		add(t.name(&t.Cells[i], l), t.against(i, m), &t.Cells[i])
	}
	if len(table.Rows) == 0 {
		return nil
	}
	if t.Floor != nil {
		add(i18n.M("compare.floor").In(l), "", t.Floor)
	}
	return table
}

// interval is the half-width of an interval in percent.
func interval(p Point) string {
	w := p.width()
	if math.IsInf(w, 0) {
		return "?"
	}
	return "± " + percent(w)
}

// against is the difference from the first cell that was measured: ~ if it
// cannot be told from chance.
func (r *Result) against(i int, m Metric) string {
	first := 0
	for first < len(r.Cells) && !r.has(first, m) {
		first++
	}
	if i == first || first == len(r.Cells) || !r.has(i, m) {
		return ""
	}
	// All cells are held against one here, so all of them are one family.
	n := 0
	for j := range r.Cells {
		if j != first && r.has(j, m) {
			n++
		}
	}
	a, b := r.Cells[first].Samples[m], r.Cells[i].Samples[m]
	if min(1, pValue(a, b)*float64(n)) >= r.Method.Alpha {
		return "~"
	}
	return signed(r.Cells[i].Summary[m].P50.Value / r.Cells[first].Summary[m].P50.Value)
}

func (t Text) builds(l i18n.Lang) *report.Table {
	table := &report.Table{Columns: []report.Column{
		{Title: i18n.M("compare.column.builds")}, {Title: BuildCold.Name(), Right: true}, {Title: BuildWarm.Name(), Right: true},
		{Title: i18n.M("compare.column.runs"), Right: true, Spare: true}, {Title: i18n.M("compare.column.bar", BuildCold.Name().In(l)), Spare: true},
	}}
	most := 0.0
	for i := range t.Cells {
		most = max(most, t.Cells[i].Summary[BuildCold].P50.Value)
	}
	for i := range t.Cells {
		c := &t.Cells[i]
		cold, ok := c.Summary[BuildCold]
		warm, also := c.Summary[BuildWarm]
		if ok || also {
			table.Rows = append(table.Rows, []string{
				t.plain(t.Result.label(c, l, true)), t.value(BuildCold, cold.P50.Value, ok), t.value(BuildWarm, warm.P50.Value, also), fmt.Sprint(max(cold.N, warm.N)), t.bar(cold.P50.Value, most),
			})
		}
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return table
}

func (t Text) missing(l i18n.Lang) *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: i18n.M("compare.column.missing")}, {Title: i18n.M("compare.column.why"), Wrap: true}}}
	for i := range t.Cells {
		if c := &t.Cells[i]; c.Reason != nil {
			table.Rows = append(table.Rows, []string{t.name(c, l), strings.TrimSpace(c.Reason.In(l) + " " + c.Said)})
		}
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return table
}

func (t Text) conclusions(l i18n.Lang) *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: i18n.M("compare.column.conclusions"), Wrap: true}}}
	for _, c := range t.Conclusions(l) {
		table.Rows = append(table.Rows, []string{t.plain(c.Text)})
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return table
}

func (t Text) method(l i18n.Lang) *report.Table {
	var rows []string
	for _, m := range t.MethodSentences() {
		rows = append(rows, t.plain(m.In(l)))
	}
	if len(rows) == 0 {
		return nil
	}
	table := &report.Table{Columns: []report.Column{{Title: i18n.M("compare.column.method"), Wrap: true}}}
	for _, r := range rows {
		table.Rows = append(table.Rows, []string{r})
	}
	return table
}

// MethodSentences say how it was measured and how quiet the machine was.
func (r *Result) MethodSentences() []i18n.Message {
	if r.Method.Rounds == 0 {
		return nil
	}
	m, n := r.Method, r.Noise
	out := []i18n.Message{
		i18n.M("compare.method.rounds", m.Rounds, len(r.Cells), m.Warmup, m.Runner, m.Seed),
		m.stopped(),
		i18n.M("compare.method.statistics", fmt.Sprintf("%.0f %%", 100*m.Confidence), m.Alpha),
	}
	if a := r.machines(); a != nil {
		out = append(out, i18n.M("compare.method.machines", len(a.Values)))
		if r.Incomplete {
			out = append(out, i18n.M("compare.method.incomplete", m.Rounds))
		}
		return out
	}
	cpu := r.Machine.CPU
	if cpu == "" {
		cpu = r.Machine.Arch
	}
	out = append(out, i18n.M("compare.method.machine", cpu, r.Machine.CPUs, strings.TrimSpace(r.Machine.OS+" "+r.Machine.Kernel)))
	if r.Machine.Governor != "" {
		out = append(out, i18n.M("compare.method.governor", r.Machine.Governor))
	}
	if len(n.Spin) > 0 {
		s := Summarize(n.Spin, m.Confidence)
		out = append(out, i18n.M("compare.method.noise", formatTime(s.P50.Value), percent(n.Spread()), percent(n.Busy), percent(n.Steal), fmt.Sprintf("%.2f", r.Machine.LoadBegan), fmt.Sprintf("%.2f", r.Machine.LoadEnded)))
		if n.Spread() > noisy || n.Steal > noisySteal {
			out = append(out, i18n.M("compare.method.noisy"))
		}
	}
	if r.Floor != nil && r.Floor.Summary[r.decided()].N > 0 {
		out = append(out, i18n.M("compare.method.floor", formatTime(r.Floor.Summary[r.decided()].P50.Value), pollStep))
	}
	if r.Incomplete {
		out = append(out, i18n.M("compare.method.incomplete", m.Rounds))
	}
	return out
}

// From where on a machine is called noisy: the fixed work takes a tenth longer
// in its slowest tenth, or one part in fifty of the time is stolen.
const (
	noisy      = 0.10
	noisySteal = 0.02
)

func (m Method) stopped() i18n.Message {
	width := percent(m.Precision)
	switch m.Stopped {
	case StopPrecise:
		return i18n.M("compare.stop.precise", width)
	case StopMax:
		return i18n.M("compare.stop.max", m.MaxRuns, width)
	case StopTime:
		return i18n.M("compare.stop.time", width)
	case StopNothing:
		return i18n.M("compare.stop.nothing")
	}
	return i18n.M("compare.stop.interrupted")
}

// Took is how long it all took.
func (r *Result) Took() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }
