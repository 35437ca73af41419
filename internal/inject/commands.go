package inject

import (
	"strconv"

	"github.com/slipway-build/slipway/internal/i18n"
)

func itoa(n int) string { return strconv.Itoa(n) }

// rolledBack are the kinds that keep their history.
var rolledBack = map[string]bool{"Deployment": true, "StatefulSet": true, "DaemonSet": true}

// commands are the lines that use the patches and take them back. Names went
// through validName, so nothing in them means anything to a shell.
func (r *Result) commands(o Options) {
	w := r.Workload
	kubectl := "kubectl"
	if w.Namespace != "" {
		kubectl += " -n " + w.Namespace
	}
	say := func(what i18n.Message, line string) { r.Use = append(r.Use, Command{what, line}) }
	target := ""
	if r.Target != "" {
		target = " --target " + r.Target
	}
	switch w.Kind {
	case "Pod":
		if r.Patch != nil {
			r.Notes = append(r.Notes, i18n.M("inject.note.pod"))
		}
	case "Job":
		r.Notes = append(r.Notes, i18n.M("inject.note.job"))
	default:
		if r.Patch == nil {
			break
		}
		say(i18n.M("inject.use.patch"), kubectl+" patch "+w.ref()+" --type strategic --patch-file patch.yaml")
		if rolledBack[w.Kind] {
			say(i18n.M("inject.use.wait"), kubectl+" rollout status "+w.ref())
			say(i18n.M("inject.use.exec"), kubectl+" exec "+w.ref()+" -c "+r.Target+" -- "+mountPath+"/slipway probe")
			say(i18n.M("inject.use.undo"), kubectl+" rollout undo "+w.ref())
		}
		say(i18n.M("inject.use.undopatch"), kubectl+" patch "+w.ref()+" --type strategic --patch-file undo.yaml")
	}
	pod := "POD"
	if w.Kind == "Pod" {
		pod = w.Name
	}
	say(i18n.M("inject.use.debug"), kubectl+" debug "+pod+" -it --image "+o.Image+target+" --profile restricted --custom custom.yaml --arguments-only -- probe")
	if r.Target != "" {
		say(i18n.M("inject.use.root"), kubectl+" debug "+pod+" -it --image "+o.Image+target+" --profile restricted --custom custom.yaml --arguments-only -- probe ca --root /proc/1/root")
	}
}
