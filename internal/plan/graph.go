package plan

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// stage is a part of the way from the facts to the results.
type stage struct {
	title i18n.Message
	rows  []Decision
}

// stageOf sorts decisions into stages; what is not listed belongs to the
// image.
var stageOf = map[string]int{
	"source": 0, "version": 0, "time": 0, "vcs": 0, "toolchain": 0, "targets": 0, "programs": 0,
	"cgo": 1, "linkage": 1, "fips": 1, "tags": 1, "strip": 1, "stamp": 1, "ldflags": 1, "gcflags": 1, "trimpath": 1, "mod": 1,
}

// stages groups the decisions in the order they were made.
func stages(p Plan) []stage {
	all := []stage{{title: i18n.M("plan.graph.source")}, {title: i18n.M("plan.graph.build")}, {title: i18n.M("plan.graph.image")}}
	for _, d := range p.Decisions {
		i, ok := stageOf[d.ID]
		if !ok {
			i = 2
		}
		all[i].rows = append(all[i].rows, d)
	}
	return slices.DeleteFunc(all, func(s stage) bool { return len(s.rows) == 0 })
}

// maxShown bounds the facts and the alternatives drawn for one decision; the
// plan has all of them.
const maxShown = 6

// caption is what stands in a box: a heading, which may be empty, and a
// sentence.
type caption struct{ head, body string }

func factCaptions(d Decision, l i18n.Lang) []caption {
	var out []caption
	for i, f := range d.Facts {
		if i == maxShown && len(d.Facts) > maxShown+1 {
			return append(out, caption{body: i18n.M("plan.graph.more", len(d.Facts)-i).In(l)})
		}
		out = append(out, caption{f.Pos.String(), f.Text.In(l)})
	}
	return out
}

func rejectedCaptions(d Decision, l i18n.Lang) []caption {
	var out []caption
	for i, r := range d.Rejected {
		if i == maxShown && len(d.Rejected) > maxShown+1 {
			return append(out, caption{body: i18n.M("plan.graph.more", len(d.Rejected)-i).In(l)})
		}
		out = append(out, caption{r.Choice, r.Why.In(l)})
	}
	return out
}

// name is the ID with the target the decision is for.
func (d Decision) name() string {
	if d.Target == "" {
		return d.ID
	}
	return d.ID + " · " + d.Target
}

// resultLines say what is made for a target.
func resultLines(t Target, l i18n.Lang) []string {
	var out []string
	for _, b := range t.Binaries {
		out = append(out, b.Name+" · "+string(b.Linkage))
	}
	if img := t.Image; img != nil {
		name := img.Name
		if len(img.Tags) > 0 {
			name += ":" + img.Tags[0]
		}
		out = append(out,
			i18n.M("plan.graph.result.image", name).In(l),
			i18n.M("plan.graph.result.base", img.Base.summary()).In(l),
			i18n.M("plan.graph.result.start", strings.Join(img.Entrypoint, " "), img.User).In(l))
	}
	return out
}

func graphTitle(p Plan, l i18n.Lang) string {
	return i18n.M("plan.graph.title", p.Module, p.Version).In(l)
}
