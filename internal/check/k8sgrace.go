package check

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// defaultGrace is terminationGracePeriodSeconds where it is not given.
const defaultGrace = 30

var shutdownBudget = Rule{
	ID: "K8S005", Slug: "shutdown-budget", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.k8s005.title"), Why: i18n.M("rule.k8s005.why"), Fix: i18n.M("rule.k8s005.fix"),
	Bad:  "terminationGracePeriodSeconds: 30\ncontainers:\n  - lifecycle: {preStop: {exec: {command: [sleep, \"30\"]}}}",
	Good: "terminationGracePeriodSeconds: 60\ncontainers:\n  - lifecycle: {preStop: {exec: {command: [sleep, \"30\"]}}}",
	Run:  runShutdownBudget,
}

// runShutdownBudget adds up what happens before a pod is killed: the preStop
// hook and then the program's own shutdown share the grace period
// (kubernetes.io/docs/concepts/containers/container-lifecycle-hooks).
func runShutdownBudget(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	ownRuns(r, func(run *facts.Running) {
		m, c := run.Manifest, run.Container
		w := m.Workload
		if run.Init || m.Kind == "Job" || m.Kind == "CronJob" || w.Grace.Value != "" && !isNumber(w.Grace) || m.Patched {
			return
		}
		grace := orDefault(w.Grace, defaultGrace)
		sleep, slept := preStopSleep(c)
		stop, stopAt := shutdownTimeout(r, run)
		f := finding.Finding{Entity: workloadName(m, c)}
		if slept.File != "" {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: slept, Text: i18n.M("rule.k8s005.sleep", strconv.Itoa(sleep))})
		}
		if stopAt.File != "" {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: stopAt, Text: i18n.M("rule.k8s005.shutdown", strconv.Itoa(stop))})
		}
		f.Pos = cmp.Or(w.Grace.Pos, slept, c.Pos)
		switch {
		case slept.File != "" && sleep >= grace:
			f.Message = i18n.M("rule.k8s005.nothing", strconv.Itoa(sleep), strconv.Itoa(grace), c.Name.Value)
		case stopAt.File != "" && sleep+stop > grace:
			f.Message = i18n.M("rule.k8s005.message", strconv.Itoa(sleep+stop), strconv.Itoa(grace), c.Name.Value)
		default:
			return
		}
		f.Fix = i18n.M("rule.k8s005.mend", strconv.Itoa(sleep+stop+5))
		if isNumber(w.Grace) {
			f.Edits = []finding.Edit{{Pos: w.Grace.Pos, Old: w.Grace.Value, New: strconv.Itoa(sleep + stop + 5)}}
		}
		out = append(out, f)
	})
	return out
}

// preStopSleep gives the seconds that the preStop hook does nothing but wait.
func preStopSleep(c *facts.Container) (int, facts.Pos) {
	p := c.PreStop
	if p == nil {
		return 0, facts.Pos{}
	}
	if n, ok := number(p.Seconds); ok && p.Kind == "sleep" {
		return n, p.Seconds.Pos
	}
	if p.Kind != "exec" || len(p.Command) == 0 {
		return 0, facts.Pos{}
	}
	words := make([]string, 0, len(p.Command))
	for _, l := range p.Command {
		words = append(words, l.Value)
	}
	if len(words) == 3 && words[1] == "-c" {
		words = strings.Fields(words[2])
	}
	if len(words) == 2 && path.Base(words[0]) == "sleep" {
		if n, err := strconv.Atoi(strings.TrimSuffix(words[1], "s")); err == nil && n > 0 {
			return n, p.Command[len(p.Command)-1].Pos
		}
	}
	return 0, facts.Pos{}
}

// shutdownTimeout gives the seconds that the program of a container grants
// net/http's Shutdown: the one timeout of the function that calls it.
func shutdownTimeout(r *facts.Repo, run *facts.Running) (int, facts.Pos) {
	b := run.Build
	if run.Certain != facts.Yes || b == nil || b.Module == nil || len(b.Packages) != 1 {
		return 0, facts.Pos{}
	}
	var best int
	var at facts.Pos
	for _, g := range r.Linked(b.Module, b.Packages, b.Tags) {
		for _, s := range g.Sites {
			if s.What != ".Shutdown" || s.Func == "" {
				continue
			}
			n, pos, one := 0, facts.Pos{}, 0
			for _, t := range g.Sites {
				if t.What == "context.WithTimeout" && t.Func == s.Func && len(t.Args) == 2 {
					n, pos, one = seconds(t.Args[1].Text), t.Args[1].Pos, one+1
				}
			}
			if one == 1 && n > best {
				best, at = n, pos
			}
		}
	}
	return best, at
}

// seconds reads a duration as Go code has it: 30*time.Second. 0 is unknown.
func seconds(text string) int {
	a, b, ok := strings.Cut(strings.ReplaceAll(text, " ", ""), "*")
	if !ok {
		a, b = "1", text
	}
	if !strings.HasPrefix(b, "time.") {
		a, b = b, a
	}
	n, err := strconv.Atoi(a)
	if err != nil || n < 0 || n > 1e6 {
		return 0
	}
	return n * map[string]int{"time.Second": 1, "time.Minute": 60, "time.Hour": 3600}[b]
}
