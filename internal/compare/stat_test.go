package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// exact is the quantile of 1…n by definition R8 of Hyndman and Fan.
func TestSummarizeKnownData(t *testing.T) {
	var values []float64
	for i := range 1000 {
		values = append(values, float64(i+1))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	before := slices.Clone(values)
	s := Summarize(values, 0.95)
	if !slices.Equal(values, before) {
		t.Error("the sample was sorted in place: the order of the runs is lost")
	}
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	near("P50", s.P50.Value, 500.5, 1e-9)
	near("P90", s.P90.Value, 900.5, 0.5)
	near("P99", s.P99.Value, 990.5, 0.5)
	near("min", s.Min, 1, 0)
	near("max", s.Max, 1000, 0)
	// The normal approximation of the binomial: 500 ± 1.96·√250, 900 ± 1.96·√90.
	near("lo of P50", *s.P50.Lo, 469.5, 2)
	near("hi of P50", *s.P50.Hi, 531.5, 2)
	near("lo of P90", *s.P90.Lo, 881.9, 2)
	near("hi of P90", *s.P90.Hi, 919.1, 2)
}

func TestSummarizeTooFew(t *testing.T) {
	if s := Summarize(nil, 0.95); s.N != 0 {
		t.Errorf("nothing gives %+v", s)
	}
	s := Summarize([]float64{3, 1, 2}, 0.95)
	if s.P50.Value != 2 || s.P50.Lo != nil || s.P50.Hi != nil {
		t.Errorf("three values bound their median: %+v", s.P50)
	}
	if !math.IsInf(s.P50.width(), 1) {
		t.Errorf("width %v of an interval without bounds", s.P50.width())
	}
}

// TestIntervalsHold draws from a known distribution: about 95 of 100 intervals
// must hold its true quantiles.
func TestIntervalsHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const draws, n = 150, 120
	truth := map[string]float64{"P50": math.Ln2, "P90": math.Log(10)}
	held := map[string]int{}
	ratio := 0
	for range draws {
		var a, b []float64
		for range n {
			a, b = append(a, rng.ExpFloat64()), append(b, 1.5*rng.ExpFloat64())
		}
		s := Summarize(a, 0.95)
		for name, p := range map[string]Point{"P50": s.P50, "P90": s.P90} {
			if *p.Lo <= truth[name] && truth[name] <= *p.Hi {
				held[name]++
			}
		}
		if lo, hi := ratioInterval(a, b, 0.95, 1); lo <= 1.5 && 1.5 <= hi {
			ratio++
		}
	}
	held["ratio"] = ratio
	for name, k := range held {
		if part := float64(k) / draws; part < 0.89 || part > 0.995 {
			t.Errorf("%.3f of the 95 %% intervals of %s hold the truth", part, name)
		}
	}
}

func TestHolm(t *testing.T) {
	got := holm([]float64{0.01, 0.04, 0.03, 0.005})
	want := []float64{0.03, 0.06, 0.06, 0.02} // Holm 1979; R: p.adjust(c(.01,.04,.03,.005), "holm")
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Fatalf("holm = %v, want %v", got, want)
		}
	}
	if got := holm(nil); len(got) != 0 {
		t.Errorf("holm of nothing = %v", got)
	}
}

// TestFalseAlarms compares samples of the same distribution: with the
// correction, hardly any of a matrix may be called different.
func TestFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	alarms := 0
	const trials = 30
	for range trials {
		r := &Result{Axes: []Axis{{Name: "subject", Values: []string{"a", "b", "c", "d"}}}, Method: Method{Confidence: 0.95, Alpha: 0.05, Until: string(UntilReady)}}
		for _, v := range r.Axes[0].Values {
			c := Cell{Values: []string{v}, Samples: Samples{}}
			for range 60 {
				c.Samples[Ready] = append(c.Samples[Ready], 1e6*math.Exp(0.1*rng.NormFloat64()))
			}
			r.Cells = append(r.Cells, c)
		}
		r.Conclude()
		if slices.ContainsFunc(r.Comparisons, func(c Comparison) bool { return c.Differs }) {
			alarms++
		}
	}
	if alarms > trials/8 {
		t.Errorf("%d of %d matrices of equal programs have a difference", alarms, trials)
	}
}

func TestDrawnMedianIsThatOfTheDraw(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for n := 1; n < 30; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(i * i)
		}
		hits := make([]int, n)
		got := drawnMedian(values, hits, rng)
		var drawn []float64
		for i, h := range hits {
			for range h {
				drawn = append(drawn, values[i])
			}
		}
		want := (drawn[(n-1)/2] + drawn[n/2]) / 2
		if got != want {
			t.Fatalf("median of %v = %v, want %v", drawn, got, want)
		}
	}
}
