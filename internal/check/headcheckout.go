package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var headCheckout = Rule{
	ID: "CI005", Slug: "head-checkout", Severity: finding.Security, Confidence: Medium, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.ci005.title"), Why: i18n.M("rule.ci005.why"), Fix: i18n.M("rule.ci005.fix"),
	Bad:  "on: pull_request_target\nsteps:\n  - uses: actions/checkout@v4\n    with: {ref: \"${{ github.event.pull_request.head.sha }}\"}\n  - run: go test ./...",
	Good: "on: pull_request\nsteps:\n  - uses: actions/checkout@v4\n  - run: go test ./...",
	Run:  runHeadCheckout,
}

// builders are commands that run what the files of a checkout say: go runs
// tests, generators and the C compiler with its flags.
var builders = []string{"go", "make", "task", "mage", "just", "npm", "yarn", "pnpm", "docker", "bash", "sh"}

// runHeadCheckout finds jobs on pull_request_target, which hold the rights of
// the repository, that check out the code of the pull request and run it.
func runHeadCheckout(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(w *facts.Workflow, j *facts.Job) {
		on := slices.IndexFunc(w.On, func(l facts.Line) bool { return l.Value == "pull_request_target" })
		if on < 0 || vouchedFor(j) {
			return
		}
		power := powerOf(w, j)
		if power.Text.IsZero() && permissions(w, j) != nil {
			return
		}
		var checkout facts.Pos
		var into string // the directory it went to
		for _, s := range j.Steps {
			if name, _, _ := strings.Cut(s.Uses.Value, "@"); name == "actions/checkout" {
				ref := s.With["ref"].Value
				if strings.Contains(ref, "github.event.pull_request.head.") || strings.Contains(ref, "refs/pull/") {
					checkout, into = s.With["ref"].Pos, path.Clean(s.With["path"].Value)
				}
				continue
			}
			i := slices.IndexFunc(s.Commands, func(c facts.Command) bool {
				return len(c.Words) > 1 && inside(path.Join(s.Dir, c.Dir), into) && (slices.Contains(builders, c.Words[0]) || strings.HasPrefix(c.Words[0], "./"))
			})
			if checkout.File == "" || i < 0 {
				continue
			}
			evidence := []finding.Evidence{
				{Pos: w.On[on].Pos, Text: i18n.M("rule.ci005.on")},
				{Pos: checkout, Text: i18n.M("rule.ci005.checkout")},
			}
			if !power.Text.IsZero() {
				evidence = append(evidence, power)
			}
			out = append(out, finding.Finding{
				Pos:      s.Commands[i].Pos,
				Entity:   "job " + j.ID,
				Message:  i18n.M("rule.ci005.message", s.Commands[i].Words[0]),
				Evidence: evidence,
			})
			return
		}
	})
	return out
}

// vouchedFor reports whether a job runs only once somebody with rights has
// labelled the pull request, or if its branch or its author is of this
// repository.
func vouchedFor(j *facts.Job) bool {
	return slices.ContainsFunc([]string{"github.event.label.name ==", "head.repo.full_name == github.repository", "github.repository == github.event.pull_request.head.repo.full_name", "author_association", "user.login =="},
		func(w string) bool { return strings.Contains(j.If.Value, w) })
}

// inside reports whether dir is the directory top or lies in it.
func inside(dir, top string) bool {
	return top == "." || dir == top || strings.HasPrefix(dir, top+"/")
}
