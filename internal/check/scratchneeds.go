package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var tempDir = Rule{
	ID: "IMG011", Slug: "temp-dir", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.img011.title"), Why: i18n.M("rule.img011.why"), Fix: i18n.M("rule.img011.fix"),
	Bad:  "FROM scratch   # the program calls os.CreateTemp(\"\", …)\nCOPY --from=build /app /app",
	Good: "FROM scratch\nCOPY --from=build --chmod=1777 /tmp /tmp\nCOPY --from=build /app /app",
	Run: func(r *facts.Repo) []finding.Finding {
		return scratchNeeds(r, need{
			site: func(s facts.Site) bool {
				switch s.What {
				case "os.CreateTemp", "os.MkdirTemp", "io/ioutil.TempFile", "io/ioutil.TempDir":
					return s.Kind == facts.SiteCall && len(s.Args) > 0 && (s.Args[0].Text == "" || s.Args[0].Text == "os.TempDir()")
				}
				return false
			},
			brought: func(b *facts.Build) bool {
				return brings(b, "TMPDIR", []string{"tmp"}, "/") || mountsTemp(r)
			},
			message: func(s facts.Site, _ base) i18n.Message { return i18n.M("rule.img011.message", shortName(s.What)) },
		})
	},
}

var userLookup = Rule{
	ID: "IMG012", Slug: "user-lookup", Severity: finding.FailsInProduction, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.img012.title"), Why: i18n.M("rule.img012.why"), Fix: i18n.M("rule.img012.fix"),
	Bad:  "FROM scratch   # the program calls user.Lookup\nCOPY --from=build /app /app",
	Good: "FROM scratch\nCOPY --from=build /etc/passwd /etc/group /etc/\nCOPY --from=build /app /app",
	Run: func(r *facts.Repo) []finding.Finding {
		return scratchNeeds(r, need{
			site: func(s facts.Site) bool {
				return s.Kind == facts.SiteCall && strings.HasPrefix(s.What, "os/user.")
			},
			brought: func(b *facts.Build) bool { return brings(b, "USER", []string{"passwd", "group"}, "/", "/etc") },
			message: func(s facts.Site, _ base) i18n.Message { return i18n.M("rule.img012.message", shortName(s.What)) },
		})
	},
}

var execMissing = Rule{
	ID: "IMG013", Slug: "exec-missing", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1, Cost: Design,
	Title: i18n.M("rule.img013.title"), Why: i18n.M("rule.img013.why"), Fix: i18n.M("rule.img013.fix"),
	Bad:  "FROM gcr.io/distroless/static   # the program calls exec.Command(\"git\", …)\nCOPY --from=build /app /app",
	Good: "FROM alpine:3.22\nRUN apk add --no-cache git\nCOPY --from=build /app /app",
	Run: func(r *facts.Repo) []finding.Finding {
		return scratchNeeds(r, need{
			bare: true,
			site: func(s facts.Site) bool { return serverTools[execName(s)] },
			brought: func(b *facts.Build) bool {
				return brings(b, "PATH", nil, "/", "/bin", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/sbin", "/usr/sbin")
			},
			message: func(s facts.Site, on base) i18n.Message { return i18n.M("rule.img013.message", execName(s), on.name()) },
		})
	},
}

// serverTools are programs that a program on a server has a reason to start;
// others, such as browsers and editors, are for people's machines.
var serverTools = map[string]bool{
	"sh": true, "bash": true, "/bin/sh": true, "/bin/bash": true, "git": true, "ssh": true, "tar": true, "curl": true, "wget": true,
	"openssl": true, "ffmpeg": true, "convert": true, "pg_dump": true, "mysqldump": true, "ip": true, "iptables": true, "mount": true,
	"umount": true, "kubectl": true, "helm": true, "docker": true, "rsync": true, "unzip": true, "gzip": true, "python": true, "python3": true, "node": true,
}

// execName is the program that a call of os/exec starts, "" if not known.
func execName(s facts.Site) string {
	at := 0
	switch s.What {
	case "os/exec.Command":
	case "os/exec.CommandContext":
		at = 1
	default:
		return ""
	}
	if s.Kind != facts.SiteCall || len(s.Args) <= at {
		return ""
	}
	return s.Args[at].Text
}

// need is something that a program wants of its image.
type need struct {
	bare    bool // images without a shell count too, not only scratch
	site    func(facts.Site) bool
	brought func(*facts.Build) bool // whether something may give it
	message func(facts.Site, base) i18n.Message
}

// scratchNeeds finds the programs whose own code asks for what their image,
// which has nothing, does not give.
func scratchNeeds(r *facts.Repo, n need) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if !imageBuild(&b) {
			continue
		}
		below := baseOf(b.Docker, b.Runtime)
		if below.ref.Name != "scratch" && !(n.bare && below.shell == facts.No) || n.brought(&b) {
			continue
		}
		tags := b.Tags
		if b.Cgo == facts.Yes {
			tags = append([]string{"cgo"}, tags...)
		}
		site, why, ok := ownSite(r, &b, r.Closure(b.Module, b.Packages, tags), tags, n.site)
		if !ok {
			continue
		}
		evidence := append([]finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))}}, chainEvidence(why)...)
		out = append(out, finding.Finding{
			Pos:      site.Pos,
			Entity:   entity(stageName(*b.Runtime), strings.Join(b.Packages, " "), shortName(site.What)),
			Message:  n.message(site, below),
			Evidence: append(evidence, finding.Evidence{Pos: below.ref.Pos, Text: i18n.M("rule.cgo004.base", below.name())}),
		})
	}
	return out
}

// ownSite finds the first site in the packages of b's own module that match
// takes, and how its package gets in.
func ownSite(r *facts.Repo, b *facts.Build, reached facts.Imports, tags []string, match func(facts.Site) bool) (facts.Site, facts.Reached, bool) {
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if len(g.Sites) == 0 || g.Module != b.Module.Root {
			continue
		}
		at := slices.IndexFunc(g.Sites, match)
		if at < 0 || !g.Built(tags) {
			continue
		}
		if slices.Contains(b.Packages, g.Dir) {
			return g.Sites[at], facts.Reached{}, true
		}
		rel := strings.TrimPrefix(g.Dir, b.Module.Root+"/")
		if why, ok := reached[path.Join(b.Module.Path, rel)]; ok {
			return g.Sites[at], why, true
		}
	}
	return facts.Site{}, facts.Reached{}, false
}

// brings reports whether anything in the stage where b runs may give it what
// is looked for: a variable, a copy whose path holds one of words, or anything
// but b's program that goes to one of dirs.
func brings(b *facts.Build, variable string, words []string, dirs ...string) bool {
	for _, s := range b.Docker.Lineage(b.Runtime) {
		if variable != "" && s.Env[variable].Value != "" || len(s.Runs) > 0 {
			return true
		}
		if hasAny(s.Workdir.Value, words) {
			return true // WORKDIR makes the directory
		}
		for _, c := range s.Copies {
			dst := path.Clean("/" + c.Dst)
			for _, src := range c.Srcs {
				if strings.ContainsAny(src+c.Dst, "\x00$") || hasAny(src+" "+c.Dst, words) {
					return true
				}
				if slices.Contains(dirs, dst) && path.Clean("/"+src) != b.Output {
					return true
				}
				if words == nil && c.From != "" && c.FromStage < 0 {
					return true // from another image: a tool, most likely
				}
			}
		}
	}
	return false
}

// mountsTemp reports whether a compose file or the like could give /tmp; what
// is not read is not taken for absent.
func mountsTemp(r *facts.Repo) bool {
	return slices.ContainsFunc(r.Scripts, func(s facts.Script) bool {
		return slices.ContainsFunc(s.Commands, func(c facts.Command) bool {
			return slices.ContainsFunc(c.Words, func(w string) bool { return strings.Contains(w, "--tmpfs") || strings.Contains(w, ":/tmp") })
		})
	})
}

// shortName is pkg.Name of path/pkg.Name.
func shortName(what string) string { return path.Base(what) }
