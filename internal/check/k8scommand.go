package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var commandMissing = Rule{
	ID: "K8S010", Slug: "command-missing", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s010.title"), Why: i18n.M("rule.k8s010.why"), Fix: i18n.M("rule.k8s010.fix"),
	Bad:  "lifecycle:\n  preStop:\n    exec: {command: [sleep, \"10\"]}   # image: FROM scratch",
	Good: "lifecycle:\n  preStop:\n    sleep: {seconds: 10}",
	Run:  runCommandMissing,
}

// systemTools are programs that come with a shell, or not at all: none of
// them is in scratch or in distroless/static, base and cc.
var systemTools = []string{
	"sh", "bash", "ash", "dash", "busybox", "cp", "mv", "cat", "ls", "sleep", "echo", "printf", "env", "test", "true", "false", "mkdir", "chmod",
	"chown", "touch", "rm", "ln", "grep", "sed", "awk", "tar", "wget", "curl", "nc", "kill", "pkill", "pgrep", "timeout", "date", "find",
}

// runCommandMissing finds commands that are not in the image.
func runCommandMissing(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	ownRuns(r, func(run *facts.Running) {
		m, c := run.Manifest, run.Container
		b := runBase(run)
		if b.shell != facts.No || m.Patched {
			return
		}
		report := func(words []facts.Line, severity finding.Severity, text func(string) i18n.Message) {
			tool, ok := missingTool(run, words)
			if !ok {
				return
			}
			f := finding.Finding{
				Severity: severity, Pos: words[0].Pos, Entity: entity(workloadName(m, c), tool), Message: text(tool),
				Evidence: []finding.Evidence{{Pos: c.Image.Pos, Text: i18n.M("rule.k8s.image", c.Image.Raw)}},
			}
			if run.Docker != nil {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: b.ref.Pos, Text: i18n.M("rule.img.noshell", b.name())})
			}
			out = append(out, f)
		}
		report(c.Command, finding.CannotStart, func(tool string) i18n.Message { return i18n.M("rule.k8s010.message", c.Name.Value, tool) })
		for _, p := range []*facts.Probe{c.Readiness, c.Liveness, c.Startup} {
			if p != nil && p.Kind == "exec" {
				report(p.Command, finding.FailsInProduction, func(tool string) i18n.Message { return i18n.M("rule.k8s010.probe", c.Name.Value, tool) })
			}
		}
		if p := c.PreStop; p != nil && p.Kind == "exec" {
			report(p.Command, finding.FailsInProduction, func(tool string) i18n.Message { return i18n.M("rule.k8s010.prestop", c.Name.Value, tool) })
		}
	})
	return out
}

// missingTool gives the tool that a command begins with, if the container has
// none of it: neither the image nor a volume brings one.
func missingTool(run *facts.Running, words []facts.Line) (string, bool) {
	if len(words) == 0 {
		return "", false
	}
	tool := path.Base(words[0].Value)
	dir := path.Dir(words[0].Value)
	usual := []string{".", "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin"}
	if !slices.Contains(systemTools, tool) || !slices.Contains(usual, dir) || dir == "." && strings.Contains(words[0].Value, "/") {
		return "", false
	}
	if run.Container.Env["PATH"].Value != "" {
		return "", false
	}
	for _, mount := range run.Container.Mounts {
		at := strings.TrimSuffix(mount.Path.Value, "/")
		if slices.Contains(usual, at) || slices.Contains(usual, path.Dir(at)) && path.Base(at) == tool || at == "" || at == "/usr" {
			return "", false
		}
	}
	if run.Docker == nil || run.Stage == nil {
		return tool, true
	}
	for _, s := range run.Docker.Lineage(run.Stage) {
		for _, c := range s.Copies {
			if path.Base(c.Dst) == tool || strings.ContainsAny(c.Dst, "\x00$") || slices.ContainsFunc(c.Srcs, func(src string) bool { return path.Base(src) == tool }) {
				return "", false
			}
			// A directory on the search path may be filled with anything.
			if into := path.Clean("/" + c.Dst); slices.Contains(usual, into) && slices.ContainsFunc(c.Srcs, func(src string) bool {
				return strings.ContainsAny(src, "*\x00$") || path.Ext(src) == "" && strings.HasSuffix(src, "bin")
			}) {
				return "", false
			}
		}
		if s.Env["PATH"].Value != "" {
			return "", false
		}
	}
	return tool, true
}
