package check

import (
	"go/version"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var staleTag = Rule{
	ID: "K8S011", Slug: "stale-tag", Severity: finding.FailsInProduction, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.k8s011.title"), Why: i18n.M("rule.k8s011.why"), Fix: i18n.M("rule.k8s011.fix"),
	Bad:  "image: registry.example.com/shop:latest\nimagePullPolicy: IfNotPresent",
	Good: "image: registry.example.com/shop:1.4.2\nimagePullPolicy: IfNotPresent",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
			for _, c := range w.All() {
				im := c.Image
				if !im.Resolved || im.Tag != "latest" && im.Tag != "" || im.Digest != "" || strings.Contains(im.Raw, "://") || !strings.Contains(im.Name, "/") ||
					c.PullPolicy.Value != "IfNotPresent" || sample(m) || retagged(r, im.Name) {
					continue
				}
				out = append(out, finding.Finding{
					Pos: im.Pos, Entity: entity(workloadName(m, c), im.Raw), Message: i18n.M("rule.k8s011.message", im.Raw),
					Evidence: []finding.Evidence{{Pos: c.PullPolicy.Pos, Text: i18n.M("rule.k8s011.policy")}},
				})
			}
		})
		return out
	},
}

// retagged reports whether a Kustomization puts another tag in.
func retagged(r *facts.Repo, name string) bool {
	return slices.ContainsFunc(r.Manifests, func(m facts.Manifest) bool {
		return slices.ContainsFunc(m.Images, func(l facts.Line) bool { return l.Value == name })
	})
}

var podSecret = Rule{
	ID: "K8S012", Slug: "pod-secret", Severity: finding.Security, Confidence: Medium, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.k8s012.title"), Why: i18n.M("rule.k8s012.why"), Fix: i18n.M("rule.k8s012.fix"),
	Bad:  "env:\n  - {name: API_KEY, value: k9f2c7d81e60}",
	Good: "env:\n  - name: API_KEY\n    valueFrom: {secretKeyRef: {name: shop, key: api-key}}",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		seen := map[facts.Pos]bool{} // a ConfigMap serves many
		eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
			for _, c := range w.All() {
				for _, name := range sortedKeys(c.Env) {
					if l := c.Env[name]; secretName(name) && secretValue(l.Value) && !seen[l.Pos] && !sample(m) {
						seen[l.Pos] = true
						out = append(out, finding.Finding{Pos: l.Pos, Entity: entity(workloadName(m, c), name), Message: i18n.M("rule.k8s012.message", name, c.Name.Value)})
					}
				}
			}
		})
		return out
	},
}

var cpuLimit = Rule{
	ID: "K8S013", Slug: "cpu-limit-unseen", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.k8s013.title"), Why: i18n.M("rule.k8s013.why"), Fix: i18n.M("rule.k8s013.fix"),
	Bad:  "resources: {limits: {cpu: \"2\"}}   # go.mod: go 1.24",
	Good: "resources: {limits: {cpu: \"2\"}}   # go.mod: go 1.25",
	Run:  runCPULimit,
}

// runCPULimit finds limits that a program does not know of: before Go 1.25,
// and with a go line below it, GOMAXPROCS is the number of the node's CPUs
// (go.dev/doc/go1.25#container-aware-gomaxprocs).
func runCPULimit(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	ownRuns(r, func(run *facts.Running) {
		b, c, m := run.Build, run.Container, run.Manifest
		limit := c.Limits["cpu"]
		if run.Certain != facts.Yes || run.Init || b == nil || b.Module == nil || len(b.Packages) == 0 || limit.Value == "" || b.Module.Go.Value == "" || sample(m) || m.Patched {
			return
		}
		if r.Work != nil || !version.IsValid("go"+b.Module.Go.Value) || version.Compare("go"+b.Module.Go.Value, "go1.25") >= 0 {
			return
		}
		if _, ok := c.Env["GOMAXPROCS"]; ok || strings.Contains(c.Env["GODEBUG"].Value, "containermaxprocs=1") {
			return
		}
		for _, ref := range c.EnvRefs {
			if ref.Name.Value == "" || ref.Name.Value == "GOMAXPROCS" {
				return
			}
		}
		for p := range r.Closure(b.Module, b.Packages, b.Tags) {
			if strings.Contains(p, "automaxprocs") || path.Base(p) == "maxprocs" {
				return
			}
		}
		out = append(out, finding.Finding{
			Pos: limit.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s013.message", c.Name.Value, limit.Value, b.Module.Go.Value),
			Evidence: []finding.Evidence{{Pos: b.Module.Go.Pos, Text: i18n.M("rule.k8s013.go", b.Module.Go.Value)}, {Pos: run.Why, Text: i18n.M("rule.k8s.image", c.Image.Raw)}},
		})
	})
	return out
}

var memoryLimit = Rule{
	ID: "K8S014", Slug: "gomemlimit", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s014.title"), Why: i18n.M("rule.k8s014.why"), Fix: i18n.M("rule.k8s014.fix"),
	Bad:  "env:\n  - {name: GOMEMLIMIT, value: 400Mi}\nresources: {limits: {memory: 512Mi}}",
	Good: "env:\n  - {name: GOMEMLIMIT, value: 400MiB}\nresources: {limits: {memory: 512Mi}}",
	Run:  runMemoryLimit,
}

// runMemoryLimit finds a GOMEMLIMIT that no Go program starts with, wherever
// it is set, and one that comes into effect only when the pod is gone.
func runMemoryLimit(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	all := slices.Clip(settings(r))
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		if l := s.Env["GOMEMLIMIT"]; s.Base.Name == "scratch" {
			all = append(all, setting{name: "GOMEMLIMIT", value: l.Value, pos: l.Pos, where: stageName(*s)})
		}
	})
	seen := map[facts.Pos]bool{}
	for _, s := range all {
		if s.name != "GOMEMLIMIT" || s.value == "" || !literal(s.value) || strings.Contains(s.value, "(") || seen[s.pos] || inDirs(s.pos.File, testDirs) {
			continue
		}
		seen[s.pos] = true
		if _, ok := goBytes(s.value); ok {
			continue
		}
		f := finding.Finding{Pos: s.pos, Entity: entity(s.where, "GOMEMLIMIT="+s.value), Message: i18n.M("rule.k8s014.malformed", s.value)}
		if n := strings.TrimRight(s.value, "KMGTi"); n != s.value && strings.HasSuffix(s.value, "i") && n+"B" != s.value {
			if _, err := strconv.ParseUint(n, 10, 63); err == nil {
				f.Fix = i18n.M("rule.k8s014.mend", s.value+"B")
			}
		}
		out = append(out, f)
	}
	eachWorkload(r, func(m *facts.Manifest, w *facts.Workload) {
		for _, c := range w.All() {
			l, limit := c.Env["GOMEMLIMIT"], c.Limits["memory"]
			n, ok := goBytes(l.Value)
			most, known := quantity(limit.Value)
			if !ok || !known || n == math.MaxInt64 || n < most || m.Patched {
				continue
			}
			out = append(out, finding.Finding{
				Severity: finding.FailsInProduction, Pos: l.Pos, Entity: entity(workloadName(m, c), "GOMEMLIMIT"), Message: i18n.M("rule.k8s014.above", l.Value, limit.Value, c.Name.Value),
				Evidence: []finding.Evidence{{Pos: limit.Pos, Text: i18n.M("rule.k8s014.limit", limit.Value)}}, Fix: i18n.M("rule.k8s014.lower"),
			})
		}
	})
	return out
}

// goBytes reads a GOMEMLIMIT as the runtime does (runtime/mgcpacer.go and
// parseByteCount): digits, then nothing, B, KiB, MiB, GiB or TiB; or off.
func goBytes(s string) (int64, bool) {
	if s == "off" {
		return math.MaxInt64, true
	}
	shift := 0
	digits := s
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if d, ok := strings.CutSuffix(s, unit); ok {
			digits, shift = d, 10*(i+1)
		}
	}
	if shift == 0 {
		digits = strings.TrimSuffix(s, "B")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, false
	}
	return n << shift, true
}

// quantity reads a whole number of bytes as Kubernetes writes them.
func quantity(s string) (int64, bool) {
	for i, units := range [][2]string{{"Ki", "k"}, {"Mi", "M"}, {"Gi", "G"}, {"Ti", "T"}} {
		for k, unit := range units {
			d, ok := strings.CutSuffix(s, unit)
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(d, 10, 32)
			if err != nil || n < 0 {
				return 0, false
			}
			for range i + 1 {
				n *= []int64{1024, 1000}[k]
			}
			return n, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0
}
