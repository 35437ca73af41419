package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var unknownPort = Rule{
	ID: "K8S002", Slug: "unknown-port", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s002.title"), Why: i18n.M("rule.k8s002.why"), Fix: i18n.M("rule.k8s002.fix"),
	Bad:  "ports:\n  - {name: http, containerPort: 8080}\nreadinessProbe:\n  httpGet: {path: /ready, port: web}",
	Good: "ports:\n  - {name: http, containerPort: 8080}\nreadinessProbe:\n  httpGet: {path: /ready, port: http}",
	Run:  runUnknownPort,
}

// runUnknownPort finds names of ports that nothing has: in probes, which the
// kubelet looks up in the same container, in targetPorts and in the backends
// of an Ingress.
func runUnknownPort(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
		for _, c := range w.All() {
			for _, p := range []*facts.Probe{c.Readiness, c.Liveness, c.Startup, c.PreStop} {
				if p == nil || p.Port.Value == "" || isNumber(p.Port) || hasPort(c, p.Port) || !plainName(p.Port) || m.Patched {
					continue
				}
				out = append(out, finding.Finding{
					Pos: p.Port.Pos, Entity: entity(workloadName(m, c), p.Port.Value),
					Message:  i18n.M("rule.k8s002.probe", p.Port.Value, c.Name.Value),
					Evidence: []finding.Evidence{{Pos: c.Pos, Text: portsOf(c)}},
				})
			}
		}
	})
	for i := range r.Manifests {
		svc := &r.Manifests[i]
		if svc.Service == nil || inDirs(svc.Path, testDirs) {
			continue
		}
		targets := selectedBy(r, svc)
		if len(targets) == 0 || slices.ContainsFunc(targets, func(m *facts.Manifest) bool { return m.Patched }) {
			continue
		}
		for _, p := range svc.Service.Ports {
			if p.Target.Value == "" || isNumber(p.Target) || !plainName(p.Target) || slices.ContainsFunc(targets, func(m *facts.Manifest) bool { return podHasPort(m.Workload, p.Target) }) {
				continue
			}
			f := finding.Finding{
				Pos: p.Target.Pos, Entity: entity("service/"+svc.Name.Value, p.Target.Value),
				Message: i18n.M("rule.k8s002.service", p.Target.Value, svc.Name.Value),
			}
			for _, m := range targets {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: m.Pos, Text: i18n.M("rule.k8s002.selected", workloadName(m, nil))})
			}
			out = append(out, f)
		}
	}
	return append(out, unknownBackends(r)...)
}

func unknownBackends(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	byName := map[[2]string][]*facts.Manifest{}
	for i := range r.Manifests {
		if m := &r.Manifests[i]; m.Service != nil {
			key := [2]string{m.Namespace.Value, m.Name.Value}
			byName[key] = append(byName[key], m)
		}
	}
	for i := range r.Manifests {
		m := &r.Manifests[i]
		if inDirs(m.Path, testDirs) {
			continue
		}
		for _, b := range m.Backends {
			svcs := byName[[2]string{m.Namespace.Value, b.Service.Value}]
			if len(svcs) != 1 || b.Port.Value == "" || len(svcs[0].Service.Ports) == 0 || strings.Contains(b.Port.Value, "$") {
				continue
			}
			svc := svcs[0]
			if slices.ContainsFunc(svc.Service.Ports, func(p facts.KubePort) bool {
				return p.Number.Value == b.Port.Value || p.Name.Value == b.Port.Value || !isNumber(p.Number)
			}) {
				continue
			}
			out = append(out, finding.Finding{
				Pos: b.Port.Pos, Entity: entity(strings.ToLower(m.Kind)+"/"+m.Name.Value, b.Service.Value, b.Port.Value),
				Message:  i18n.M("rule.k8s002.backend", b.Port.Value, b.Service.Value),
				Evidence: []finding.Evidence{{Pos: svc.Service.Ports[0].Pos, Text: i18n.M("rule.k8s002.serviceport", svc.Name.Value)}},
			})
		}
	}
	return out
}

func isNumber(l facts.Line) bool {
	_, err := strconv.Atoi(l.Value)
	return err == nil
}

// plainName reports whether nothing will be put into the value later.
func plainName(l facts.Line) bool { return !strings.ContainsAny(l.Value, "${}<>%") }

func hasPort(c *facts.Container, name facts.Line) bool {
	return slices.ContainsFunc(c.Ports, func(p facts.KubePort) bool { return p.Name.Value == name.Value || !plainName(p.Name) })
}

func podHasPort(w *facts.Workload, name facts.Line) bool {
	return slices.ContainsFunc(w.All(), func(c *facts.Container) bool { return hasPort(c, name) })
}

// portsOf lists the ports of a container as a link of evidence.
func portsOf(c *facts.Container) i18n.Message {
	var names []string
	for _, p := range c.Ports {
		if p.Name.Value != "" {
			names = append(names, p.Name.Value)
		}
	}
	if len(names) == 0 {
		return i18n.M("rule.k8s002.noports", c.Name.Value)
	}
	return i18n.M("rule.k8s002.ports", c.Name.Value, strings.Join(names, ", "))
}
