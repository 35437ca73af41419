package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// compareRunners are the ways to start a program, the preferred one first.
func compareRunners() []sandbox.Runner {
	return []sandbox.Runner{compare.Bare{}}
}

func runnerNames() []string {
	var names []string
	for _, r := range compareRunners() {
		names = append(names, r.Name())
	}
	return names
}

// compareRunner gives the runner that was asked for, or the first that can be
// used here.
func (a *app) compareRunner(ctx context.Context, name string) (sandbox.Runner, error) {
	var why error
	for _, r := range compareRunners() {
		if name != "" && r.Name() != name {
			continue
		}
		err := r.Check(ctx)
		if err == nil {
			return r, nil
		}
		if name != "" {
			if f, ok := errors.AsType[*fault.Error](err); ok {
				return nil, f
			}
			return nil, fault.New(err, i18n.M("compare.runner.unusable", name), i18n.M("compare.runner.unusable.hint"))
		}
		why = err
	}
	if why != nil {
		return nil, why
	}
	return nil, fault.UsageError(i18n.M("compare.runner", name), i18n.M("compare.runner.hint", strings.Join(runnerNames(), ", ")))
}
