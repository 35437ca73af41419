package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/policy"
)

// checkPolicy reads what slipway.yaml in dir asks of the project and puts it
// into repo, with what others know that it asks for. --severity, if it was given, is stronger than the file.
func (a *app) checkPolicy(ctx context.Context, dir string, repo *facts.Repo, f *checkFlags, severityGiven bool) error {
	file := a.config
	if file != "" && !filepath.IsAbs(file) {
		wd, err := a.workDir()
		if err != nil {
			return err
		}
		file = filepath.Join(wd, file)
	}
	// Positions are relative to dir, as those of the findings.
	s, err := config.Load(config.Input{Dir: dir, Base: dir, File: file, Env: a.env, KnownEnv: knownEnv})
	if err != nil {
		return err
	}
	if !severityGiven {
		f.severity = s.Config.Check.Severity
	}
	repo.Policy = policy.Of(s)
	src := policy.Sources{Root: dir, Settings: dir, Offline: a.offline}
	if file != "" {
		src.Settings = filepath.Dir(file)
	}
	src.Licenses = slices.ContainsFunc(f.rules, func(id string) bool { return strings.HasPrefix(id, "LIC") })
	if f.deps {
		src.ModCache = gotool.ModCache(a.env)
	}
	if repo.Policy.Database != "" {
		cache, err := a.cacheDir()
		if err != nil {
			return err
		}
		src.Cache = filepath.Join(cache, "osv")
	}
	return policy.Gather(ctx, repo, src)
}
