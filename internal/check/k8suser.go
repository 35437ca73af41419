package check

import (
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var nonRootRefused = Rule{
	ID: "K8S006", Slug: "nonroot-refused", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s006.title"), Why: i18n.M("rule.k8s006.why"), Fix: i18n.M("rule.k8s006.fix"),
	Bad:  "USER app                     # Dockerfile\n\nsecurityContext:             # manifest\n  runAsNonRoot: true",
	Good: "USER 10001:10001             # Dockerfile\n\nsecurityContext:             # manifest\n  runAsNonRoot: true",
	Run:  runNonRootRefused,
}

// runNonRootRefused repeats what the kubelet does before it starts a
// container with runAsNonRoot: it wants a number that is not 0, from runAsUser
// or else from the image, and does not look into the image's /etc/passwd
// (pkg/kubelet/kuberuntime/security_context.go, verifyRunAsNonRoot).
func runNonRootRefused(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	ownRuns(r, func(run *facts.Running) {
		m, c := run.Manifest, run.Container
		user, nonRoot := userOf(m.Workload, c)
		if nonRoot.Value != "true" || user.Value != "" && user.Value != "0" || m.Patched {
			return
		}
		f := finding.Finding{Pos: nonRoot.Pos, Entity: workloadName(m, c)}
		if user.Value == "0" {
			f.Message, f.Evidence = i18n.M("rule.k8s006.zero", c.Name.Value), []finding.Evidence{{Pos: user.Pos, Text: i18n.M("rule.k8s006.user0")}}
			out = append(out, f)
			return
		}
		b := runBase(run)
		f.Evidence = []finding.Evidence{{Pos: c.Image.Pos, Text: i18n.M("rule.k8s.image", c.Image.Raw)}}
		name := ""
		if run.Certain == facts.Yes && run.Stage != nil {
			l := run.Stage.User
			name, _, _ = strings.Cut(l.Value, ":")
			if strings.ContainsAny(name, "$\x00") {
				return
			}
			if l.Value != "" {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: l.Pos, Text: i18n.M("rule.k8s006.image", l.Value)})
			}
		}
		_, err := strconv.Atoi(name)
		switch {
		case name == "" && b.root == facts.Yes, name == "0", name == "root":
			f.Message = i18n.M("rule.k8s006.root", c.Name.Value)
			if name == "" && run.Docker != nil {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: b.ref.Pos, Text: i18n.M("rule.img004.base", b.name())})
			}
		case name != "" && err != nil:
			f.Message = i18n.M("rule.k8s006.named", c.Name.Value, name)
		default:
			return
		}
		out = append(out, f)
	})
	return out
}

var podRoot = Rule{
	ID: "K8S007", Slug: "pod-root", Severity: finding.Security, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.k8s007.title"), Why: i18n.M("rule.k8s007.why"), Fix: i18n.M("rule.k8s007.fix"),
	Bad:  "containers:\n  - name: shop\n    image: shop:1   # no USER in its Dockerfile",
	Good: "securityContext: {runAsNonRoot: true, runAsUser: 10001}\ncontainers:\n  - name: shop\n    image: shop:1",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		ownRuns(r, func(run *facts.Running) {
			m, c := run.Manifest, run.Container
			user, nonRoot := userOf(m.Workload, c)
			if run.Certain != facts.Yes || run.Stage == nil || nonRoot.Value != "" || user.Value != "" && user.Value != "0" ||
				c.Security.Privileged.Value == "true" || m.Workload.HostNetwork.Value == "true" || m.Kind == "DaemonSet" || sample(m) || m.Patched {
				return // what works on the node often has to be root
			}
			f := finding.Finding{Pos: c.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s007.message", c.Name.Value)}
			image, _, _ := strings.Cut(run.Stage.User.Value, ":")
			switch {
			case user.Value == "0":
				f.Pos = user.Pos
			case image == "" && runBase(run).root == facts.Yes && !dropsRights(run.Docker, run.Stage):
				f.Evidence = []finding.Evidence{{Pos: run.Stage.Pos, Text: i18n.M("rule.k8s007.image", c.Image.Raw)}}
			case image == "0", image == "root":
				f.Evidence = []finding.Evidence{{Pos: run.Stage.User.Pos, Text: i18n.M("rule.k8s006.image", run.Stage.User.Value)}}
			default:
				return
			}
			out = append(out, f)
		})
		return out
	},
}

var writableRoot = Rule{
	ID: "K8S008", Slug: "writable-root", Severity: finding.Security, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.k8s008.title"), Why: i18n.M("rule.k8s008.why"), Fix: i18n.M("rule.k8s008.fix"),
	Bad:  "containers:\n  - name: shop\n    image: shop:1",
	Good: "containers:\n  - name: shop\n    image: shop:1\n    securityContext: {readOnlyRootFilesystem: true}",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		ownRuns(r, func(run *facts.Running) {
			m, c := run.Manifest, run.Container
			if run.Certain != facts.Yes || run.Build == nil || run.Init || c.Security.ReadOnlyRoot.Value != "" || sample(m) || m.Patched {
				return
			}
			out = append(out, finding.Finding{
				Pos: c.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s008.message", c.Name.Value),
				Evidence: []finding.Evidence{{Pos: run.Why, Text: i18n.M("rule.k8s.image", c.Image.Raw)}},
			})
		})
		return out
	},
}

var readOnlyTemp = Rule{
	ID: "K8S009", Slug: "read-only-temp", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.k8s009.title"), Why: i18n.M("rule.k8s009.why"), Fix: i18n.M("rule.k8s009.fix"),
	Bad:  "securityContext: {readOnlyRootFilesystem: true}   # the program calls os.CreateTemp(\"\", …)",
	Good: "securityContext: {readOnlyRootFilesystem: true}\nvolumeMounts: [{name: tmp, mountPath: /tmp}]      # volumes: [{name: tmp, emptyDir: {}}]",
	Run:  runReadOnlyTemp,
}

// runReadOnlyTemp finds programs that make temporary files where nothing can
// be written.
func runReadOnlyTemp(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	ownRuns(r, func(run *facts.Running) {
		m, c, b := run.Manifest, run.Container, run.Build
		if run.Certain != facts.Yes || b == nil || b.Module == nil || len(b.Packages) != 1 || c.Security.ReadOnlyRoot.Value != "true" || m.Patched || writableTemp(run) {
			return
		}
		for _, g := range r.Linked(b.Module, b.Packages, b.Tags) {
			for _, s := range g.Sites {
				if !tempCalls[s.What] || s.Kind != facts.SiteCall || len(s.Args) == 0 || s.Args[0].Text != "" {
					continue
				}
				out = append(out, finding.Finding{
					Pos: c.Security.ReadOnlyRoot.Pos, Entity: workloadName(m, c), Message: i18n.M("rule.k8s009.message", c.Name.Value, strings.ReplaceAll(s.What, "io/", "")),
					Evidence: []finding.Evidence{{Pos: s.Pos, Text: i18n.M("rule.k8s009.call")}, {Pos: run.Why, Text: i18n.M("rule.k8s.image", c.Image.Raw)}},
				})
				return
			}
		}
	})
	return out
}

var tempCalls = map[string]bool{"os.CreateTemp": true, "os.MkdirTemp": true, "io/ioutil.TempFile": true, "io/ioutil.TempDir": true}

// writableTemp reports whether something may be mounted where os.TempDir is.
func writableTemp(run *facts.Running) bool {
	dir := "/tmp"
	if l, ok := run.Container.Env["TMPDIR"]; ok {
		dir = l.Value
	} else if run.Stage != nil && run.Stage.Env["TMPDIR"].Value != "" {
		dir = run.Stage.Env["TMPDIR"].Value
	}
	for _, ref := range run.Container.EnvRefs {
		if ref.Name.Value == "" || ref.Name.Value == "TMPDIR" {
			return true // another directory may be named there
		}
	}
	for _, mount := range run.Container.Mounts {
		at := strings.TrimSuffix(mount.Path.Value, "/")
		if dir == at || strings.HasPrefix(dir, at+"/") || strings.ContainsAny(at, "$") {
			return true
		}
	}
	return strings.ContainsAny(dir, "$\x00")
}
