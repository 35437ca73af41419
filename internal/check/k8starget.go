package check

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var targetNotServed = Rule{
	ID: "K8S016", Slug: "service-port-not-served", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s016.title"), Why: i18n.M("rule.k8s016.why"), Fix: i18n.M("rule.k8s016.fix"),
	Bad:  "kind: Service\n…\n  ports: [{port: 80, targetPort: 8081}]   # http.ListenAndServe(\":8080\", mux)",
	Good: "kind: Service\n…\n  ports: [{port: 80, targetPort: 8080}]",
	Run:  runTargetNotServed,
}

// runTargetNotServed finds ports of Services that lead to pods whose only
// container is a program of this repository which does not listen there.
func runTargetNotServed(r *facts.Repo) []finding.Finding {
	running := map[*facts.Container]*facts.Running{}
	ownRuns(r, func(run *facts.Running) {
		if b := run.Build; run.Certain == facts.Yes && b != nil && b.Module != nil && len(b.Packages) == 1 && !run.Init {
			running[run.Container] = run
		}
	})
	if len(running) == 0 {
		return nil
	}
	var out []finding.Finding
	for i := range r.Manifests {
		svc := &r.Manifests[i]
		if svc.Service == nil || svc.Service.Headless || svc.Patched || inDirs(svc.Path, testDirs) {
			continue
		}
		for _, m := range selectedBy(r, svc) {
			if len(m.Workload.Containers) != 1 || m.Patched || slices.ContainsFunc(m.Workload.All(), (*facts.Container).Sidecar) {
				continue // another container may listen
			}
			run := running[&m.Workload.Containers[0]]
			if run == nil {
				continue
			}
			out = append(out, deafPorts(r, svc, run)...)
		}
	}
	return out
}

// deafPorts gives the ports of a Service on which the program does not listen.
func deafPorts(r *facts.Repo, svc *facts.Manifest, run *facts.Running) []finding.Finding {
	served := r.Serves(run.Build.Module, run.Build.Packages, run.Build.Tags)
	var out []finding.Finding
	for _, p := range svc.Service.Ports {
		target := p.Target
		if target.Value == "" {
			target = p.Number
		}
		n, ok := portNumber(run.Container, target)
		if !ok || cmp.Or(p.Protocol.Value, "TCP") != "TCP" || served.Port(n) != facts.No {
			continue
		}
		f := finding.Finding{
			Pos: target.Pos, Entity: entity("service/"+svc.Name.Value, "port", strconv.Itoa(n)),
			Message:  i18n.M("rule.k8s016.message", svc.Name.Value, strconv.Itoa(n), run.Container.Name.Value),
			Evidence: []finding.Evidence{{Pos: run.Why, Text: i18n.M("rule.k8s.image", run.Container.Image.Raw)}},
		}
		for _, a := range served.Addrs {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: a.Pos, Text: i18n.M("rule.k8s015.listens", a.Value)})
		}
		out = append(out, f)
	}
	return out
}
