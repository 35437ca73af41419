package trial

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// The cells of the environment: what a program takes for granted because the
// developer's machine has it.
const (
	zoneNamed   = "zone-named"   // time.LoadLocation
	zoneLocal   = "zone-local"   // TZ, which a Go program ignores silently if it cannot load it
	zoneUnknown = "zone-unknown" // one that does not exist
	tmpPlain    = "tmp"
	tmpMissing  = "tmp-missing"
	userPlain   = "user"
	userUnknown = "user-unknown"

	ownRoots = "own-roots" // of the area of TLS
)

// environmentIDs are in the order in which they are shown.
var environmentIDs = []string{zoneNamed, zoneLocal, zoneUnknown, tmpPlain, tmpMissing, userPlain, userUnknown}

// farZone has no summer time, and differs from UTC on every day.
const farZone = "Asia/Shanghai"

func environmentName(id string) i18n.Message {
	switch id {
	case zoneNamed:
		return i18n.M("trial.env.zonenamed", farZone)
	case zoneLocal:
		return i18n.M("trial.env.zonelocal", farZone)
	case zoneUnknown:
		return i18n.M("trial.env.zoneunknown")
	case tmpPlain:
		return i18n.M("trial.env.tmp")
	case tmpMissing:
		return i18n.M("trial.env.tmpmissing")
	case userPlain:
		return i18n.M("trial.env.user")
	}
	return i18n.M("trial.env.userunknown", otherUID)
}

// environment gives a job for each thing that is taken for granted.
func (t *trial) environment() []func(context.Context) error {
	var jobs []func(context.Context) error
	add := func(p *Probe, ids []string, change func(*sandbox.Spec), judge func(*Cell, Answer)) {
		if p != nil {
			jobs = append(jobs, func(ctx context.Context) error { return t.askEnvironment(ctx, *p, ids, change, judge) })
		}
	}
	m := t.o.Matrix
	add(m.Time, []string{zoneNamed, zoneLocal, zoneUnknown}, inFarZone, (*Cell).judgeZone)
	add(m.Tmp, []string{tmpPlain}, nil, (*Cell).judgeNeed)
	add(m.Tmp, []string{tmpMissing}, readOnly, (*Cell).judgeLack)
	add(m.User, []string{userPlain}, nil, (*Cell).judgeNeed)
	add(m.User, []string{userUnknown}, asNobodyKnown, (*Cell).judgeLack)
	if t.o.Slipway != "" {
		jobs = append(jobs, t.surroundingsEnvironment)
	}
	return jobs
}

func inFarZone(s *sandbox.Spec) { s.Env = setEnv(s.Env, "TZ", farZone, true) }

func readOnly(s *sandbox.Spec) { s.Writable = false }

// asNobodyKnown runs as a user that no image has an entry for, as OpenShift
// does.
func asNobodyKnown(s *sandbox.Spec) {
	s.UID, s.GID, s.Groups = otherUID, 0, nil
	s.Env = setEnv(setEnv(s.Env, "HOME", "", false), "USER", "", false)
}

// askEnvironment asks the program itself, in one life.
func (t *trial) askEnvironment(ctx context.Context, p Probe, ids []string, change func(*sandbox.Spec), judge func(*Cell, Answer)) error {
	spec := t.spec()
	if change != nil {
		change(&spec)
	}
	var cells []Cell
	for _, id := range ids {
		cells = append(cells, Cell{Area: areaEnv, ID: id, By: byProgram, Name: environmentName(id), harder: change != nil})
	}
	zones := map[string]string{zoneNamed: farZone, zoneLocal: "Local", zoneUnknown: "Mars/Phobos"}
	return t.together(ctx, cells, spec, egress.Options{Reach: t.services(nil)}, func(ctx context.Context, r *run, c *Cell) error {
		a, took := question(ctx, r, p.with("zone", zones[c.ID]), 15*time.Second)
		c.Ms, c.Detail = took, a.detail()
		if !a.http {
			c.Verdict, c.Evidence = Fail, i18n.M("trial.cell.noanswer", a.Err)
			return nil
		}
		judge(c, a)
		return nil
	})
}

// judgeNeed is of what the image must provide.
func (c *Cell) judgeNeed(a Answer) {
	c.Verdict, c.Evidence = Pass, i18n.M("trial.cell.took", c.Ms)
	if !a.ok {
		c.Verdict, c.Evidence = Fail, i18n.M("trial.env.missing", a.Status)
	}
}

// judgeLack is of what may be missing: to say so is well, and a limit.
func (c *Cell) judgeLack(a Answer) {
	c.Verdict, c.Evidence = Pass, i18n.M("trial.env.without")
	if !a.ok {
		c.Verdict, c.Evidence = Degraded, i18n.M("trial.env.says", a.Status)
	}
}

// judgeZone reads the offset in what the program says the time is.
func (c *Cell) judgeZone(a Answer) {
	o := offsetOf(a.body)
	switch {
	case c.ID == zoneUnknown && a.ok:
		c.Verdict, c.Evidence = Degraded, i18n.M("trial.env.zoneinvented")
	case c.ID == zoneUnknown:
		c.Verdict, c.Evidence = Pass, i18n.M("trial.tls.refused")
	case a.ok && o == offsetUTC:
		c.Verdict, c.Evidence = Fail, i18n.M("trial.env.silentlyutc")
	case a.ok && o == offsetRight:
		c.Verdict, c.Evidence = Pass, i18n.M("trial.cell.took", c.Ms)
	case c.ID == zoneLocal:
		c.Verdict, c.Evidence = NotRun, i18n.M("trial.env.nooffset")
	case a.ok:
		c.Verdict, c.Evidence = Pass, i18n.M("trial.env.nooffset")
	default:
		c.Verdict, c.Evidence = Fail, i18n.M("trial.env.nozone", a.Status)
	}
}

// offset is what a time says of its distance from UTC.
type offset int

const (
	offsetUnsaid offset = iota
	offsetRight         // that of farZone
	offsetUTC
)

var (
	farOffset = regexp.MustCompile(`\+08:?00\b|\+0?8\b|\bCST\b`)
	utcOffset = regexp.MustCompile(`\dZ\b|[+-]00:?00\b|\b(UTC|GMT)\b`)
)

func offsetOf(body string) offset {
	switch {
	case farOffset.MatchString(body):
		return offsetRight
	case utcOffset.MatchString(body):
		return offsetUTC
	}
	return offsetUnsaid
}

// surroundingsEnvironment asks slipway what the program cannot be asked. It
// cannot know what the program needs: nothing here is more than a limit.
func (t *trial) surroundingsEnvironment(ctx context.Context) error {
	m := t.o.Matrix
	for _, q := range []struct {
		id       string
		declared *Probe
		change   func(*sandbox.Spec)
		args     []string
		step     string // that must be fine, whatever the rest is
	}{
		{zoneNamed, m.Time, nil, []string{"tz", farZone}, "probe.tz.zone"},
		{zoneLocal, m.Time, inFarZone, []string{"tz"}, "probe.tz.local"},
		{tmpPlain, m.Tmp, nil, []string{"tmp"}, ""},
		{userPlain, m.User, nil, []string{"user"}, "probe.user.name"},
		{userUnknown, m.User, asNobodyKnown, []string{"user"}, "probe.user.name"},
	} {
		if q.declared != nil {
			continue
		}
		spec := t.spec()
		if q.change != nil {
			q.change(&spec)
		}
		c := Cell{Area: areaEnv, ID: q.id, By: byProbe, Name: environmentName(q.id)}
		if err := t.probeCell(ctx, &c, spec, q.step, q.args...); err != nil {
			return err
		}
	}
	return nil
}

// surroundingsRoots says whether there are root certificates at all where the
// program looks: a server of an unknown authority fails with the same words.
func (t *trial) surroundingsRoots(ctx context.Context) error {
	c := Cell{Area: areaTLS, ID: ownRoots, By: byProbe, Name: i18n.M("trial.tls.ownroots")}
	return t.probeCell(ctx, &c, t.spec(), "", "ca")
}

// probeCell asks slipway and adds the cell. With a step, the step counts and
// not the whole.
func (t *trial) probeCell(ctx context.Context, c *Cell, spec sandbox.Spec, step string, args ...string) error {
	p, cannot, err := t.probe(ctx, spec, egress.Options{}, args...)
	if !c.notRun(cannot, err) {
		if err != nil {
			return fmt.Errorf("probe %s: %w", c.ID, err)
		}
		fine := p.code == 0
		c.Ms, c.Detail = p.ms, p.says
		if s := p.step(step); s != nil {
			fine, c.Detail = !slices.Contains([]string{"fail", "warn"}, s.Status), strings.TrimSpace(s.says())
		}
		c.Verdict, c.Evidence = Pass, i18n.M("trial.cell.took", p.ms)
		if !fine {
			c.Verdict, c.Evidence = Degraded, i18n.M("trial.env.lacks")
		}
	}
	t.add(*c)
	return nil
}
