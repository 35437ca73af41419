package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/trial"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// trialText puts a run into words: what happened, whom it called, and the
// cells of the matrix.
func (a *app) trialText(r *trial.Result) []report.Texter {
	out := []report.Texter{a.lifeTable(r)}
	if len(r.Egress) > 0 {
		out = append(out, a.egressTable(r))
	}
	if len(r.Cells) > 0 {
		out = append(out, a.cellTable(r))
	}
	return out
}

func (a *app) lifeTable(r *trial.Result) *report.Table {
	l := &r.Life
	t := &report.Table{Columns: []report.Column{
		{Title: i18n.M("verifyrun.col.step")},
		{Title: i18n.M("verifyrun.head", r.Name, r.Runner), Wrap: true},
	}}
	add := func(name i18n.Message, text i18n.Message) {
		if !text.IsZero() {
			t.Rows = append(t.Rows, []string{a.say(name), a.say(text)})
		}
	}
	switch {
	case l.Phase == trial.NotStarted:
		add(i18n.M("verifyrun.line.start"), i18n.M("verifyrun.notstarted", l.Error))
	case l.ListenMs > 0:
		add(i18n.M("verifyrun.line.start"), i18n.M("verifyrun.listening", socketList(l.Sockets), span(l.ListenMs)))
	}
	switch {
	case l.ReadyMs > 0 && l.Answer.Status != 0:
		add(i18n.M("verifyrun.line.answer"), i18n.M("verifyrun.answered", l.Answer.Probe, l.Answer.Status, span(l.ReadyMs)))
	case l.ReadyMs > 0:
		add(i18n.M("verifyrun.line.answer"), i18n.M("verifyrun.accepts", l.Answer.Probe, span(l.ReadyMs)))
	case l.Phase == trial.Running:
		add(i18n.M("verifyrun.line.answer"), i18n.M("verifyrun.running"))
	}
	if l.Asked > 0 {
		add(i18n.M("verifyrun.line.steady"), i18n.M("verifyrun.steady", l.Asked, l.Lost))
	}
	if rl := l.Reload; rl != nil {
		add(i18n.M("verifyrun.line.reload"), i18n.M("verifyrun.reload", rl.Signal, rl.Asked, rl.Lost))
	}
	switch {
	case l.Stop != nil && l.Stop.Killed:
		add(i18n.M("verifyrun.line.stop"), i18n.M("verifyrun.killed", l.Stop.Signal, span(l.Stop.Ms)))
	case l.Stop != nil && l.Exit != nil:
		add(i18n.M("verifyrun.line.stop"), i18n.M("verifyrun.stopped", l.Stop.Signal, l.Exit.Code, span(l.Stop.Ms)))
		add(i18n.M("verifyrun.line.underway"), underwayText(l.Stop.Request))
	case l.Exit != nil:
		add(i18n.M("verifyrun.line.stop"), i18n.M("verifyrun.exited", l.Exit.Code, span(l.EndMs)))
	}
	if l.Exit != nil && l.Exit.MaxRSS > 0 {
		add(i18n.M("verifyrun.line.memory"), i18n.M("verifyrun.rss", report.Bytes(l.Exit.MaxRSS)))
	}
	if m := r.Memory; m != nil {
		if m.Limit > 0 {
			add(i18n.M("verifyrun.line.limit"), i18n.M("verifyrun.limit", m.Limit>>20))
		} else {
			add(i18n.M("verifyrun.line.limit"), m.NotRun)
		}
	}
	switch {
	case r.EgressNo != "":
		add(i18n.M("verifyrun.line.calls"), i18n.M("verifyrun.calls.unknown", r.EgressNo))
	case len(r.Egress) == 0 && l.Phase != trial.NotStarted:
		add(i18n.M("verifyrun.line.calls"), i18n.M("verifyrun.calls.none"))
	}
	return t
}

// span puts milliseconds into the words of a person.
func span(ms float64) string {
	return report.Duration(time.Duration(ms * float64(time.Millisecond)))
}

func underwayText(request string) i18n.Message {
	switch request {
	case trial.Finished:
		return i18n.M("verifyrun.underway.finished")
	case trial.Dropped:
		return i18n.M("verifyrun.underway.dropped")
	case trial.Awaited:
		return i18n.M("verifyrun.underway.awaited")
	case trial.NotAwaited:
		return i18n.M("verifyrun.underway.notawaited")
	}
	return i18n.Message{}
}

func socketList(socks []trial.Socket) string {
	var out []string
	for _, s := range socks {
		text := s.Addr.String()
		if s.Addr.Addr().IsUnspecified() {
			text = "*:" + strconv.Itoa(int(s.Addr.Port()))
		}
		if s.Proto != "tcp" {
			text += "/" + s.Proto
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

func (a *app) egressTable(r *trial.Result) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Title: i18n.M("verifyrun.col.host"), Wrap: true},
		{Title: i18n.M("verifyrun.col.port"), Right: true},
		{Title: i18n.M("verifyrun.col.proto")},
		{Title: i18n.M("verifyrun.col.first"), Right: true},
		{Title: i18n.M("verifyrun.col.when")},
		{Title: i18n.M("verifyrun.col.count"), Right: true},
		{Title: i18n.M("verifyrun.col.outcome")},
	}}
	for _, h := range r.Egress {
		when := i18n.M("verifyrun.after")
		if h.Before {
			when = i18n.M("verifyrun.before")
		}
		host, port := h.Name, ""
		if h.Port != 0 {
			port = strconv.Itoa(int(h.Port))
		}
		if h.Request != "" {
			host += " " + h.Request
		}
		t.Rows = append(t.Rows, []string{host, port, h.Proto, fmt.Sprintf("%.0f", h.FirstMs), a.say(when), strconv.Itoa(h.Count), h.Outcome})
	}
	t.Notes = append(t.Notes, i18n.M("verifyrun.calls.note"))
	return t
}

func (a *app) cellTable(r *trial.Result) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Title: i18n.M("verifyrun.col.area")},
		{Title: i18n.M("verifyrun.col.what"), Wrap: true},
		{Title: i18n.M("verifyrun.col.verdict")},
		{Title: i18n.M("verifyrun.col.evidence"), Wrap: true},
	}}
	last, probed := "", false
	for _, c := range r.Cells {
		area := ""
		if c.Area != last {
			area, last = a.say(trial.AreaName(c.Area)), c.Area
		}
		evidence := a.say(c.Evidence)
		if c.Detail != "" && c.Verdict != trial.Pass {
			evidence = a.say(i18n.M("verify.join.says", evidence, c.Detail))
		}
		what := a.say(c.Name)
		if c.ByProbe() {
			what, probed = what+" *", true
		}
		t.Rows = append(t.Rows, []string{area, what, a.say(c.Verdict.Text()), evidence})
	}
	if probed {
		t.Notes = append(t.Notes, i18n.M("verifyrun.probed"))
	}
	return t
}
