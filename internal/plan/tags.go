package plan

import (
	"slices"
	"strings"
	"unicode"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// stdTags are the tags files of the standard library ask for; facts list only
// those outside it.
var stdTags = []string{
	"faketime", "math_big_pure_go", "netcgo", "netgo", "nethttpomithttp2", "osusergo", "purego", "timetzdata",
}

// decideTags turns build.tags into the set that is passed on, sorted. The go
// command accepts a+b and !a and then ignores them; here they are errors.
func decideTags(c config.Config, subjects []subject) ([]string, Decision, error) {
	d := Decision{ID: "tags", Choice: "-", Why: i18n.M("plan.tags.none")}
	known := map[string]facts.Tag{}
	for _, s := range subjects {
		for _, p := range s.programs {
			for _, t := range p.Tags {
				if _, ok := known[t.Name]; !ok {
					known[t.Name] = t
				}
			}
		}
	}
	candidates := slices.Clone(stdTags)
	for name := range known {
		candidates = append(candidates, name)
	}
	slices.Sort(candidates)
	var tags []string
	for _, tag := range c.Build.Tags {
		if err := checkTag(tag); err != nil {
			return nil, d, err
		}
		if slices.Contains(tags, tag) {
			return nil, d, fault.UsageError(i18n.M("plan.tags.twice", tag), i18n.M("plan.tags.twice.hint"))
		}
		tags = append(tags, tag)
		t, ok := known[tag]
		switch {
		case ok:
			d.Facts = append(d.Facts, Fact{t.Pos, i18n.M("plan.fact.tag.known", tag)})
		case slices.Contains(stdTags, tag):
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.tag.std", tag)))
		default:
			f := said(i18n.M("plan.fact.tag.unknown", tag))
			if near := config.Nearest(tag, candidates); near != "" {
				f = said(i18n.M("plan.fact.tag.near", tag, near))
			}
			d.Facts = append(d.Facts, f)
		}
	}
	if tags != nil {
		slices.Sort(tags)
		d.Choice, d.Why = strings.Join(tags, ","), i18n.M("plan.tags.asked")
	}
	for _, s := range subjects {
		for _, p := range s.programs {
			for _, x := range p.Excluded {
				f := Fact{x.Pos, i18n.M("plan.fact.excluded", x.Constraint)}
				if !slices.ContainsFunc(d.Facts, func(o Fact) bool { return o.Pos == f.Pos }) {
					d.Facts = append(d.Facts, f)
				}
			}
		}
	}
	return tags, d, nil
}

// checkTag says what is wrong with a tag and how its author meant it.
func checkTag(tag string) *fault.Error {
	bad := func(hint i18n.Message) *fault.Error {
		return fault.UsageError(i18n.M("plan.tags.bad", tag), hint)
	}
	sep := func(r rune) bool { return strings.ContainsRune("+,&| \t\n", r) }
	switch parts := strings.FieldsFunc(tag, sep); {
	case len(parts) == 0:
		return bad(i18n.M("plan.tags.form.hint"))
	case strings.ContainsFunc(tag, func(r rune) bool { return strings.ContainsRune("!()", r) }):
		return bad(i18n.M("plan.tags.not.hint"))
	case strings.ContainsFunc(tag, sep):
		return bad(i18n.M("plan.tags.list.hint", strings.Join(parts, ", ")))
	case strings.ContainsFunc(tag, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.'
	}):
		return bad(i18n.M("plan.tags.form.hint"))
	case tag == "cgo":
		return bad(i18n.M("plan.tags.instead.hint", "build.cgo"))
	case tag == "unix" || slices.ContainsFunc(ports, func(p string) bool {
		goos, arch, _ := strings.Cut(p, "/")
		return tag == goos || tag == arch
	}):
		return bad(i18n.M("plan.tags.instead.hint", "targets"))
	case tag == "gc" || tag == "gccgo" || strings.HasPrefix(tag, "go1."):
		return bad(i18n.M("plan.tags.instead.hint", "go"))
	}
	return nil
}
