package plan

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
)

// A surrounding is a part of the base that is there only if something asks
// for it.
//
//	setting  base       programs                       | choice
//	on       any        any                            | on
//	off      any        any                            | off, naming what will miss it
//	auto     reference  any                            | off: the base has its own
//	auto     other      one may need it, not embedded  | on
//	auto     other      all that may embed it          | off
//	auto     other      none                           | off
type surrounding struct {
	id, key, setting string
	kind, embedded   facts.NeedKind
	why              surroundingWords
}

// surroundingWords are the reasons that differ between surroundings.
type surroundingWords struct{ needed, unneeded, missing i18n.Message }

func (s surrounding) decide(base BaseKind, programs []facts.Program) (bool, Decision) {
	d := Decision{ID: s.id, Choice: "off"}
	var open, covered []facts.Program
	for _, p := range programs {
		has := func(k facts.NeedKind) bool {
			return k != "" && slices.ContainsFunc(p.Needs, func(n facts.Need) bool { return n.Kind == k })
		}
		switch {
		case !has(s.kind):
		case has(s.embedded):
			covered = append(covered, p)
		default:
			open = append(open, p)
		}
	}
	d.Facts = needFacts(needsOf(open, s.kind))
	if s.setting == "on" || s.setting == "off" {
		d.Facts = append([]Fact{asked(s.key, s.setting)}, d.Facts...)
	}
	switch {
	case s.setting == "on":
		d.Choice, d.Why = "on", i18n.M("plan.around.asked.on")
	case s.setting == "off":
		d.Why = i18n.M("plan.around.asked.off")
		if open != nil {
			d.reject("on", s.why.missing)
		}
	case base == Reference:
		d.Why = i18n.M("plan.around.reference", s.key)
		if open != nil {
			d.reject("on", i18n.M("plan.around.no.reference"))
		}
	case open != nil:
		d.Choice, d.Why = "on", s.why.needed
		d.reject("off", s.why.missing)
	case covered != nil:
		d.Why = i18n.M("plan.around.embedded")
		d.Facts = needFacts(needsOf(covered, s.embedded))
		d.reject("on", i18n.M("plan.around.no.twice"))
	default:
		d.Why = s.why.unneeded
	}
	return d.Choice == "on", d
}

// decideSurroundings settles what the base holds besides the programs.
func decideSurroundings(c config.Config, b *Base, programs []facts.Program) []Decision {
	roots := surrounding{
		id: "roots", key: "image.caRoots", setting: c.Image.CARoots,
		kind: facts.NeedRoots, embedded: facts.NeedRootsIn,
		why: surroundingWords{i18n.M("plan.roots.needed"), i18n.M("plan.roots.unneeded"), i18n.M("plan.roots.missing")},
	}
	if c.Image.CABundle != "" && c.Image.CARoots != "on" {
		// Who brings a root of his own wants it trusted, whatever is known of
		// the program.
		roots.key, roots.setting = "image.caBundle", "on"
	}
	zones := surrounding{
		id: "zones", key: "image.zones", setting: c.Image.Zones,
		kind: facts.NeedZones, embedded: facts.NeedZonesIn,
		why: surroundingWords{i18n.M("plan.zones.needed"), i18n.M("plan.zones.unneeded"), i18n.M("plan.zones.missing")},
	}
	temp := surrounding{
		id: "temp", key: "image.temp", setting: c.Image.Temp, kind: facts.NeedTemp,
		why: surroundingWords{i18n.M("plan.temp.needed"), i18n.M("plan.temp.unneeded"), i18n.M("plan.temp.missing")},
	}
	home := surrounding{
		id: "home", kind: facts.NeedHome,
		why: surroundingWords{i18n.M("plan.home.needed"), i18n.M("plan.home.unneeded"), i18n.M("plan.home.missing")},
	}
	var ds []Decision
	var d Decision
	b.Roots, d = roots.decide(b.Kind, programs)
	if b.CABundle = c.Image.CABundle; b.CABundle != "" {
		d.Facts[0] = asked("image.caBundle", b.CABundle)
	}
	ds = append(ds, d)
	b.Zones, d = zones.decide(b.Kind, programs)
	ds = append(ds, d)
	b.Temp, d = temp.decide(b.Kind, programs)
	ds = append(ds, d)
	b.Home, d = home.decide(b.Kind, programs)
	ds = append(ds, d)

	// A few hundred bytes; without them the name in `docker run --user
	// nonroot`, `ps` and os/user is unknown, and HOME is not set.
	users := Decision{ID: "users", Choice: "on", Why: i18n.M("plan.users.always")}
	users.Facts = needFacts(needsOf(programs, facts.NeedUser))
	if b.Users = b.Kind != Reference; !b.Users {
		users.Choice, users.Why = "off", i18n.M("plan.users.reference")
	}
	ds = append(ds, users)

	var mime []Fact
	for _, n := range needsOf(programs, facts.NeedMIME) {
		mime = append(mime, needFact(n))
	}
	if mime != nil && b.Kind != Reference {
		ds = append(ds, Decision{ID: "mime", Choice: "off", Why: i18n.M("plan.mime"), Facts: mime})
	}
	return ds
}

// summary lists what a base holds, for the choice of the decision.
func (b Base) summary() string {
	out := []string{string(b.Kind)}
	for _, x := range []struct {
		on   bool
		name string
	}{{b.Roots, "CA roots"}, {b.Zones, "time zones"}, {b.Users, "passwd"}, {b.Temp, "/tmp"}, {b.Home, "home"}} {
		if x.on {
			out = append(out, x.name)
		}
	}
	return strings.Join(out, " + ")
}
