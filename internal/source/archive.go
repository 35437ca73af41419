package source

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// archiveFile is filled in by `git archive` when .gitattributes marks it
// export-subst; tarballs made by code hosts have it filled in too.
const archiveFile = ".git_archival.txt"

// maxArchiveFile is how much of it is read, in bytes.
const maxArchiveFile = 64 << 10

// archival is what an archiveFile says.
type archival struct {
	node string   // full commit hash
	time int64    // commit time, Unix seconds, 0 unknown
	tags []string // every tag at the commit that it names
}

// archiveRevision reads the revision of a tree without version control.
func (t *Tree) archiveRevision() (Revision, error) {
	r := Revision{State: State{Kind: KindDir}}
	var a archival
	at, _ := findUp(t.Root, func(dir string) bool {
		var ok bool
		a, ok = readArchival(filepath.Join(dir, archiveFile))
		return ok
	})
	if at == "" {
		return r, nil
	}
	dir, ok := below(at, t.Root)
	if !ok {
		return r, fmt.Errorf("find %s from %s", t.Root, at)
	}
	r.VCS, r.State.Revision, r.Time = "git", a.node, a.time
	r.Tags, r.TagsFrom = versionTags(a.tags, dir, t.modulePath()), FromArchive
	r.Notes = append(r.Notes, i18n.M("source.note.archive", archiveFile))
	return r, nil
}

func readArchival(name string) (archival, bool) {
	fi, err := os.Stat(name)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > maxArchiveFile {
		return archival{}, false
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return archival{}, false
	}
	return parseArchival(string(b))
}

// described matches what git describe gives for a commit that has no tag:
// tag-count-ghash.
var described = regexp.MustCompile(`-[0-9]+-g[0-9a-f]+$`)

// parseArchival reads "key: value" lines. Without a commit hash, as in a
// clone where nothing is filled in, the file says nothing.
func parseArchival(s string) (archival, bool) {
	var a archival
	for line := range strings.Lines(s) {
		key, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || strings.Contains(value, "$Format:") {
			continue
		}
		switch strings.TrimSpace(key) {
		case "node":
			if isHash(value) {
				a.node = value
			}
		case "node-date":
			if at, err := time.Parse(time.RFC3339, value); err == nil && at.Unix() > 0 {
				a.time = at.Unix()
			}
		case "describe-name":
			if value != "" && !strings.HasPrefix(value, "%") && !described.MatchString(value) {
				a.tags = append(a.tags, value)
			}
		case "ref-names":
			a.tags = append(a.tags, decoratedTags(value)...)
		}
	}
	return a, a.node != ""
}

// decoratedTags picks the tags out of what git's %D prints: a list like
// "HEAD -> main, tag: v1.0.0, origin/main", long or short names.
func decoratedTags(s string) []string {
	var out []string
	for ref := range strings.SplitSeq(s, ", ") {
		if tag, ok := strings.CutPrefix(strings.TrimSpace(ref), "tag: "); ok {
			out = append(out, strings.TrimPrefix(tag, "refs/tags/"))
		}
	}
	return out
}
