package trial

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// evidenceLines is how much of a log stands below a finding.
const evidenceLines = 4

func (t *trial) report(r finding.Rule, says i18n.Message, log []string, more ...i18n.Message) {
	f := r.On(t.s.Name, says)
	for _, m := range more {
		f.Evidence = append(f.Evidence, finding.Evidence{Text: m})
	}
	for _, line := range log[max(0, len(log)-evidenceLines):] {
		if line != "" {
			f.Evidence = append(f.Evidence, finding.Evidence{Text: i18n.M("trial.evidence.log", line)})
		}
	}
	t.r.Findings = append(t.r.Findings, f)
}

// judge makes findings of what was seen. What was not seen makes none.
func (t *trial) judge() {
	t.judgeStart()
	if t.r.Life.ok() || t.r.Life.Phase == Crashed {
		t.judgeEnd()
		t.judgeCells()
		t.judgeEgress()
	}
}

func (t *trial) judgeStart() {
	l := &t.r.Life
	serverWanted := t.o.Probe != nil || len(t.s.Ports) > 0
	switch l.Phase {
	case NotStarted:
		t.report(RuleNotExecuted, i18n.M("trial.bin040", l.Error), nil)
	case Exited:
		switch {
		case l.Exit.OOM:
			t.report(RuleMemory, i18n.M("trial.bin042", mib(t.o.Memory)), l.Log, l.ending())
		case l.Exit.Signal != "":
			t.report(RuleExits, i18n.M("trial.bin041.signal", l.Exit.Signal, l.EndMs), l.Log)
		case l.Exit.Code != 0 || serverWanted:
			t.report(RuleExits, i18n.M("trial.bin041", l.Exit.Code, l.EndMs), l.Log)
		}
	case Silent:
		t.report(RuleNeverListens, i18n.M("trial.bin043", t.o.Start), l.Log)
	case NoAnswer:
		if l.Answer != nil && l.Answer.http {
			t.report(RuleProbe, i18n.M("trial.bin045.status", l.Answer.Probe, l.Answer.Status), l.Log)
		} else if l.Answer != nil {
			t.report(RuleProbe, i18n.M("trial.bin045", l.Answer.Probe, l.Answer.Err), l.Log, t.listens())
		}
	case Crashed:
		t.report(RuleCrashes, i18n.M("trial.bin046", l.ending()), l.Log)
	case Serving:
		if l.Lost > 0 {
			t.report(RuleCrashes, i18n.M("trial.bin046.lost", l.Lost, l.Asked, l.probe), l.Log)
		}
	}
	if l.Phase != Serving && l.Phase != NoAnswer && l.Phase != Crashed {
		return
	}
	// A port that only this container needs (a debug port beside the real
	// one) is fine; one that is declared, or all of them, is not.
	ports := t.s.Ports
	if t.o.Probe != nil {
		ports = append(slices.Clone(ports), t.o.Probe.Port)
	}
	for _, p := range append(ports, 0) {
		if known, ok := reachable(l.Sockets, p); known && !ok {
			t.report(RuleLoopback, i18n.M("trial.bin044", t.listenText()), nil)
			return
		}
	}
}

func (t *trial) listenText() string {
	var s []string
	for _, k := range t.r.Life.Sockets {
		if k.Proto == "tcp" {
			s = append(s, socketText(k.Addr))
		}
	}
	slices.Sort(s)
	return strings.Join(slices.Compact(s), ", ")
}

func (t *trial) listens() i18n.Message { return i18n.M("trial.evidence.listens", t.listenText()) }

func (t *trial) judgeEnd() {
	l := &t.r.Life
	if rl := l.Reload; rl != nil {
		switch {
		case rl.Ended:
			t.report(RuleReload, i18n.M("trial.bin050.ended", rl.Signal), l.Log)
		case rl.Lost > 0:
			t.report(RuleReload, i18n.M("trial.bin050.lost", rl.Signal, rl.Lost, rl.Asked), l.Log)
		}
	}
	st := l.Stop
	if st == nil {
		return
	}
	switch {
	case st.Killed:
		t.report(RuleIgnoresStop, i18n.M("trial.bin047", st.Signal, t.o.Stop), l.Log)
	case l.Exit != nil && (l.Exit.Code != 0 || l.Exit.Signal != ""):
		code := l.Exit.Code
		if l.Exit.Signal != "" {
			if sig, err := parseSignal(l.Exit.Signal); err == nil {
				code = 128 + signalNumber(sig)
			}
		}
		t.report(RuleStopCode, i18n.M("trial.bin049", code, st.Signal), nil)
	}
	switch {
	case st.Killed:
	case st.Request == Dropped:
		t.report(RuleDropsRequests, i18n.M("trial.bin048", st.Signal, st.Detail), nil)
	case st.Request == NotAwaited:
		// A server that is not net/http's may have its reasons.
		rule := RuleDropsRequests
		rule.Advisory = true
		t.report(rule, i18n.M("trial.bin048.half", st.Ms, st.Signal), nil)
	}
}

func (t *trial) judgeCells() {
	r := &t.r
	failed := func(id string) *Cell {
		if c := r.cell(id); c != nil && c.Verdict == Fail {
			return c
		}
		return nil
	}
	if c := failed("read-only"); c != nil {
		m := i18n.M("trial.bin051")
		if tmp := r.cell("read-only-tmp"); tmp != nil && tmp.Verdict != Fail && tmp.Verdict != NotRun {
			m = i18n.M("trial.bin051.tmp")
		}
		t.report(RuleWritableRoot, m, c.Log, c.Evidence)
	}
	if c := failed("other-user"); c != nil {
		rule := RuleOtherUser
		m := i18n.M("trial.bin052", t.s.UID)
		if t.s.UID == 0 {
			m = i18n.M("trial.bin052.root")
		} else {
			// It has given up root already; only some clusters ask for more.
			rule.Advisory = true
		}
		t.report(rule, m, c.Log, c.Evidence)
	}
	// Who cannot do without a network needs no reason of its own for that file.
	if c := failed("no-resolv-conf"); c != nil && failed("net-refused") == nil {
		t.report(RuleNoResolvConf, i18n.M("trial.bin053"), c.Log, c.Evidence)
	}
	if c := failed("no-dev-null"); c != nil {
		t.report(RuleNoDevNull, i18n.M("trial.bin054"), c.Log, c.Evidence)
	}
	switch refused, dropped := failed("net-refused"), failed("net-dropped"); {
	case refused != nil:
		t.report(RuleNeedsNetwork, i18n.M("trial.bin056"), refused.Log, refused.Evidence)
	case dropped != nil:
		t.report(RuleNeedsNetwork, i18n.M("trial.bin056.dropped"), dropped.Log, dropped.Evidence)
	}
	for _, id := range []string{"no-home", "zone", "no-ipv6"} {
		if c := failed(id); c != nil {
			t.report(RuleSurroundings, i18n.M("trial.bin057", c.ID), c.Log, c.Name, c.Evidence)
		}
	}
	for _, c := range r.Cells {
		if c.Verdict != Fail || !slices.Contains([]string{areaDNS, areaTLS, areaEnv, areaDB}, c.Area) {
			continue
		}
		rule, m := RuleMatrix, i18n.M("trial.bin058", c.Area, c.ID)
		if c.accepted {
			rule, m = RuleAcceptsBad, i18n.M("trial.bin059", c.ID)
		}
		if c.By == byProbe {
			rule.Advisory = true // the surroundings, not the program
		}
		t.report(rule, m, nil, c.Name, c.Evidence)
	}
}

// judgeEgress is about calls that nobody asked for. Without a list of those
// that are allowed, they are told and not held against the program.
func (t *trial) judgeEgress() {
	for _, h := range t.r.Egress {
		if !h.Before || h.Outcome == "forwarded" {
			continue
		}
		rule := RuleEgress
		rule.Advisory = t.o.Allow == nil
		if slices.ContainsFunc(t.o.Allow, func(pattern string) bool { return allowed(pattern, h) }) {
			continue
		}
		m := i18n.M("trial.bin055", h.Name, h.Port, h.Proto, h.FirstMs)
		if h.Proto == "dns" {
			m = i18n.M("trial.bin055.dns", h.Name, h.FirstMs)
		}
		var more []i18n.Message
		if h.Request != "" {
			more = append(more, i18n.M("trial.evidence.request", h.Request))
		}
		t.report(rule, m, nil, more...)
		t.r.Findings[len(t.r.Findings)-1].Entity = t.s.Name + " " + h.Name
	}
}

// allowed reports whether a pattern such as *.example.com or db:5432 is about h.
func allowed(pattern string, h Host) bool {
	if ok, _ := path.Match(pattern, h.Name); ok {
		return true
	}
	ok, _ := path.Match(pattern, h.Name+":"+portText(h.Port))
	return ok
}
