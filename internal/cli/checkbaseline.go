package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// writeBaseline makes the baseline, or takes out of it what is gone.
func (a *app) writeBaseline(name string, res check.Result) error {
	b := check.NewBaseline(res.Findings).Dated(time.Now().Format(time.DateOnly))
	old, err := readBaseline(name)
	switch {
	case err == nil:
		b = old.Shrink(res.Findings)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := writeJSON(name, b); err != nil {
		return err
	}
	n := 0
	for _, e := range b.Entries {
		n += e.Count
	}
	return a.result(b, i18n.M("check.baseline.written", baselineName, n))
}

func readBaseline(name string) (check.Baseline, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return check.Baseline{}, err
	}
	var b check.Baseline
	if err == nil {
		b, err = check.ParseBaseline(data)
	}
	if err != nil {
		return check.Baseline{}, &fault.Error{
			Pos: fault.Pos{File: name}, Msg: i18n.M("check.baseline.read"), Hint: i18n.M("check.baseline.hint"),
			Code: fault.Usage, Cause: err,
		}
	}
	return b, nil
}

// applyBaseline takes out of res what the baseline holds. The one that is
// found without being asked for may be missing.
func applyBaseline(dir string, f *checkFlags, res *check.Result) error {
	if f.baseline == "none" {
		return nil
	}
	name := f.baseline
	if name == "" {
		name = filepath.Join(dir, baselineName)
	}
	b, err := readBaseline(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.baseline == "":
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &fault.Error{Pos: fault.Pos{File: name}, Msg: i18n.M("check.baseline.read"), Hint: i18n.M("check.baseline.hint"), Code: fault.Usage, Cause: err}
	case err != nil:
		return err
	}
	b.Apply(res, func(rule string) bool {
		return !slices.Contains(res.Disabled, rule) && (len(f.rules) == 0 || slices.Contains(f.rules, rule))
	})
	return nil
}
