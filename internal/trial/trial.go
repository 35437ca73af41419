// Package trial runs a program in a sandbox through its whole life and says
// what happened: start, listening, first answer, a while of service, a reload
// if there is one, the stop signal with a request under way, the end. It does
// so again in harder surroundings (read-only, another user, little memory, no
// network …), asks the program to reach what it will meet in production (the
// compatibility matrix), and writes down whom it called by itself.
//
// What cannot be tried here is "not run", with the reason, and never passes.
//
// The package knows what a life looks like and what is wrong with one. It
// knows nothing of images, registries and builds: the caller says what runs.
package trial

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// Subject is what runs, with the surroundings its image gives it.
type Subject struct {
	Name       string // what findings call it
	Root       string // directory that becomes its root file system
	Binds      []sandbox.Bind
	Args, Env  []string
	Dir        string
	UID, GID   int
	Groups     []int
	StopSignal string   // such as SIGTERM or 15; "": SIGTERM
	Ports      []uint16 // TCP ports that the image declares
	Health     []string // paths or URLs that the image's health check asks for
}

// The times of a trial.
const (
	// DefaultStop is how long a program may take from the stop signal to its
	// end. Kubernetes waits 30 seconds by default and Docker 10; who needs
	// longer than the smaller of the two is killed by one of them.
	DefaultStop  = 10 * time.Second
	DefaultStart = 30 * time.Second
	// DefaultSteady is how long a program is watched while it serves.
	DefaultSteady = time.Second
)

// Options say how a subject is tried.
type Options struct {
	Runner sandbox.Runner
	Probe  *Probe        // nil: what answers is found out
	Start  time.Duration // until the first answer; 0: DefaultStart
	Stop   time.Duration // 0: DefaultStop
	Steady time.Duration // 0: DefaultSteady
	Slow   *Probe        // a request that takes a while, to be under way at the stop signal; may be nil
	Reload string        // signal after which the program must still serve; "": none

	Memory int64   // limits of every run; 0: none
	CPUs   float64 //
	// Reach are the servers of this machine that the program can reach:
	// address on this machine by "name:port" as the program knows it.
	Reach map[string]string
	Allow []string // hosts that may be called before the first request; nil: any

	Variations bool // the same in harder surroundings
	only       []string
	Matrix     *Matrix
	// Slipway is a static slipway on this machine, which is asked where the
	// program has no endpoint to be asked through; "": there is none.
	Slipway  string
	Parallel int // runs at the same time; 0: one for each processor
	// TempDir is where files for the sandboxes are made; "": the machine's.
	// Whoever gives one removes what a killed run left in it.
	TempDir string

	// Progress is called with the runs that have ended and those there are.
	Progress func(done, total int)
}

// Result is what happened.
type Result struct {
	Name     string            `json:"name"`
	Runner   string            `json:"runner"`
	Life     Life              `json:"life"`
	Cells    []Cell            `json:"cells,omitempty"`    // variations and matrix
	Memory   *Memory           `json:"memory,omitempty"`   // the smallest limit that will do
	Egress   []Host            `json:"egress"`             // whom it called
	EgressNo string            `json:"noEgress,omitempty"` // why calls could not be recorded
	Findings []finding.Finding `json:"findings"`
}

// Verdict of one Cell.
type Verdict string

// The verdicts.
const (
	Pass     Verdict = "pass"
	Fail     Verdict = "fail"
	Degraded Verdict = "degraded"
	NotRun   Verdict = "not-run"
)

// Cell is one thing that was tried.
type Cell struct {
	Area     string       `json:"area"` // surroundings, dns, tls, db, signal
	ID       string       `json:"id"`   // such as read-only
	Name     i18n.Message `json:"name"`
	Verdict  Verdict      `json:"verdict"`
	Evidence i18n.Message `json:"evidence,omitzero"`
	Detail   string       `json:"detail,omitempty"` // in the words of the program, or of what was asked
	Log      []string     `json:"log,omitempty"`    // its last lines, unless it passed
	Ms       float64      `json:"ms,omitempty"`     // to the first answer, or of the question
	// By says who was asked: the program, or slipway's own probe in its
	// surroundings.
	By string `json:"by,omitempty"`

	harder   bool // in surroundings in which others say whether it starts at all
	accepted bool // a certificate, or a version, that it should have refused
}

// Memory is the smallest power of two of a memory limit under which the
// program still gives its first answer.
type Memory struct {
	Limit  int64        `json:"limit,omitempty"`  // bytes; 0: none was found
	MaxRSS int64        `json:"maxRSS,omitempty"` // bytes, of the run without a limit
	Failed []int64      `json:"failed,omitempty"` // limits that did not do
	NotRun i18n.Message `json:"notRun,omitzero"`
}

// trial is one subject on trial.
type trial struct {
	s  Subject
	o  Options
	mu sync.Mutex // guards r.Cells
	r  Result

	ready time.Duration // of the first run
}

// Run tries s. The error says that the trial could not be held; what is wrong
// with s is in the findings.
func Run(ctx context.Context, s Subject, o Options) (*Result, error) {
	if err := o.Runner.Check(ctx); err != nil {
		return nil, fmt.Errorf("use runner %s: %w", o.Runner.Name(), err)
	}
	o.Start, o.Stop, o.Steady = orDefault(o.Start, DefaultStart), orDefault(o.Stop, DefaultStop), orDefault(o.Steady, DefaultSteady)
	if o.Parallel <= 0 {
		// Most of the time, all that is done is to wait for what does not come.
		o.Parallel = runtime.GOMAXPROCS(0) + 2
	}
	if s.StopSignal == "" {
		s.StopSignal = "SIGTERM"
	}
	t := &trial{s: s, o: o, r: Result{Name: s.Name, Runner: o.Runner.Name(), Egress: []Host{}, Findings: []finding.Finding{}}}
	jobs := 1
	var later []func(context.Context) error
	if o.Variations {
		later = append(later, t.variations()...)
		later = append(later, t.signals()...)
		if o.only == nil {
			later = append(later, t.memory)
		}
	}
	if o.Matrix != nil {
		later = append(later, t.matrix()...)
	}
	progress := func(done int) {
		if o.Progress != nil {
			o.Progress(done, jobs+len(later))
		}
	}
	progress(0)
	life, err := t.live(ctx, t.spec(), egress.Options{Reach: t.services(nil)}, full)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", s.Name, err)
	}
	t.r.Life = *life
	t.ready = time.Duration(life.ReadyMs * float64(time.Millisecond))
	t.r.Egress, t.r.EgressNo = life.hosts, life.noEgress
	progress(1)
	// The rest compares itself with a program that works.
	if life.ok() {
		if err := each(ctx, o.Parallel, later, func(done int) { progress(1 + done) }); err != nil {
			return nil, fmt.Errorf("run %s: %w", s.Name, err)
		}
	}
	slices.SortStableFunc(t.r.Cells, func(a, b Cell) int { return order(a) - order(b) })
	t.judge()
	finding.Sort(t.r.Findings)
	return &t.r, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// spec is the subject as a container engine runs it.
func (t *trial) spec() sandbox.Spec {
	s := t.s
	return sandbox.Spec{
		Root: s.Root, Binds: s.Binds, Args: s.Args, Env: slices.Clone(s.Env), Dir: s.Dir,
		UID: s.UID, GID: s.GID, Groups: s.Groups, Writable: true, Memory: t.o.Memory, CPUs: t.o.CPUs,
		Nameservers: []string{egress.Nameserver, egress.SecondNameserver},
	}
}

// setEnv sets a variable, or removes it.
func setEnv(env []string, key, value string, set bool) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, key+"=") })
	if set {
		env = append(env, key+"="+value)
	}
	return env
}

// unsupported gives the reason if err says that something cannot be done here.
func unsupported(err error) (string, bool) {
	if !errors.Is(err, sandbox.ErrUnsupported) {
		return "", false
	}
	return err.Error(), true
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// Text puts a verdict into words.
func (v Verdict) Text() i18n.Message {
	switch v {
	case Pass:
		return i18n.M("trial.verdict.pass")
	case Fail:
		return i18n.M("trial.verdict.fail")
	case Degraded:
		return i18n.M("trial.verdict.degraded")
	}
	return i18n.M("trial.verdict.notrun")
}

// AreaName puts the area of a cell into words.
func AreaName(area string) i18n.Message {
	switch area {
	case areaSurroundings:
		return i18n.M("trial.area.surroundings")
	case areaSignal:
		return i18n.M("trial.area.signal")
	case areaDNS:
		return i18n.M("trial.area.dns")
	case areaTLS:
		return i18n.M("trial.area.tls")
	case areaEnv:
		return i18n.M("trial.area.env")
	}
	return i18n.M("trial.area.db")
}
