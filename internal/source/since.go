package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// sinceTimeout bounds one git command on the local repository.
const sinceTimeout = 2 * time.Minute

// Since is what has changed in a directory of a git work tree since a commit:
// by commits, in the index, in files that are not committed or not tracked.
// Paths are slash-separated and relative to the directory.
type Since struct {
	Base string // the commit, full hash

	g     git
	lines map[string][]lineRange // changed or added, by path
	fresh map[string]bool        // files that were not there
	from  map[string]string      // what a file was called
}

// lineRange is a range of lines, both ends included, from 1.
type lineRange struct{ first, last int }

// OpenSince finds out what has changed below dir since rev. As in a review it
// is the work of this side that counts: it is held against the merge base of
// rev and HEAD, so that what others have done on rev meanwhile is no change.
// A rev or a dir that git does not know is a *fault.Error with exit code 2.
func OpenSince(ctx context.Context, dir, rev string, environ []string) (*Since, error) {
	program := gotool.LookPath("git", environ)
	if program == "" {
		return nil, fault.UsageError(i18n.M("source.since.nogit"), i18n.M("source.since.nogit.hint"))
	}
	s := &Since{g: git{path: program, repo: dir, env: gitEnv(environ)}}
	shallow, err := s.git(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		if _, ok := errors.AsType[*gitError](err); ok && ctx.Err() == nil {
			e := fault.UsageError(i18n.M("source.since.notree", dir), i18n.M("source.since.notree.hint"))
			e.Cause = err
			return nil, e
		}
		return nil, err
	}
	cut := strings.TrimSpace(shallow) == "true"
	if s.Base, err = s.base(ctx, rev, cut); err != nil {
		return nil, err
	}
	out, err := s.git(ctx, "diff", "--raw", "--patch", "-z", "--unified=0", "--inter-hunk-context=0", "--find-renames", "--relative",
		"--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/", s.Base, "--", ".")
	if err != nil {
		return nil, fmt.Errorf("compare with %s: %w", rev, err)
	}
	s.lines, s.fresh, s.from = parseChanges(out)
	untracked, err := s.git(ctx, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
	if err != nil {
		return nil, fmt.Errorf("list files that are not tracked: %w", err)
	}
	for name := range strings.SplitSeq(untracked, "\x00") {
		if name != "" {
			s.fresh[name] = true
		}
	}
	return s, nil
}

func (s *Since) git(ctx context.Context, args ...string) (string, error) {
	return s.g.run(ctx, sinceTimeout, args...)
}

// base gives the commit where this side left rev.
func (s *Since) base(ctx context.Context, rev string, shallow bool) (string, error) {
	hint := i18n.M("source.since.unknown.hint")
	if shallow {
		hint = i18n.M("source.since.shallow.hint")
	}
	tip, err := s.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if tip = strings.TrimSpace(tip); err != nil || !isHash(tip) {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fault.UsageError(i18n.M("source.since.unknown", rev), hint)
	}
	base, err := s.git(ctx, "merge-base", tip, "HEAD")
	if base = strings.TrimSpace(base); err != nil || !isHash(base) {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if !shallow {
			hint = i18n.M("source.since.apart.hint")
		}
		return "", fault.UsageError(i18n.M("source.since.apart", rev), hint)
	}
	return base, nil
}

// Changed reports whether a line has been changed or added; line 0 is the
// file as a whole, which has to be new.
func (s *Since) Changed(file string, line int) bool {
	return s.fresh[file] || slices.ContainsFunc(s.lines[file], func(r lineRange) bool { return r.first <= line && line <= r.last })
}

// Nothing reports whether nothing has changed at all.
func (s *Since) Nothing() bool { return len(s.lines)+len(s.fresh)+len(s.from) == 0 }

// ChangedAny reports whether a file that which accepts has changed, come or
// got another name. One that is gone only, does not count.
func (s *Since) ChangedAny(which func(name string) bool) bool {
	for _, name := range slices.Concat(slices.Collect(maps.Keys(s.lines)), slices.Collect(maps.Keys(s.fresh)), slices.Collect(maps.Keys(s.from))) {
		if which(name) {
			return true
		}
	}
	return false
}

// Before gives what a file was called at the commit.
func (s *Since) Before(file string) string {
	if old, ok := s.from[file]; ok {
		return old
	}
	return file
}

// Ignored gives those of files that git is told to ignore and does not track.
// They are no part of any change.
func (s *Since) Ignored(ctx context.Context, files []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(files) == 0 {
		return out, nil
	}
	args := append([]string{"--literal-pathspecs", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--"}, files...)
	text, err := s.git(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("list ignored files: %w", err)
	}
	for name := range strings.SplitSeq(text, "\x00") {
		out[name] = true
	}
	return out, nil
}
