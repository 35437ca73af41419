package rebuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/sync/errgroup"
)

// hashModules holds the extracted modules in the module cache against the sums
// that stand in a program, for the go command does not look at an extracted
// module again. It gives how many were hashed and those that differ.
func hashModules(ctx context.Context, cache string, bi *debug.BuildInfo) (int, []Cause, error) {
	var mu sync.Mutex
	n := 0
	var bad []Cause
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(max(1, runtime.NumCPU()))
	mods := append([]*debug.Module{&bi.Main}, bi.Deps...)
	for _, m := range mods {
		if m.Replace != nil {
			m = m.Replace
		}
		if !strings.HasPrefix(m.Sum, "h1:") {
			continue
		}
		ep, err1 := module.EscapePath(m.Path)
		ev, err2 := module.EscapeVersion(m.Version)
		if err1 != nil || err2 != nil {
			continue
		}
		eg.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			sum, err := dirhash.HashDir(filepath.Join(cache, filepath.FromSlash(ep)+"@"+ev), m.Path+"@"+m.Version, dirhash.Hash1)
			if errors.Is(err, os.ErrNotExist) {
				return nil // vendored, or none of its packages is in the program
			}
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			n++
			if sum != m.Sum {
				bad = append(bad, Cause{Kind: CauseContent, Name: m.Path + "@" + m.Version, A: m.Sum, B: sum})
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return n, nil, err
	}
	slices.SortFunc(bad, func(a, b Cause) int { return strings.Compare(a.Name, b.Name) })
	return n, bad, nil
}
