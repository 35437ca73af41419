package compare

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// Point is a quantile with its confidence interval. Lo or Hi is missing when
// there are too few samples to bound it on that side.
type Point struct {
	Value float64  `json:"value"`
	Lo    *float64 `json:"lo,omitempty"`
	Hi    *float64 `json:"hi,omitempty"`
}

// Summary sums a sample up.
type Summary struct {
	N   int     `json:"n"`
	Min float64 `json:"min"`
	P50 Point   `json:"p50"`
	P90 Point   `json:"p90"`
	P99 Point   `json:"p99"`
	Max float64 `json:"max"`
}

// Summarize gives the quantiles of a sample with the intervals of their order
// statistics. They assume nothing of the distribution. values stay as they are.
func Summarize(values []float64, confidence float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	m := benchmath.AssumeNothing.Summary(sample, confidence)
	s := Summary{N: len(values), Min: sample.Values[0], Max: sample.Values[len(values)-1], P50: point(m.Center, m.Lo, m.Hi)}
	sorted := stats.Sample{Xs: sample.Values, Sorted: true}
	s.P90 = point(stats.QuantileCI(s.N, 0.90, confidence).SampleCI(sorted))
	s.P99 = point(stats.QuantileCI(s.N, 0.99, confidence).SampleCI(sorted))
	return s
}

func point(v, lo, hi float64) Point {
	p := Point{Value: v}
	if !math.IsInf(lo, 0) {
		p.Lo = &lo
	}
	if !math.IsInf(hi, 0) {
		p.Hi = &hi
	}
	return p
}

// width is half the interval as a part of the value; infinite if it has no
// bounds.
func (p Point) width() float64 {
	if p.Lo == nil || p.Hi == nil || p.Value <= 0 {
		return math.Inf(1)
	}
	return max(*p.Hi-p.Value, p.Value-*p.Lo) / p.Value
}

// pValue is that of the test of Mann and Whitney.
func pValue(a, b []float64) float64 {
	t := benchmath.DefaultThresholds
	return benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(a), &t), benchmath.NewSample(slices.Clone(b), &t)).P
}

// holm corrects p-values of comparisons that are read together (Holm 1979):
// the smallest is multiplied by their number, the next by one less.
func holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case p[i] < p[j]:
			return -1
		case p[i] > p[j]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(p))
	top := 0.0
	for rank, i := range order {
		top = max(top, min(1, p[i]*float64(len(p)-rank)))
		out[i] = top
	}
	return out
}

// resamples is how often the bootstrap draws.
const resamples = 2000

// ratioInterval is the interval of median(b)/median(a), by the percentile
// bootstrap; the same samples and seed give the same interval.
func ratioInterval(a, b []float64, confidence float64, seed uint64) (lo, hi float64) {
	rng := rand.New(rand.NewPCG(seed, 0x5851f42d4c957f2d))
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	ratios := make([]float64, resamples)
	hits := make([]int, max(len(a), len(b)))
	for i := range ratios {
		ratios[i] = drawnMedian(b, hits, rng) / drawnMedian(a, hits, rng)
	}
	slices.Sort(ratios)
	tail := (1 - confidence) / 2
	at := func(q float64) float64 { return ratios[min(resamples-1, max(0, int(q*resamples)))] }
	return at(tail), at(1 - tail)
}

// drawnMedian is the median of as many values as sorted has, drawn from it
// with replacement. It counts how often each was drawn, which is faster than
// to sort what was drawn.
func drawnMedian(sorted []float64, hits []int, rng *rand.Rand) float64 {
	n := len(sorted)
	hits = hits[:n]
	clear(hits)
	for range n {
		hits[rng.IntN(n)]++
	}
	seen, low := 0, -1.0
	for i, h := range hits {
		seen += h
		if n%2 == 1 && seen > n/2 {
			return sorted[i]
		}
		if n%2 == 0 {
			if low < 0 && seen >= n/2 {
				low = sorted[i]
			}
			if seen > n/2 {
				return (low + sorted[i]) / 2
			}
		}
	}
	return sorted[n-1]
}

// summarize fills the summaries of a cell.
func (c *Cell) summarize(confidence float64) {
	c.Summary = nil
	for m, values := range c.Samples {
		if len(values) == 0 {
			continue
		}
		if c.Summary == nil {
			c.Summary = map[Metric]Summary{}
		}
		c.Summary[m] = Summarize(values, confidence)
	}
}
