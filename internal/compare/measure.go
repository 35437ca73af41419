package compare

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// Options says how starts are measured.
type Options struct {
	Runner    sandbox.Runner // of starts that name none
	Starts    []Start
	Floor     *Start // the server that does nothing; its Cell is not used
	Probe     Probe
	Until     Until
	Timeout   time.Duration // of one start
	Seed      uint64
	Warmup    int // rounds that are dropped
	MinRuns   int // rounds at least
	MaxRuns   int
	Precision float64       // stop when half the interval of every median is below this part of it
	Limit     time.Duration // of all rounds; 0: none
	// Progress is told after each round. It may be nil.
	Progress func(done, most int, left time.Duration)
}

// floorCell is the index under which the floor takes its turns.
const floorCell = -1

// Measure starts the cells in rounds and adds what was measured to r, whose
// Method it completes. A cell that does not start is given its reason and left
// out from then on. When ctx ends, r holds what was measured so far and says
// so; that is no error.
func Measure(ctx context.Context, r *Result, o Options) error {
	starts := map[int]Start{}
	var live []int
	for _, s := range o.Starts {
		starts[s.Cell] = s
		live = append(live, s.Cell)
	}
	if o.Floor != nil {
		if r.Floor == nil {
			r.Floor = &Cell{}
		}
		starts[floorCell] = *o.Floor
		live = append(live, floorCell)
	}
	r.Method.Runner = o.runners()
	r.Method.Until, r.Method.Seed, r.Method.Warmup = string(o.Until), o.Seed, o.Warmup
	r.Method.MinRuns, r.Method.MaxRuns, r.Method.Precision = o.MinRuns, o.MaxRuns, o.Precision
	if o.Until != UntilExit {
		r.Method.Probe = o.Probe.String()
	}
	t := &turns{result: r, starts: starts, live: live, options: o}
	t.meter = meter{runner: o.Runner, probe: o.Probe, until: o.Until, timeout: o.Timeout}
	t.plan = schedule{seed: o.Seed, minRuns: o.MinRuns, maxRuns: o.MaxRuns, precision: o.Precision, confidence: r.Method.Confidence}
	if o.Limit > 0 {
		t.plan.deadline = time.Now().Add(o.Limit)
	}
	before := readTicks()
	err := t.rounds(ctx)
	r.Noise.between(before, readTicks())
	r.Machine.LoadEnded = load()
	return err
}

// runners names all that start something.
func (o Options) runners() string {
	var names []string
	for _, s := range o.Starts {
		if n := cmp.Or(s.Runner, o.Runner).Name(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// turns is a measuring under way.
type turns struct {
	result  *Result
	starts  map[int]Start
	live    []int
	options Options
	meter   meter
	plan    schedule
}

func (t *turns) cell(i int) *Cell {
	if i == floorCell {
		return t.result.Floor
	}
	return &t.result.Cells[i]
}

func (t *turns) rounds(ctx context.Context) error {
	r := t.result
	for n := range t.options.Warmup {
		// The numbers below the first round that is kept are free for these.
		if err := t.round(ctx, -1-n, false); err != nil {
			return t.ended(ctx, err)
		}
	}
	began, first := time.Now(), r.Method.Rounds
	for {
		var samples [][]float64
		for _, i := range t.live {
			if i != floorCell {
				samples = append(samples, t.cell(i).Samples[t.options.Until.metric()])
			}
		}
		why, ok := t.plan.enough(r.Method.Rounds, time.Now(), samples)
		if ok {
			r.Method.Stopped = why
			return nil
		}
		// Garbage of this process must not be collected while a program starts.
		runtime.GC()
		r.Noise.Spin = append(r.Noise.Spin, spin())
		if err := t.round(ctx, r.Method.Rounds, true); err != nil {
			return t.ended(ctx, err)
		}
		r.Method.Rounds++
		if t.options.Progress != nil {
			done := r.Method.Rounds - first
			each := time.Since(began) / time.Duration(done)
			goal := t.options.MinRuns
			if r.Method.Rounds >= goal {
				goal = t.options.MaxRuns
			}
			t.options.Progress(r.Method.Rounds, goal, each*time.Duration(max(0, goal-r.Method.Rounds)))
		}
	}
}

// ended turns an interruption into an incomplete result.
func (t *turns) ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	t.result.Method.Stopped, t.result.Incomplete = StopInterrupted, true
	return nil
}

// round starts every cell once. What was measured counts only if the round was
// whole, so that all cells have been through the same.
func (t *turns) round(ctx context.Context, n int, keep bool) error {
	got := map[int]map[Metric]float64{}
	place := map[int]int{}
	for k, i := range t.plan.order(n, t.live) {
		v, err := t.meter.once(ctx, t.starts[i])
		if err == nil {
			got[i], place[i] = v, k
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		if _, ok := errors.AsType[*fault.Error](err); ok {
			return err
		}
		t.drop(i, err)
	}
	if !keep {
		return nil
	}
	for i, v := range got {
		c := t.cell(i)
		if c.Samples == nil {
			c.Samples = Samples{}
		}
		for m, x := range v {
			c.Samples[m] = append(c.Samples[m], x)
		}
		c.Orders = append(c.Orders, place[i])
	}
	return nil
}

// drop leaves a cell out from now on.
func (t *turns) drop(i int, err error) {
	msg := i18n.M("compare.reason", err)
	if e, ok := errors.AsType[*errCell](err); ok {
		msg = e.msg
		t.cell(i).Said = e.said
	}
	t.cell(i).Reason = &msg
	var rest []int
	for _, j := range t.live {
		if j != i {
			rest = append(rest, j)
		}
	}
	t.live = rest
}
