package compare

import (
	"math/rand/v2"
	"time"
)

// Stop says why the rounds ended.
type Stop string

// The reasons.
const (
	StopPrecise     Stop = "precise"     // every interval is as narrow as was asked for
	StopMax         Stop = "max"         // as many runs as were allowed
	StopTime        Stop = "time"        // the time was up
	StopInterrupted Stop = "interrupted" // the user ended it
	StopNothing     Stop = "nothing"     // no cell could be started
)

// schedule decides who is started when, and when it is enough.
type schedule struct {
	seed       uint64
	minRuns    int
	maxRuns    int
	precision  float64
	confidence float64
	deadline   time.Time // zero: none
}

// order gives the cells of one round in the order of their turns. It depends
// on the seed and the round alone, so that a run can be repeated, and one that
// is continued goes on where it was.
func (s schedule) order(round int, cells []int) []int {
	rng := rand.New(rand.NewPCG(s.seed, uint64(round)))
	out := make([]int, len(cells))
	for i, j := range rng.Perm(len(cells)) {
		out[i] = cells[j]
	}
	return out
}

// enough says whether the rounds may end. samples are those of the metric that
// decides, one for each cell that still runs.
func (s schedule) enough(rounds int, now time.Time, samples [][]float64) (Stop, bool) {
	switch {
	case len(samples) == 0:
		return StopNothing, true
	case rounds >= s.maxRuns:
		return StopMax, true
	case !s.deadline.IsZero() && !now.Before(s.deadline):
		return StopTime, true
	case rounds < s.minRuns:
		return "", false
	}
	for _, values := range samples {
		if Summarize(values, s.confidence).P50.width() > s.precision {
			return "", false
		}
	}
	return StopPrecise, true
}
