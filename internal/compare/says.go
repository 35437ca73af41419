package compare

import (
	"fmt"
	"math"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Conclusion is a sentence about what an axis does to a metric.
type Conclusion struct {
	Metric Metric
	Text   string
	Weight float64 // how much of a difference it is: |ln ratio|; 0 if none could be told
}

// Conclusions puts the comparisons into sentences: one for each value of an
// axis and each metric, over all combinations of the other axes.
func (r *Result) Conclusions(l i18n.Lang) []Conclusion {
	type key struct {
		axis, from, to string
		metric         Metric
	}
	var order []key
	groups := map[key][]Comparison{}
	for _, c := range r.Comparisons {
		if c.From >= len(r.Cells) || c.To >= len(r.Cells) || c.From < 0 || c.To < 0 {
			continue
		}
		k := key{c.Axis, r.value(&r.Cells[c.From], c.Axis), r.value(&r.Cells[c.To], c.Axis), c.Metric}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], c)
	}
	var out []Conclusion
	for _, k := range order {
		text, weight := say(k.metric.Name().In(l), k.metric.class(), axisValue(k.axis, k.from, l), axisValue(k.axis, k.to, l), groups[k])
		out = append(out, Conclusion{Metric: k.metric, Text: text.In(l), Weight: weight})
	}
	return out
}

// say puts the comparisons of the same two values into one sentence.
func say(metric string, class int, from, to string, list []Comparison) (i18n.Message, float64) {
	up, down, weight := 0, 0, 0.0
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, c := range list {
		switch {
		case c.Differs && c.Ratio > 1:
			up++
		case c.Differs && c.Ratio < 1:
			down++
		}
		lo, hi = min(lo, c.Ratio), max(hi, c.Ratio)
		weight = max(weight, math.Abs(math.Log(c.Ratio)))
	}
	switch {
	case up+down == 0 && list[0].Exact:
		return i18n.M("compare.says.equal", to, from, metric), 0
	case up+down == 0:
		return i18n.M("compare.says.same", to, from, metric, spread(list)), 0
	case up > 0 && down > 0:
		return i18n.M("compare.says.mixed", to, from, metric, signed(lo), signed(hi)), weight
	}
	amount := magnitude(list[0])
	if len(list) > 1 {
		a, b := math.Abs(lo-1), math.Abs(hi-1)
		amount = between(min(a, b), max(a, b))
	}
	if told := up + down; told < len(list) {
		return i18n.M("compare.says.some", to, from, metric, signed(lo), signed(hi), told, len(list)), weight
	}
	if lo >= times {
		return i18n.M("compare.says.times", to, from, metric, multiple(lo, hi)), weight
	}
	switch {
	case class == classTime && up > 0:
		return i18n.M("compare.says.longer", to, from, metric, amount), weight
	case class == classTime:
		return i18n.M("compare.says.shorter", to, from, metric, amount), weight
	case up > 0:
		return i18n.M("compare.says.larger", to, from, metric, amount), weight
	}
	return i18n.M("compare.says.smaller", to, from, metric, amount), weight
}

// spread is how large a difference could be without having been seen.
func spread(list []Comparison) string {
	w := 0.0
	for _, c := range list {
		w = max(w, math.Abs(c.Lo-1), math.Abs(c.Hi-1))
	}
	return percent(max(w, 0.001))
}

// magnitude is the size of one difference with its interval: 3.1 % ± 0.8 %.
func magnitude(c Comparison) string {
	if c.Exact {
		return percent(math.Abs(c.Ratio - 1))
	}
	return percent(math.Abs(c.Ratio-1)) + " ± " + percent(max(c.Hi-c.Ratio, c.Ratio-c.Lo))
}

func between(a, b float64) string {
	x, y := percent(a), percent(b)
	if x == y {
		return x
	}
	return x + "–" + y
}

// percent has a decimal where it says something.
func percent(v float64) string {
	if v < 0.0995 {
		return fmt.Sprintf("%.1f %%", 100*v)
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

// times is from where on a difference is told as a multiple.
const times = 3

// multiple is so many times, or a range of them: 23.4.
func multiple(lo, hi float64) string {
	a, b := digits(lo), digits(hi)
	if a == b {
		return a
	}
	return a + "–" + b
}

func signed(ratio float64) string {
	if ratio >= times {
		return "× " + digits(ratio)
	}
	if ratio < 1 {
		return "−" + percent(1-ratio)
	}
	return "+" + percent(ratio-1)
}
