package cli

import (
	"path/filepath"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/policy"
)

// checkPolicy reads what slipway.yaml in dir asks of the project and puts it
// into repo. --severity, if it was given, is stronger than the file.
func (a *app) checkPolicy(dir string, repo *facts.Repo, f *checkFlags, severityGiven bool) error {
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
	return nil
}
