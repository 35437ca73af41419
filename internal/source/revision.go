package source

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/slipway-build/slipway/internal/i18n"
)

// State is the revision of a tree: field by field the Source of package facts.
type State struct {
	Kind      string   // KindDir or KindModule
	Ref       string   // module path@version; KindModule only
	Sum       string   // h1: hash of the module zip; KindModule only
	SumDB     bool     // Sum was held against the checksum database
	VCS       string   // "git", or empty if there is no version control
	Revision  string   // full commit hash, "" unknown
	Time      int64    // commit time, Unix seconds, 0 unknown
	Tags      []string // version tags of this module at the revision, newest first, without its directory prefix
	Dirty     bool     // the files differ from the revision, or it cannot be told that they do not
	Shallow   bool     // tags may be missing from this clone
	TagsFrom  string   // where the tags were read: "clone", "remote", "archive"; "" nowhere
	RemoteURL string   // origin as an https URL without credentials, "" unknown or not on a network
}

// Where tags come from.
const (
	FromClone   = "clone"   // the repository on this disk
	FromRemote  = "remote"  // its origin
	FromArchive = "archive" // the .git_archival.txt of an exported tarball
)

// Revision is the state of a tree, with what there is to say about it.
type Revision struct {
	State
	Changed []string       // the files that make the tree dirty, relative to Repo, at most maxChanged
	Notes   []i18n.Message // what could not be known, and how to mend that
}

// maxChanged is how many files are named as the reason of a dirty tree.
const maxChanged = 10

// Revision reads of which revision the tree is. It starts at most two git
// commands, at once, and a third that asks the origin for its tags if this
// clone may lack them. What cannot be found out is a note; the only errors
// are those of ctx and of unreadable files.
func (t *Tree) Revision(ctx context.Context) (Revision, error) {
	if t.Kind == KindModule {
		return t.moduleRevision()
	}
	if t.Repo == "" {
		return t.archiveRevision()
	}
	return t.gitRevision(ctx)
}

// modulePath gives the path of the main module, "" if go.mod does not say.
func (t *Tree) modulePath() string {
	b, err := os.ReadFile(filepath.Join(t.Root, "go.mod"))
	if err != nil {
		return ""
	}
	return modfile.ModulePath(b)
}

// versionTags picks from the names of tags the versions of the module that
// lies in dir ("" at the repository's root), newest first: canonical, of the
// major version the module's path demands, and none that only looks like a
// pseudo-version (go.dev/ref/mod#vcs-version).
func versionTags(tags []string, dir, modPath string) []string {
	_, major, ok := module.SplitPathVersion(modPath)
	if !ok {
		major = ""
	}
	prefix := dir
	// A major version may live in a directory of its own that is no part of
	// the tag (go.dev/ref/mod#major-version-suffixes).
	if major != "" && major[0] == '/' && path.Base(dir) == major[1:] {
		prefix = strings.TrimSuffix(strings.TrimSuffix(dir, major[1:]), "/")
	}
	if prefix != "" {
		prefix += "/"
	}
	var out []string
	for _, tag := range tags {
		v, ok := strings.CutPrefix(tag, prefix)
		if ok && v == semver.Canonical(v) && v != "" && module.CheckPathMajor(v, major) == nil && !module.IsPseudoVersion(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return semver.Compare(b, a) })
	return slices.Compact(out)
}

// isHash reports whether s is the full name of a git object.
func isHash(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
