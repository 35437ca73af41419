package compare

import (
	"slices"
)

// Comparison holds two cells against each other that differ on one axis alone.
type Comparison struct {
	Axis   string `json:"axis"`
	Metric Metric `json:"metric"`
	From   int    `json:"from"` // index of the cell with the first value of the axis that could be measured
	To     int    `json:"to"`
	// Ratio is To's median, or size, over From's; Lo and Hi are its interval.
	Ratio float64 `json:"ratio"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	Exact bool    `json:"exact,omitempty"` // sizes: nothing is left to chance
	P     float64 `json:"p,omitempty"`     // that of Mann and Whitney, corrected by Holm for all of this metric
	// Differs says that the difference can be told from chance: by the test,
	// and by an interval that does not hold 1.
	Differs bool `json:"differs"`
}

// compared are the metrics that comparisons are made of, in the order they
// are told.
var compared = []Metric{ImageSize, BinaryRaw, Ready, Listening, Exited, Whole, CPU, RSS, BuildCold, BuildWarm}

// Conclude fills the summaries and comparisons of r from its samples.
func (r *Result) Conclude() {
	for i := range r.Cells {
		r.Cells[i].summarize(r.Method.Confidence)
	}
	if r.Floor != nil {
		r.Floor.summarize(r.Method.Confidence)
	}
	r.Comparisons = nil
	for _, m := range compared {
		if m == Listening && r.Method.Until != string(UntilListening) {
			continue // Ready says it
		}
		if m == Whole && !r.variesRunner() {
			continue // it is another matter only where there are several sandboxes
		}
		r.Comparisons = append(r.Comparisons, r.contrasts(m)...)
	}
}

// contrasts gives the comparisons of one metric: along each axis, every value
// with the first one that has a measurement.
func (r *Result) contrasts(m Metric) []Comparison {
	var out []Comparison
	for _, i := range r.varied() {
		if (m.exact() || m.built()) && r.Axes[i].runtime() {
			continue // how a program is started does not change it
		}
		seen := map[int]bool{}
		for from := range r.Cells {
			if seen[from] || !r.has(from, m) {
				continue
			}
			for to := from + 1; to < len(r.Cells); to++ {
				if r.has(to, m) && r.differOnlyOn(from, to, i) {
					seen[to] = true
					out = append(out, r.contrast(r.Axes[i].Name, m, from, to))
				}
			}
		}
	}
	var tests []int
	var p []float64
	for i, c := range out {
		if !c.Exact {
			tests, p = append(tests, i), append(p, c.P)
		}
	}
	for k, v := range holm(p) {
		c := &out[tests[k]]
		c.P, c.Differs = v, v < r.Method.Alpha && (c.Lo > 1 || c.Hi < 1)
	}
	return out
}

func (r *Result) has(cell int, m Metric) bool {
	c := &r.Cells[cell]
	if m.exact() {
		_, ok := c.Size.of(m)
		return ok
	}
	// What took no time at all has no ratio to anything.
	return c.Reason == nil && len(c.Samples[m]) > 1 && c.Summary[m].Min > 1e-9
}

// differOnlyOn reports whether two cells have the same values but for one axis.
func (r *Result) differOnlyOn(a, b, axis int) bool {
	x, y := r.Cells[a].Values, r.Cells[b].Values
	if len(x) != len(y) || axis >= len(x) || x[axis] == y[axis] {
		return false
	}
	return slices.Equal(x[:axis], y[:axis]) && slices.Equal(x[axis+1:], y[axis+1:])
}

func (r *Result) contrast(axis string, m Metric, from, to int) Comparison {
	c := Comparison{Axis: axis, Metric: m, From: from, To: to}
	if m.exact() {
		a, _ := r.Cells[from].Size.of(m)
		b, _ := r.Cells[to].Size.of(m)
		c.Exact, c.Differs, c.Ratio = true, a != b, b/a
		c.Lo, c.Hi = c.Ratio, c.Ratio
		return c
	}
	a, b := r.Cells[from].Samples[m], r.Cells[to].Samples[m]
	c.Ratio = r.Cells[to].Summary[m].P50.Value / r.Cells[from].Summary[m].P50.Value
	c.Lo, c.Hi = ratioInterval(a, b, r.Method.Confidence, r.Method.Seed)
	c.P = pValue(a, b)
	return c
}
