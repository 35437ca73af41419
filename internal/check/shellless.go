package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var entrypointShell = Rule{
	ID: "IMG001", Slug: "entrypoint-shell", Severity: finding.CannotStart, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.img001.title"), Why: i18n.M("rule.img001.why"), Fix: i18n.M("rule.img001.fix"),
	Bad:  "FROM scratch\nCOPY app /app\nENTRYPOINT /app serve",
	Good: "FROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\", \"serve\"]",
	Run:  runEntrypointShell,
}

// runEntrypointShell finds the commands that /bin/sh has to start in an image that has
// none: the container ends before the program begins.
func runEntrypointShell(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{} // stages inherit
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		b := baseOf(d, s)
		e, word := s.Entrypoint, "ENTRYPOINT"
		if e == nil { // with an entrypoint, CMD is no more than its arguments
			e, word = s.Cmd, "CMD"
		}
		if b.shell != facts.No || e == nil || !e.Shell || seen[e.Pos] || d.IsParent(s.Index) {
			return
		}
		seen[e.Pos] = true
		var edits []finding.Edit
		if list, ok := plainWords(e); ok && e.At.Line > 0 {
			edits = []finding.Edit{{Pos: e.At, Old: e.Args[0], New: list}}
		}
		out = append(out, finding.Finding{
			Edits:    edits,
			Pos:      e.Pos,
			Entity:   entity(stageName(*s), word),
			Message:  i18n.M("rule.img001.message", word, b.name()),
			Evidence: []finding.Evidence{{Pos: b.ref.Pos, Text: i18n.M("rule.img.noshell", b.name())}},
			Fix:      i18n.M("rule.img001.mend", execForm(word, e)),
		})
	})
	return out
}

// execForm writes e in the form that needs no shell, as far as a shell would
// do nothing but split it into words.
func execForm(word string, e *facts.Exec) string {
	list, ok := plainWords(e)
	if !ok {
		return word + ` ["/program", "argument"]`
	}
	return word + " " + list
}

// plainWords writes the words of a command as a list; false if a shell would
// do more with them than part them.
func plainWords(e *facts.Exec) (string, bool) {
	line := strings.TrimSpace(strings.Join(e.Args, " "))
	first, _, _ := strings.Cut(line, " ")
	if line == "" || strings.ContainsAny(line, "$`\"'\\|&;<>*?()[]{}~#\x00\n") || strings.Contains(first, "=") || first == "exec" {
		return "", false
	}
	return `["` + strings.Join(strings.Fields(line), `", "`) + `"]`, true
}

var runShell = Rule{
	ID: "IMG002", Slug: "run-shell", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.img002.title"), Why: i18n.M("rule.img002.why"), Fix: i18n.M("rule.img002.fix"),
	Bad:  "FROM scratch\nCOPY app /app\nRUN chmod +x /app",
	Good: "FROM scratch\nCOPY --chmod=0755 app /app",
	Run:  runRunShell,
}

// runRunShell finds RUN lines in images without a shell: the build stops there.
func runRunShell(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		b := baseOf(d, s)
		if b.shell != facts.No {
			return
		}
		for _, run := range s.Runs {
			// A mount may bring a shell, as with --mount=from=busybox,target=/bin.
			if !run.Shell || strings.Contains(run.Raw, "--mount") {
				continue
			}
			out = append(out, finding.Finding{
				Pos:      run.Pos,
				Entity:   stageName(*s),
				Message:  i18n.M("rule.img002.message", b.name()),
				Evidence: []finding.Evidence{{Pos: b.ref.Pos, Text: i18n.M("rule.img.noshell", b.name())}},
			})
			return // the build gets no further
		}
	})
	return out
}

// eachStage visits the stages of the Dockerfiles that could be read.
func eachStage(r *facts.Repo, visit func(*facts.Dockerfile, *facts.Stage)) {
	for i := range r.Dockerfiles {
		d := &r.Dockerfiles[i]
		if d.Err != "" {
			continue
		}
		for j := range d.Stages {
			visit(d, &d.Stages[j])
		}
	}
}
