package trial

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// areas in the order they are shown.
var areas = []string{areaSurroundings, areaSignal, areaDNS, areaTLS, areaEnv, areaDB}

// The areas of cells.
const (
	areaSurroundings = "surroundings"
	areaSignal       = "signal"
	areaDNS          = "dns"
	areaTLS          = "tls"
	areaEnv          = "environment"
	areaDB           = "db"
)

// order sorts cells by area and then by the order they are listed in.
func order(c Cell) int {
	ids := []string{}
	for _, v := range variants() {
		ids = append(ids, v.id)
	}
	for _, s := range signalCases() {
		ids = append(ids, s.id)
	}
	for _, d := range dnsCases() {
		ids = append(ids, d.id)
	}
	for _, c := range tlsCases() {
		ids = append(ids, c.id)
	}
	ids = append(ids, ownRoots)
	ids = append(ids, environmentIDs...)
	return slices.Index(areas, c.Area)*1000 + slices.Index(ids, c.ID) + 1
}

// variant is one change of the surroundings.
type variant struct {
	id     string
	name   i18n.Message
	change func(*sandbox.Spec, *egress.Options)
	slow   bool // takes longer by its nature
}

const otherUID = 1000660000 // such as OpenShift gives; its group is 0

func variants() []variant {
	return []variant{
		{id: "read-only", name: i18n.M("trial.var.readonly"), change: func(s *sandbox.Spec, _ *egress.Options) { s.Writable = false }},
		{id: "read-only-tmp", name: i18n.M("trial.var.readonlytmp"), change: func(s *sandbox.Spec, _ *egress.Options) {
			s.Writable = false
			s.Tmpfs = append(s.Tmpfs, "/tmp")
		}},
		{id: "other-user", name: i18n.M("trial.var.user", otherUID), change: func(s *sandbox.Spec, _ *egress.Options) {
			s.UID, s.GID, s.Groups = otherUID, 0, nil
		}},
		{id: "no-resolv-conf", name: i18n.M("trial.var.resolv"), change: func(s *sandbox.Spec, _ *egress.Options) {
			s.Without = append(s.Without, "/etc/resolv.conf")
		}},
		{id: "no-dev-null", name: i18n.M("trial.var.devnull"), change: func(s *sandbox.Spec, _ *egress.Options) {
			s.Without = append(s.Without, "/dev/null")
		}},
		{id: "no-home", name: i18n.M("trial.var.home"), change: func(s *sandbox.Spec, _ *egress.Options) {
			s.Env = setEnv(s.Env, "HOME", "", false)
		}},
		{id: "zone", name: i18n.M("trial.var.zone"), change: func(s *sandbox.Spec, _ *egress.Options) {
			s.Env = setEnv(s.Env, "TZ", "Asia/Shanghai", true)
		}},
		{id: "one-cpu", name: i18n.M("trial.var.cpu1"), change: func(s *sandbox.Spec, _ *egress.Options) { s.CPUs = 1 }},
		{id: "tenth-cpu", name: i18n.M("trial.var.cpu01"), slow: true, change: func(s *sandbox.Spec, _ *egress.Options) { s.CPUs = 0.1 }},
		{id: "memory-64", name: i18n.M("trial.var.memory"), change: func(s *sandbox.Spec, _ *egress.Options) { s.Memory = 64 << 20 }},
		{id: "no-ipv6", name: i18n.M("trial.var.ipv6"), change: func(_ *sandbox.Spec, o *egress.Options) { o.NoIPv6 = true }},
		{id: "net-refused", name: i18n.M("trial.var.refused"), change: func(_ *sandbox.Spec, o *egress.Options) {
			o.Policy, o.OnlyZone, o.Reach = egress.Refuse, true, nil
		}},
		{id: "net-dropped", name: i18n.M("trial.var.dropped"), slow: true, change: func(_ *sandbox.Spec, o *egress.Options) {
			o.Policy, o.Reach = egress.Drop, nil
		}},
	}
}

// variations gives a job for each change.
func (t *trial) variations() []func(context.Context) error {
	var jobs []func(context.Context) error
	for _, v := range variants() {
		if t.o.only != nil && !slices.Contains(t.o.only, v.id) {
			continue
		}
		jobs = append(jobs, func(ctx context.Context) error {
			spec, eo := t.spec(), egress.Options{Reach: t.services(nil)}
			v.change(&spec, &eo)
			c := Cell{Area: areaSurroundings, ID: v.id, Name: v.name}
			l, err := t.patient(v.slow).live(ctx, spec, eo, toReady)
			if err := t.compare(&c, l, err, v.slow); err != nil {
				return err
			}
			t.add(c)
			return nil
		})
	}
	return jobs
}

// patient gives t with the time for the first answer that a program which
// needed t.ready before may take now.
func (t *trial) patient(slow bool) *trial {
	u := &trial{s: t.s, o: t.o}
	if slow {
		return u
	}
	u.o.Start = min(t.o.Start, 4*time.Second+10*t.ready)
	return u
}

// compare judges a life by the first one.
func (t *trial) compare(c *Cell, l *Life, err error, slow bool) error {
	if why, un := unsupported(err); un {
		c.Verdict, c.Evidence, c.Detail = NotRun, i18n.M("trial.notrun"), why
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.ID, err)
	}
	c.Ms = l.ReadyMs
	base := &t.r.Life
	if l.Phase == base.Phase && l.ok() {
		c.Verdict = Pass
		if l.Phase == Serving {
			c.Evidence = i18n.M("trial.cell.ready", l.ReadyMs)
			if !slow && l.ReadyMs > 3*base.ReadyMs+1000 {
				c.Verdict, c.Evidence = Degraded, i18n.M("trial.cell.slower", l.ReadyMs, base.ReadyMs)
			}
			if a, b := l.Answer, base.Answer; a != nil && b != nil && a.Probe == b.Probe && a.Status != b.Status {
				c.Verdict, c.Evidence = Degraded, i18n.M("trial.cell.status", a.Status, b.Status)
			}
		}
		return nil
	}
	c.Verdict, c.Evidence = Fail, l.ending()
	c.Log = l.Log[max(0, len(l.Log)-8):]
	c.Detail = l.Error
	return nil
}

// ending says in words how far a life came that came too short.
func (l *Life) ending() i18n.Message {
	switch {
	case l.Phase == NotStarted:
		return i18n.M("trial.end.notstarted", l.Error)
	case l.Exit != nil && l.Exit.OOM:
		return i18n.M("trial.end.oom", l.EndMs)
	case l.Exit != nil && l.Exit.Signal != "":
		return i18n.M("trial.end.signal", l.Exit.Signal, l.EndMs)
	case l.Exit != nil && (l.Phase == Exited || l.Phase == Crashed):
		return i18n.M("trial.end.exit", l.Exit.Code, l.EndMs)
	case l.Phase == Silent, l.Phase == Running:
		return i18n.M("trial.end.silent")
	case l.Answer != nil && l.Answer.http:
		return i18n.M("trial.end.status", l.Answer.Probe, l.Answer.Status)
	case l.Answer != nil:
		return i18n.M("trial.end.noanswer", l.Answer.Probe, l.Answer.Err)
	}
	return i18n.M("trial.end.none")
}

// add keeps a cell. Jobs run side by side.
func (t *trial) add(c Cell) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Cells = append(t.r.Cells, c)
}

// cell gives a cell; nil if there is none.
func (r *Result) cell(id string) *Cell {
	for i := range r.Cells {
		if r.Cells[i].ID == id {
			return &r.Cells[i]
		}
	}
	return nil
}

// memory looks for the smallest power of two of a limit that will do.
func (t *trial) memory(ctx context.Context) error {
	m := &Memory{}
	t.r.Memory = m
	if e := t.r.Life.Exit; e != nil {
		m.MaxRSS = e.MaxRSS
	}
	if t.r.Life.Phase != Serving {
		m.NotRun = i18n.M("trial.memory.noserver")
		return nil
	}
	lo, hi := 3, 11 // 8 MiB does not (as far as is known), 2 GiB does
	found := false
	for lo < hi {
		mid := (lo + hi) / 2
		spec := t.spec()
		spec.Memory = 1 << (20 + mid)
		if t.o.Memory > 0 && spec.Memory > t.o.Memory {
			spec.Memory = t.o.Memory
		}
		l, err := t.patient(false).live(ctx, spec, egress.Options{Reach: t.services(nil)}, toReady)
		if why, un := unsupported(err); un {
			m.NotRun = i18n.M("trial.memory.notrun", why)
			return nil
		}
		if err != nil {
			return fmt.Errorf("memory limit %d: %w", spec.Memory, err)
		}
		if l.Phase == Serving {
			hi, found = mid, true
		} else {
			m.Failed = append(m.Failed, spec.Memory)
			lo = mid + 1
		}
	}
	if found {
		m.Limit = 1 << (20 + hi)
	}
	slices.Sort(m.Failed)
	return nil
}

// signalCase is a signal and what it should do.
type signalCase struct {
	id   string
	ends bool // it should end the program
}

func signalCases() []signalCase {
	return []signalCase{
		{"TERM", true}, {"INT", true}, {"QUIT", true}, {"HUP", false}, {"USR1", false}, {"USR2", false}, {"PIPE", false},
	}
}

// signals gives a job for each signal: what does it do to the program as the
// first process of its PID namespace, which the kernel spares signals that it
// has no handler for?
func (t *trial) signals() []func(context.Context) error {
	var jobs []func(context.Context) error
	for _, sc := range signalCases() {
		if t.o.only != nil && !slices.Contains(t.o.only, sc.id) {
			continue
		}
		jobs = append(jobs, func(ctx context.Context) error {
			c := Cell{Area: areaSignal, ID: sc.id, Name: i18n.M("trial.sig.name", "SIG"+sc.id)}
			sig, err := parseSignal(sc.id)
			if err != nil {
				return err
			}
			if t.r.Life.Phase != Serving {
				c.Verdict, c.Evidence = NotRun, i18n.M("trial.sig.noserver")
				t.add(c)
				return nil
			}
			l, err := t.patient(false).liveWith(ctx, t.spec(), egress.Options{Reach: t.services(nil)}, toReady, func(ctx context.Context, r *run) error {
				sent := time.Now()
				if err := r.box.Signal(sig); err != nil && !r.over() {
					return fmt.Errorf("send SIG%s: %w", sc.id, err)
				}
				limit := time.Second
				if sc.ends {
					limit = t.o.Stop
				}
				wctx, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				select {
				case <-r.ended:
				case <-wctx.Done():
				}
				took := millis(time.Since(sent))
				a := ask(ctx, r.box.Network(), r.life.probe, r.life.Sockets)
				c.judge(sc, r, a, took, "SIG"+sc.id == t.o.Reload || sc.id == t.o.Reload)
				return nil
			})
			if c.Verdict == "" {
				if err := t.compare(&c, l, err, false); err != nil {
					return err
				}
			} else if err != nil {
				return err
			}
			t.add(c)
			return nil
		})
	}
	return jobs
}

func (c *Cell) judge(sc signalCase, r *run, a Answer, took float64, reload bool) {
	switch {
	case r.over() && r.exit.Signal != "":
		c.Evidence = i18n.M("trial.sig.killed", took)
	case r.over():
		c.Evidence = i18n.M("trial.sig.exit", r.exit.Code, took)
	case a.ok:
		c.Evidence = i18n.M("trial.sig.serves")
	default:
		c.Evidence = i18n.M("trial.sig.mute", strings.TrimSpace(a.Err))
	}
	switch {
	case sc.ends && !r.over():
		c.Verdict = Fail
	case sc.id == "QUIT" && r.over():
		c.Verdict = Pass // it is there to make a program say where it stands
	case sc.ends && (r.exit.Code != 0 || r.exit.Signal != ""):
		c.Verdict = Degraded
	case sc.ends, !r.over() && a.ok:
		c.Verdict = Pass
	case reload, !r.over():
		c.Verdict = Fail
	default:
		c.Verdict = Degraded
	}
	if c.Verdict != Pass {
		c.Log = r.log.last(4)
	}
}
