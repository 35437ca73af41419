package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/source"
)

// checkout puts the recorded commit into a directory of its own, with the
// clone's tags, so that the go command stamps what it stamped then.
func checkout(ctx context.Context, o Options, revision, to string) (string, error) {
	switch err := source.Checkout(ctx, o.Env, o.Source, revision, to); {
	case errors.Is(err, source.ErrNoGit):
		return "", refuse(i18n.M("rebuild.why.nogit"))
	case errors.Is(err, source.ErrNoClone):
		return "", refuse(i18n.M("rebuild.why.notgit", o.Source))
	case errors.Is(err, source.ErrNoCommit):
		return "", refuse(i18n.M("rebuild.why.nocommit", revision, o.Source))
	case err != nil:
		return "", fmt.Errorf("check out %s: %w", revision, err)
	}
	return filepath.EvalSymlinks(to)
}

// findModule finds the directory of the module below top; the nearest to top
// if there are several.
func findModule(ctx context.Context, top, module string) (string, error) {
	found, depth := "", 0
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case d.IsDir() && p != top && (d.Name() == ".git" || d.Name() == "vendor" || d.Name() == "node_modules" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.Name() != "go.mod" || !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if n := strings.Count(p, string(filepath.Separator)); modfile.ModulePath(b) == module && (found == "" || n < depth) {
			found, depth = filepath.Dir(p), n
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for module %s: %w", module, err)
	}
	if found == "" {
		return "", refuse(i18n.M("rebuild.why.othermodule", module, top))
	}
	return found, nil
}
