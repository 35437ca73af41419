package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// maxBaseline is the largest baseline that is read, in bytes.
const maxBaseline = 64 << 20

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
	data, err := readRegular(name, maxBaseline)
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

// readRegular reads a file of at most so many bytes. To open a named pipe
// would be to wait for ever.
func readRegular(name string, most int64) ([]byte, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > most {
		return nil, fmt.Errorf("larger than %d MiB, or no regular file", most>>20)
	}
	return os.ReadFile(name)
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
		return &fault.Error{Pos: fault.Pos{File: name}, Msg: i18n.M("check.baseline.read"), Hint: i18n.M("check.baseline.missing"), Code: fault.Usage, Cause: err}
	case err != nil:
		return err
	}
	b.Apply(res, func(rule string) bool {
		return !slices.Contains(res.Disabled, rule) && (len(f.rules) == 0 || slices.Contains(f.rules, rule))
	})
	return nil
}
