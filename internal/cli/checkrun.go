package cli

import (
	"context"
	"path/filepath"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// judged is a repository with what the rules say of it.
type judged struct {
	repo  *facts.Repo
	files int
	res   check.Result
}

func (a *app) runCheck(ctx context.Context, dir string, f *checkFlags) error {
	j, err := a.checkRepo(ctx, dir, f)
	if err != nil {
		return err
	}
	if f.baseline == "write" {
		return a.writeBaseline(filepath.Join(dir, baselineName), j.res)
	}
	if err := a.quieten(ctx, dir, &j, f); err != nil {
		return err
	}
	if f.fix {
		j, err = a.runFix(ctx, dir, j, f)
	} else {
		err = a.showCheck(dir, j.repo, j.files, j.res, f)
	}
	if err != nil {
		return err
	}
	if j.res.AtLeast(finding.Severity(f.severity)) > 0 {
		a.code = fault.Findings
	}
	return nil
}

// checkRepo reads the repository and applies the rules.
func (a *app) checkRepo(ctx context.Context, dir string, f *checkFlags) (judged, error) {
	repo, err := facts.ReadRepo(ctx, dir)
	if err != nil {
		return judged{}, err
	}
	repo.Prefix, repo.WorkTree = belowTop(dir)
	if f.deps {
		if err := facts.ReadDeps(ctx, &repo, dir, gotool.ModCache(a.env)); err != nil {
			return judged{}, err
		}
	}
	if f.env {
		if repo.Machine, err = facts.ReadMachine(ctx, dir, a.env); err != nil {
			return judged{}, err
		}
	}
	if err := a.checkPolicy(ctx, dir, &repo, f, f.severityGiven); err != nil {
		return judged{}, err
	}
	j := judged{repo: &repo}
	j.files = len(repo.GoFiles) + len(repo.Modules) + len(repo.Dockerfiles) + len(repo.Workflows) + len(repo.Scripts) + len(repo.Pins) + len(repo.EnvFiles)
	if j.files == 0 {
		return judged{}, fault.UsageError(i18n.M("check.nothing"), i18n.M("cli.usage.hint", "slipway check"))
	}
	j.res, err = check.Run(&repo, f.rules)
	return j, err
}

// quieten takes away what the user has asked not to see.
func (a *app) quieten(ctx context.Context, dir string, j *judged, f *checkFlags) error {
	if err := applyBaseline(dir, f, &j.res); err != nil || f.since == "" {
		return err
	}
	return a.keepSince(ctx, dir, j, f)
}
