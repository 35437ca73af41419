package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var healthShell = Rule{
	ID: "IMG014", Slug: "healthcheck-shell", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.img014.title"), Why: i18n.M("rule.img014.why"), Fix: i18n.M("rule.img014.fix"),
	Bad:  "FROM scratch\nCOPY --from=build /app /app\nHEALTHCHECK CMD curl -f http://localhost:8080/healthz",
	Good: "FROM scratch\nCOPY --from=build /app /app\nHEALTHCHECK CMD [\"/app\", \"-healthcheck\"]",
	Run:  runHealthShell,
}

// runHealthShell finds health checks that cannot run: in shell form where
// there is no shell, or of a program that nothing brought.
func runHealthShell(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		h := s.Health
		if h == nil || seen[h.Pos] || d.IsParent(s.Index) {
			return
		}
		b := baseOf(d, s)
		if b.shell != facts.No {
			return
		}
		f := finding.Finding{Pos: h.Pos, Entity: stageName(*s), Evidence: []finding.Evidence{{Pos: b.ref.Pos, Text: i18n.M("rule.img.noshell", b.name())}}}
		switch {
		case h.Shell:
			f.Message = i18n.M("rule.img014.shell", b.name())
		case len(h.Args) > 0 && slices.Contains([]string{"curl", "wget", "nc", "sh", "/bin/sh", "bash"}, h.Args[0]) && !copies(d, s, path.Base(h.Args[0])):
			f.Message = i18n.M("rule.img014.program", h.Args[0], b.name())
		default:
			return
		}
		seen[h.Pos] = true
		out = append(out, f)
	})
	return out
}

// copies reports whether a COPY of the stage may bring a program of that name.
func copies(d *facts.Dockerfile, s *facts.Stage, program string) bool {
	for _, s := range d.Lineage(s) {
		for _, c := range s.Copies {
			dst := path.Clean("/" + c.Dst)
			for _, src := range append([]string{dst}, c.Srcs...) {
				if base := path.Base(src); base == program || strings.ContainsAny(src, "*\x00$") || base == "bin" && src != dst {
					return true
				}
			}
		}
	}
	return false
}

var signalsLost = Rule{
	ID: "IMG015", Slug: "signals-lost", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.img015.title"), Why: i18n.M("rule.img015.why"), Fix: i18n.M("rule.img015.fix"),
	Bad:  "COPY start.sh /start.sh   # ends in: /app serve\nENTRYPOINT [\"/start.sh\"]",
	Good: "COPY start.sh /start.sh   # ends in: exec /app serve\nENTRYPOINT [\"/start.sh\"]",
	Run:  runSignalsLost,
}

// runSignalsLost finds programs that are started by a shell which stays: it is
// process 1, passes SIGTERM on to nobody and does not end by it itself.
func runSignalsLost(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range r.Builds() {
		if !imageBuild(&b) || b.Output == "" {
			continue
		}
		e := b.Runtime.Entrypoint
		if e == nil {
			e = b.Runtime.Cmd
		}
		if e == nil || seen[e.Pos] || len(e.Args) == 0 {
			continue
		}
		below := baseOf(b.Docker, b.Runtime)
		evidence := []finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))}}
		switch {
		case e.Shell && shellStays(below) && startsPlainly(e.Args[0], path.Base(b.Output)):
			out = append(out, finding.Finding{
				Pos: e.Pos, Entity: stageName(*b.Runtime), Message: i18n.M("rule.img015.shell", path.Base(b.Output)),
				Evidence: append(evidence, finding.Evidence{Pos: below.ref.Pos, Text: i18n.M("rule.img015.dash", below.name())}),
				Fix:      i18n.M("rule.img001.mend", execForm(instruction(b.Runtime, e), e)),
			})
		case !e.Shell:
			script := copiedScript(r, b.Docker, b.Runtime, e.Args[0])
			if script == nil {
				continue
			}
			c, ok := startsLast(script, path.Base(b.Output))
			if !ok {
				continue
			}
			out = append(out, finding.Finding{
				Pos: c.Pos, Entity: entity(stageName(*b.Runtime), script.Path), Message: i18n.M("rule.img015.script", path.Base(b.Output)),
				Evidence: append(evidence, finding.Evidence{Pos: e.Pos, Text: i18n.M("rule.img015.entry", e.Args[0])}),
				Fix:      i18n.M("rule.img015.exec", strings.Join(c.Words[:1], " ")),
				Edits:    execEdit(c),
			})
		default:
			continue
		}
		seen[e.Pos] = true
	}
	return out
}

func instruction(s *facts.Stage, e *facts.Exec) string {
	if e == s.Entrypoint {
		return "ENTRYPOINT"
	}
	return "CMD"
}

// shellStays reports whether /bin/sh of an image is dash, which waits for the
// command of sh -c; bash makes place for it. Of others it is not known.
func shellStays(b base) bool {
	switch b.ref.Familiar() {
	case "debian", "ubuntu", "golang", "buildpack-deps":
		return b.libc == libcGlibc && b.shell == facts.Yes
	}
	return false
}

// startsPlainly reports whether a line of shell does nothing but start a
// program.
func startsPlainly(line, program string) bool {
	f := strings.Fields(line)
	return len(f) > 0 && path.Base(f[0]) == program && !strings.ContainsAny(line, "|&;<>`\n\x00")
}

// copiedScript gives the shell script of the repository that a stage starts.
func copiedScript(r *facts.Repo, d *facts.Dockerfile, s *facts.Stage, program string) *facts.Script {
	for _, s := range d.Lineage(s) {
		for _, c := range s.Copies {
			if c.From != "" || d.Context == "" {
				continue
			}
			for _, src := range c.Srcs {
				dst := c.Dst
				if strings.HasSuffix(dst, "/") || dst == "." || len(c.Srcs) > 1 || path.Base(dst) != path.Base(program) {
					dst = path.Join(dst, path.Base(src))
				}
				if path.Clean(dst) != path.Clean(program) && !(path.Base(program) == program && path.Base(dst) == program) {
					continue
				}
				file := path.Join(d.Context, strings.TrimPrefix(path.Clean("/"+src), "/"))
				for i := range r.Scripts {
					if r.Scripts[i].Path == file && r.Scripts[i].Kind == "sh" {
						return &r.Scripts[i]
					}
				}
			}
		}
	}
	return nil
}

// startsLast gives the last command of a script if it starts program and the
// shell waits for it. A script that handles signals itself is not judged.
func startsLast(s *facts.Script, program string) (facts.Command, bool) {
	for _, c := range s.Commands {
		if len(c.Words) > 0 && (c.Words[0] == "trap" || c.Words[0] == "exec" || c.Words[0] == "wait") {
			return facts.Command{}, false
		}
	}
	if len(s.Commands) == 0 {
		return facts.Command{}, false
	}
	c := s.Commands[len(s.Commands)-1]
	return c, len(c.Words) > 0 && path.Base(c.Words[0]) == program
}

// execEdit puts exec before a command that has no assignments before it.
func execEdit(c facts.Command) []finding.Edit {
	if !facts.Literal(c.Words[0]) {
		return nil
	}
	return []finding.Edit{{Pos: c.Pos, Old: c.Words[0], New: "exec " + c.Words[0]}}
}

var raceShipped = Rule{
	ID: "IMG017", Slug: "race-detector-shipped", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.img017.title"), Why: i18n.M("rule.img017.why"), Fix: i18n.M("rule.img017.fix"),
	Bad:  "RUN go build -race -o /app .\nFROM debian:12-slim\nCOPY --from=build /app /app",
	Good: "RUN go build -o /app .\nFROM debian:12-slim\nCOPY --from=build /app /app",
	Run:  runRaceShipped,
}

// runRaceShipped finds images of programs with the race detector in them,
// unless the Dockerfile's name says that they are for tests.
func runRaceShipped(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Docker == nil || b.Runtime == nil || !b.Runtime.Last || b.Go.Flags["-race"] != "true" ||
			hasAny(strings.ToLower(b.Docker.Path), []string{"race", "test", "debug", "dev", "e2e", "ci", "fuzz", "bench"}) {
			continue
		}
		out = append(out, finding.Finding{
			Pos: b.Go.Pos, Entity: entity(stageName(*b.Stage), strings.Join(b.Packages, " ")), Message: i18n.M("rule.img017.message"),
			Evidence: []finding.Evidence{{Pos: b.Runtime.Pos, Text: i18n.M("rule.img007.runs", stageName(*b.Runtime))}},
		})
	}
	return out
}
