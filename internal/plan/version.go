package plan

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
)

// unknownVersion is the version of a source that has none.
const unknownVersion = "v0.0.0-unknown"

// decideVersion resolves the version once, so that a laptop, a shallow clone
// and an archive of one commit stamp the same. The first row that applies
// wins:
//
//	version in slipway.yaml | that
//	module@version          | the module's version
//	version tag at HEAD     | the highest tag
//	commit                  | pseudo-version of the commit (go.dev/ref/mod#pseudo-versions)
//	nothing                 | v0.0.0-unknown
//
// A tree with uncommitted changes gets +dirty in every row.
func decideVersion(f facts.Facts, c config.Config) (string, Decision) {
	d := Decision{ID: "version"}
	src := f.Source
	tags := versionTags(src.Tags)
	_, moduleVersion, _ := strings.Cut(src.Ref, "@")
	switch {
	case c.Version != "":
		d.Choice, d.Why = c.Version, i18n.M("plan.version.asked")
		d.Facts = append(d.Facts, asked("version", c.Version))
		if len(tags) > 0 {
			d.Rejected = append(d.Rejected, Alternative{tags[0], i18n.M("plan.version.no.asked")})
		}
	case moduleVersion != "":
		d.Choice, d.Why = moduleVersion, i18n.M("plan.version.module")
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.module", src.Ref)))
	case len(tags) > 0:
		d.Choice, d.Why = tags[0], i18n.M("plan.version.tag")
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.tag", tags[0], short(src.Revision))))
		for _, t := range tags[1:] {
			d.Rejected = append(d.Rejected, Alternative{t, i18n.M("plan.version.no.older")})
		}
		if _, major, ok := module.SplitPathVersion(f.Module.Path); ok && module.CheckPathMajor(tags[0], major) != nil {
			d.Facts = append(d.Facts, Fact{f.Module.Pos, i18n.M("plan.fact.major", f.Module.Path, semver.Major(tags[0]))})
		}
	case src.Revision != "":
		d.Choice, d.Why = pseudoVersion(f), i18n.M("plan.version.commit")
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.commit", short(src.Revision), timestamp(src.Time))))
	default:
		d.Choice, d.Why = unknownVersion, i18n.M("plan.version.unknown")
	}
	if src.Shallow && src.TagsFrom != "remote" && c.Version == "" {
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.shallow")))
	}
	if src.Dirty {
		d.Rejected = append(d.Rejected, Alternative{d.Choice, i18n.M("plan.version.no.clean")})
		d.Choice = dirty(d.Choice)
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.dirty")))
	}
	return d.Choice, d
}

// dirty marks a version. Build metadata is a list of identifiers parted by
// dots behind one plus sign (semver.org, item 10).
func dirty(version string) string {
	if strings.Contains(version, "+") {
		return version + ".dirty"
	}
	return version + "+dirty"
}

// versionTags gives the semantic versions among tags, highest first.
func versionTags(tags []string) []string {
	var out []string
	for _, t := range tags {
		if semver.IsValid(t) && semver.Canonical(t)+semver.Build(t) == t {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return -semver.Compare(a, b) })
	return slices.Compact(out)
}

func pseudoVersion(f facts.Facts) string {
	_, major, _ := module.SplitPathVersion(f.Module.Path)
	return module.PseudoVersion(module.PathMajorPrefix(major), "", time.Unix(f.Source.Time, 0).UTC(), short(f.Source.Revision))
}

func short(revision string) string { return revision[:min(12, len(revision))] }

// timestamp writes Unix seconds as RFC 3339 in UTC.
func timestamp(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// decideSource states where the bytes come from, what time is stamped, and
// how a module from the proxy is built.
func decideSource(f facts.Facts) (Source, []Decision) {
	s := Source{Revision: f.Source.Revision, URL: repositoryURL(f), Time: f.Source.Time, Dirty: f.Source.Dirty}
	if f.Source.Kind == "module" {
		s.Module, s.Sum = f.Source.Ref, f.Source.Sum
	}
	tm := Decision{ID: "time", Choice: timestamp(s.Time), Why: i18n.M("plan.time.commit")}
	switch {
	case s.Time == 0:
		tm.Why = i18n.M("plan.time.unknown")
	case s.Module != "":
		tm.Why = i18n.M("plan.time.module")
	}
	if s.Time != 0 && s.Revision != "" {
		tm.Facts = []Fact{said(i18n.M("plan.fact.commit", short(s.Revision), timestamp(s.Time)))}
	}
	tm.Rejected = []Alternative{{"now", i18n.M("plan.time.no.clock")}}
	ds := []Decision{tm, {
		ID: "vcs", Choice: "-buildvcs=false", Why: i18n.M("plan.vcs.off"),
		Rejected: []Alternative{{"-buildvcs=auto", i18n.M("plan.vcs.no.auto")}},
	}}
	if s.Module != "" {
		d := Decision{ID: "source", Choice: "go install", Why: i18n.M("plan.source.install")}
		if f.Source.SumDB {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.sumdb", s.Module, s.Sum)))
		}
		s.Install = len(f.Module.Replaces)+len(f.Module.Excludes) == 0
		if !s.Install {
			d.Choice, d.Why = "go build", i18n.M("plan.source.build")
			for _, r := range f.Module.Replaces {
				d.Facts = append(d.Facts, Fact{r.Pos, i18n.M("plan.fact.replace", r.Old, r.New)})
			}
			for _, x := range f.Module.Excludes {
				d.Facts = append(d.Facts, Fact{x.Pos, i18n.M("plan.fact.exclude", x.Value)})
			}
			d.Rejected = []Alternative{{"go install", i18n.M("plan.source.no.install")}}
		}
		ds = append([]Decision{d}, ds...)
	}
	return s, ds
}

// forges are hosts on which the first two elements after the host are a
// repository.
var forges = []string{"github.com", "gitlab.com", "gitee.com", "bitbucket.org", "codeberg.org"}

// repositoryURL gives the page of the repository if the module's path begins
// with one. The clone's origin does not count: a fork, a mirror and a tarball
// of one commit have different ones, and must give the same bytes. Who wants
// another address in the image states it under image.labels.
func repositoryURL(f facts.Facts) string {
	p := strings.Split(f.Module.Path, "/")
	if len(p) < 3 || !slices.Contains(forges, p[0]) {
		return ""
	}
	return "https://" + strings.Join(p[:3], "/")
}
