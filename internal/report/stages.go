package report

import (
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// stageName puts the name of a stage into words. A name that is not listed
// stands for itself.
func stageName(stage string) i18n.Message {
	switch stage {
	case "source":
		return i18n.M("report.stage.source")
	case "facts":
		return i18n.M("report.stage.facts")
	case "plan":
		return i18n.M("report.stage.plan")
	case "build":
		return i18n.M("report.stage.build")
	case "check":
		return i18n.M("report.stage.check")
	case "base":
		return i18n.M("report.stage.base")
	case "layer":
		return i18n.M("report.stage.layer")
	case "image":
		return i18n.M("report.stage.image")
	case "write":
		return i18n.M("report.stage.write")
	case "start":
		return i18n.M("report.stage.start")
	case "load":
		return i18n.M("report.stage.load")
	case "fetch":
		return i18n.M("report.stage.fetch")
	case "push":
		return i18n.M("report.stage.push")
	}
	return i18n.M("report.stage.other", clean(stage))
}

// remarks are what a finished stage has to say beyond its time.
func (r *Reporter) remarks(t task) []string {
	var s []string
	if t.reused {
		s = append(s, i18n.M("report.reused").In(r.o.Lang))
	}
	if n := oneLine(t.note); n != "" {
		s = append(s, n)
	}
	return s
}

// stageLine is what a pipe gets for a finished stage.
func (r *Reporter) stageLine(t task) string {
	var s []string
	if t.name != "" {
		s = append(s, clean(t.name))
	}
	s = append(s, stageName(t.stage).In(r.o.Lang))
	if t.bytes > 0 {
		s = append(s, Bytes(t.bytes))
	}
	s = append(s, Duration(t.took))
	return strings.Join(append(s, r.remarks(t)...), "  ") + "\n"
}
