package compare

import (
	"slices"
	"testing"
	"time"
)

func TestOrderIsSeededAndFair(t *testing.T) {
	s := schedule{seed: 42}
	cells := []int{4, 7, 9, -1}
	place := map[int][4]int{}
	for round := range 4000 {
		o := s.order(round, cells)
		if again := s.order(round, cells); !slices.Equal(o, again) {
			t.Fatalf("round %d: %v, then %v", round, o, again)
		}
		if sorted := slices.Sorted(slices.Values(o)); !slices.Equal(sorted, []int{-1, 4, 7, 9}) {
			t.Fatalf("round %d starts %v", round, o)
		}
		for i, c := range o {
			p := place[c]
			p[i]++
			place[c] = p
		}
	}
	for c, p := range place {
		for i, n := range p {
			if n < 880 || n > 1120 { // 1000 ± 4 standard deviations
				t.Errorf("cell %d had place %d in %d of 4000 rounds", c, i, n)
			}
		}
	}
	if slices.Equal(s.order(1, cells), s.order(2, cells)) && slices.Equal(s.order(2, cells), s.order(3, cells)) {
		t.Error("three rounds have the same order")
	}
	if other := (schedule{seed: 43}); slices.Equal(other.order(0, []int{1, 2, 3, 4, 5, 6, 7, 8}), s.order(0, []int{1, 2, 3, 4, 5, 6, 7, 8})) {
		t.Error("the seed changes nothing")
	}
}

func TestWhenToStop(t *testing.T) {
	now := time.Now()
	narrow, wide := make([]float64, 50), make([]float64, 50)
	for i := range narrow {
		narrow[i], wide[i] = 1000+float64(i%3), 100*float64(i+1)
	}
	s := schedule{minRuns: 20, maxRuns: 60, precision: 0.02, confidence: 0.95}
	for _, c := range []struct {
		name    string
		rounds  int
		samples [][]float64
		plan    func(schedule) schedule
		want    Stop
	}{
		{"too few rounds", 19, [][]float64{narrow}, nil, ""},
		{"precise", 50, [][]float64{narrow, narrow}, nil, StopPrecise},
		{"one is wide", 50, [][]float64{narrow, wide}, nil, ""},
		{"as many as allowed", 60, [][]float64{wide}, nil, StopMax},
		{"nobody runs", 5, nil, nil, StopNothing},
		{"time is up", 5, [][]float64{wide}, func(s schedule) schedule { s.deadline = now.Add(-1); return s }, StopTime},
	} {
		plan := s
		if c.plan != nil {
			plan = c.plan(s)
		}
		if got, ok := plan.enough(c.rounds, now, c.samples); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
