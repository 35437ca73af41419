package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var readinessMissing = Rule{
	ID: "K8S001", Slug: "readiness-missing", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.k8s001.title"), Why: i18n.M("rule.k8s001.why"), Fix: i18n.M("rule.k8s001.fix"),
	Bad:  "kind: Deployment\n…\n  - name: shop\n    ports:\n      - {name: http, containerPort: 8080}",
	Good: "kind: Deployment\n…\n  - name: shop\n    ports:\n      - {name: http, containerPort: 8080}\n    readinessProbe:\n      httpGet: {path: /ready, port: http}",
	Run:  runReadinessMissing,
}

// runReadinessMissing finds containers that a Service sends connections to
// before they can take any.
func runReadinessMissing(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{} // bundles repeat what other files have
	for i := range r.Manifests {
		svc := &r.Manifests[i]
		if svc.Service == nil || inDirs(svc.Path, testDirs) || sample(svc) {
			continue
		}
		for _, m := range selectedBy(r, svc) {
			if m.Kind != "Deployment" && m.Kind != "StatefulSet" || m.Workload.Replicas.Value == "0" || sample(m) || m.Patched {
				continue
			}
			for _, p := range svc.Service.Ports {
				c := servingContainer(m.Workload, p)
				if c == nil || c.Readiness != nil || seen[workloadName(m, c)] || forMachines(p) {
					continue
				}
				seen[workloadName(m, c)] = true
				out = append(out, finding.Finding{
					Pos: c.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s001.message", c.Name.Value, svc.Name.Value),
					Evidence: []finding.Evidence{{Pos: p.Pos, Text: i18n.M("rule.k8s001.service", svc.Name.Value)}},
				})
			}
		}
	}
	if len(out) > 0 && len(r.GoFiles) > 0 && len(r.Dockerfiles) == 0 && len(r.Mains()) == 0 {
		return nil // a library, whose manifests are there to be looked at
	}
	return out
}

// servingContainer gives the container that a port of a Service leads to.
func servingContainer(w *facts.Workload, p facts.KubePort) *facts.Container {
	target := p.Target.Value
	if target == "" {
		target = p.Number.Value
	}
	for i := range w.Containers {
		c := &w.Containers[i]
		if slices.ContainsFunc(c.Ports, func(q facts.KubePort) bool {
			return target != "" && (q.Name.Value == target || q.Number.Value == target)
		}) {
			return c
		}
	}
	if len(w.Containers) == 1 && len(w.Containers[0].Ports) == 0 {
		return &w.Containers[0]
	}
	return nil
}

// forMachines reports whether only machines that ask again use the port.
func forMachines(p facts.KubePort) bool {
	text := strings.ToLower(p.Name.Value + " " + p.Target.Value)
	return slices.ContainsFunc([]string{"metric", "prom", "debug", "pprof", "profil", "health", "probe", "monitor", "telemetry"}, func(w string) bool { return strings.Contains(text, w) })
}

var slowProbe = Rule{
	ID: "K8S003", Slug: "slow-probe", Severity: finding.FailsInProduction, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.k8s003.title"), Why: i18n.M("rule.k8s003.why"), Fix: i18n.M("rule.k8s003.fix"),
	Bad:  "readinessProbe:\n  httpGet: {path: /ready, port: http}\n  timeoutSeconds: 10",
	Good: "readinessProbe:\n  httpGet: {path: /ready, port: http}\n  timeoutSeconds: 2",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
			for _, c := range w.All() {
				if p := c.Readiness; p != nil && p.Kind != "exec" && orDefault(p.Timeout, 1) > 3 && !sample(m) {
					out = append(out, finding.Finding{
						Pos: p.Timeout.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s003.message", c.Name.Value, p.Timeout.Value),
						Edits: []finding.Edit{{Pos: p.Timeout.Pos, Old: p.Timeout.Value, New: "3"}},
					})
				}
			}
		})
		return out
	},
}

var hastyLiveness = Rule{
	ID: "K8S004", Slug: "hasty-liveness", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.k8s004.title"), Why: i18n.M("rule.k8s004.why"), Fix: i18n.M("rule.k8s004.fix"),
	Bad:  "livenessProbe:\n  httpGet: {path: /health, port: http}\n  failureThreshold: 1",
	Good: "livenessProbe:\n  httpGet: {path: /health, port: http}\n  failureThreshold: 6",
	Run:  runHastyLiveness,
}

// runHastyLiveness finds liveness probes that restart a program which is
// merely slow: at the first failure, or at the same sign by which readiness
// would have taken it out of the Service, and sooner.
func runHastyLiveness(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
		for _, c := range w.All() {
			l := c.Liveness
			if l == nil || l.Kind == "" || m.Patched || sample(m) {
				continue
			}
			if l.Failures.Value == "1" {
				out = append(out, finding.Finding{
					Pos: l.Failures.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s004.first", c.Name.Value, strconv.Itoa(orDefault(l.Timeout, 1))),
				})
				continue
			}
			rd := c.Readiness
			if rd == nil || l.Kind != "httpGet" || rd.Kind != l.Kind || l.Path.Value != rd.Path.Value || l.Port.Value != rd.Port.Value {
				continue
			}
			live, ready := orDefault(l.Period, 10)*orDefault(l.Failures, 3), orDefault(rd.Period, 10)*orDefault(rd.Failures, 3)
			if live >= ready {
				continue
			}
			out = append(out, finding.Finding{
				Pos: l.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s004.message", c.Name.Value, l.Path.Value, strconv.Itoa(live), strconv.Itoa(ready)),
				Evidence: []finding.Evidence{{Pos: rd.Pos, Text: i18n.M("rule.k8s004.readiness", strconv.Itoa(ready))}},
			})
		}
	})
	return out
}

var notServed = Rule{
	ID: "K8S015", Slug: "probe-not-served", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s015.title"), Why: i18n.M("rule.k8s015.why"), Fix: i18n.M("rule.k8s015.fix"),
	Bad:  "readinessProbe:\n  httpGet: {path: /ready, port: 8080}   # mux.HandleFunc(\"/healthz\", …)",
	Good: "readinessProbe:\n  httpGet: {path: /healthz, port: 8080}",
	Run:  runNotServed,
}

// runNotServed holds probes and Services against what the program serves.
func runNotServed(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	ownRuns(r, func(run *facts.Running) {
		b, c := run.Build, run.Container
		if run.Certain != facts.Yes || b == nil || b.Module == nil || len(b.Packages) != 1 || run.Init {
			return
		}
		var served *facts.Served // worked out only if a probe asks
		for _, p := range []*facts.Probe{c.Readiness, c.Liveness, c.Startup} {
			if p == nil || p.Kind != "httpGet" && p.Kind != "tcpSocket" || p.Host.Value != "" || strings.Contains(p.Path.Value+p.Port.Value, "$") {
				continue
			}
			if served == nil {
				s := r.Serves(b.Module, b.Packages, b.Tags)
				served = &s
			}
			if f, ok := judgeProbe(run, p, served); ok {
				out = append(out, f)
			}
		}
	})
	return out
}

func judgeProbe(run *facts.Running, p *facts.Probe, served *facts.Served) (finding.Finding, bool) {
	c := run.Container
	f := finding.Finding{Evidence: []finding.Evidence{{Pos: run.Why, Text: i18n.M("rule.k8s.image", c.Image.Raw)}}}
	if n, ok := portNumber(c, p.Port); ok && served.Complete && served.Port(n) == facts.No {
		f.Pos, f.Entity = p.Port.Pos, entity(workloadName(run.Manifest, c), "port", strconv.Itoa(n))
		f.Message = i18n.M("rule.k8s015.port", strconv.Itoa(n), c.Name.Value)
		for _, a := range served.Addrs {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: a.Pos, Text: i18n.M("rule.k8s015.listens", a.Value)})
		}
		return f, true
	}
	if p.Kind == "httpGet" && p.Path.Value != "" && served.Complete && served.Path(p.Path.Value) == facts.No {
		f.Pos, f.Entity = p.Path.Pos, entity(workloadName(run.Manifest, c), p.Path.Value)
		f.Message = i18n.M("rule.k8s015.path", p.Path.Value, c.Name.Value)
		for _, l := range served.Paths[:min(len(served.Paths), 5)] {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: l.Pos, Text: i18n.M("rule.k8s015.serves", l.Value)})
		}
		return f, true
	}
	return f, false
}

// portNumber gives the number of a port that may be named.
func portNumber(c *facts.Container, port facts.Line) (int, bool) {
	if n, ok := number(port); ok {
		return n, true
	}
	for _, p := range c.Ports {
		if p.Name.Value == port.Value {
			return number(p.Number)
		}
	}
	return 0, false
}
