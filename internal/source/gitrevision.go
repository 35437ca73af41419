package source

import (
	"context"
	"path/filepath"
	"strings"
	"sync"

	"github.com/slipway-build/slipway/internal/i18n"
)

// gitRevision reads the revision of a tree in a git working tree.
func (t *Tree) gitRevision(ctx context.Context) (Revision, error) {
	r := Revision{State: State{Kind: KindDir, VCS: "git"}}
	program := t.o.Go.LookPath("git")
	if program == "" {
		r.note(i18n.M("source.note.nogit", t.Repo))
		return r, nil
	}
	admin, ok := openGitDir(t.Repo)
	if ok {
		r.RemoteURL = normalizeURL(admin.origin())
	}
	g := git{path: program, repo: t.Repo, env: gitEnv(t.o.Env)}

	// Which tags are at a commit is what a shallow clone does not know, nor
	// one that was made without tags.
	shallow := ok && admin.shallow()
	askable := ok && admin.origin() != "" && (shallow || admin.withoutTags())
	ask := askable && !t.o.Offline

	var (
		wg                          sync.WaitGroup
		at                          head
		remote                      map[string]string
		headErr, statusErr, tagsErr error
	)
	asking, stop := context.WithCancel(ctx)
	defer stop()
	if ask {
		wg.Go(func() { remote, tagsErr = g.remoteTags(asking, t.o.RemoteTimeout) })
	}
	include, outside := t.scope()
	wg.Go(func() {
		var changed []string
		changed, statusErr = g.changes(ctx, t.o.GitTimeout, include, t.excluded())
		r.Dirty = len(changed) > 0 || statusErr != nil
		r.Changed = changed[:min(len(changed), maxChanged)]
	})
	if at, headErr = g.head(ctx, t.o.GitTimeout); headErr != nil {
		stop() // tags of an unknown commit are of no use
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return Revision{}, context.Cause(ctx)
	}

	if headErr != nil {
		r.note(headNote(t.Repo, headErr))
		r.Dirty = len(r.Changed) > 0
		return r, nil
	}
	if statusErr != nil {
		r.note(i18n.M("source.note.status", statusErr))
	}
	for _, dir := range outside {
		r.note(i18n.M("source.note.outside", dir))
	}
	r.State.Revision, r.Time = at.hash, at.time
	r.Shallow, r.TagsFrom = shallow, FromClone
	tags := at.tags
	switch {
	case ask && tagsErr == nil:
		r.Shallow, r.TagsFrom = false, FromRemote
		for name, commit := range remote {
			if commit == at.hash {
				tags = append(tags, name)
			}
		}
	case ask:
		r.note(i18n.M("source.note.remote", tagsErr))
	case askable && shallow:
		r.note(i18n.M("source.note.offline"))
	}
	dir, _ := below(t.Repo, t.Root)
	r.Tags = versionTags(tags, dir, t.modulePath())
	return r, nil
}

func (r *Revision) note(m i18n.Message) { r.Notes = append(r.Notes, m) }

// headNote says why the commit is unknown.
func headNote(repo string, err error) i18n.Message {
	text := err.Error()
	switch {
	case strings.Contains(text, "dubious ownership"):
		return i18n.M("source.note.owner", repo)
	case strings.Contains(text, "bad revision 'HEAD'"), strings.Contains(text, "does not have any commits"), strings.Contains(text, "ambiguous argument 'HEAD'"):
		return i18n.M("source.note.nocommit", repo)
	}
	return i18n.M("source.note.git", repo, text)
}

// scope gives what of the repository the build can read, relative to it, and
// what it reads that lies outside.
func (t *Tree) scope() (include, outside []string) {
	for _, dir := range t.dirs() {
		if rel, ok := below(t.Repo, dir); ok {
			include = append(include, rel)
		} else {
			outside = append(outside, dir)
		}
	}
	if t.WorkFile != "" {
		for _, name := range []string{t.WorkFile, t.WorkFile + ".sum"} {
			if rel, ok := below(t.Repo, name); ok {
				include = append(include, rel)
			}
		}
	}
	return include, outside
}

// excluded gives Options.Exclude relative to the repository.
func (t *Tree) excluded() []string {
	var out []string
	for _, dir := range t.o.Exclude {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(t.Root, dir)
		} else if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		if rel, ok := below(t.Repo, dir); ok && rel != "" {
			out = append(out, rel)
		}
	}
	return out
}
