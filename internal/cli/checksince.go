package cli

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/source"
)

// keepSince takes away the findings that were there where this branch left
// f.since. One stays if a line that it rests on has changed, or if the files
// of that commit, judged by the same rules, do not have it. That tree is read
// only if the lines do not decide by themselves.
func (a *app) keepSince(ctx context.Context, dir string, j *judged, f *checkFlags) error {
	s, err := source.OpenSince(ctx, dir, f.since, a.env)
	if err != nil {
		return err
	}
	var open []finding.Finding
	for _, x := range j.res.Findings {
		if !touched(s, x) {
			open = append(open, x)
		}
	}
	if len(open) == 0 {
		return nil
	}
	older := func(finding.Finding) bool { return true }
	if !s.Nothing() {
		if older, err = a.judgeBefore(ctx, dir, s, j, open, f); err != nil {
			return err
		}
	}
	before := len(j.res.Findings)
	j.res.Findings = slices.DeleteFunc(j.res.Findings, func(x finding.Finding) bool { return !touched(s, x) && older(x) })
	j.res.Older = before - len(j.res.Findings)
	return nil
}

// touched reports whether a line that a finding rests on has changed.
func touched(s *source.Since, x finding.Finding) bool {
	return s.Changed(x.Pos.File, x.Pos.Line) || slices.ContainsFunc(x.Evidence, func(e finding.Evidence) bool {
		return e.Pos.File != "" && s.Changed(e.Pos.File, e.Pos.Line)
	})
}

// judgeBefore checks the files of the commit and gives a function that tells,
// of findings in order, whether each was there.
func (a *app) judgeBefore(ctx context.Context, dir string, s *source.Since, j *judged, open []finding.Finding, f *checkFlags) (func(finding.Finding) bool, error) {
	var files []string
	for _, x := range open {
		files = append(files, x.Pos.File)
	}
	slices.Sort(files)
	ignored, err := s.Ignored(ctx, slices.DeleteFunc(slices.Compact(files), func(name string) bool { return !filepath.IsLocal(name) }))
	if err != nil {
		return nil, err
	}
	old, err := os.MkdirTemp("", "slipway-since-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the files of %s: %w", f.since, err)
	}
	defer os.RemoveAll(old)
	if err := s.Extract(ctx, old, facts.Reads); err != nil {
		return nil, err
	}
	repo, err := facts.ReadRepo(ctx, old)
	if err != nil {
		return nil, err
	}
	switch {
	case !f.deps:
	case !s.ChangedAny(func(name string) bool {
		base := path.Base(name)
		return base == "go.mod" || base == "go.sum" || base == "go.work" || base == "modules.txt"
	}):
		// The same modules: what a finding of both trees needs of them has been read.
		repo.Deps = j.repo.Deps
	default:
		if err := facts.ReadDeps(ctx, &repo, old, gotool.ModCache(a.env)); err != nil {
			return nil, err
		}
	}
	repo.Prefix, repo.WorkTree, repo.Policy, repo.Known, repo.Machine = j.repo.Prefix, j.repo.WorkTree, j.repo.Policy, j.repo.Known, j.repo.Machine
	res, err := check.Run(&repo, f.rules)
	if err != nil {
		return nil, err
	}
	if err := applyBaseline(dir, f, &res); err != nil {
		return nil, err
	}
	type key struct{ rule, path, entity string }
	had := map[key]int{}
	for _, x := range res.Findings {
		had[key{x.ID, x.Pos.File, x.Entity}]++
	}
	return func(x finding.Finding) bool {
		k := key{x.ID, s.Before(x.Pos.File), x.Entity}
		had[k]--
		return had[k] >= 0 || ignored[x.Pos.File]
	}, nil
}
