package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// buildTimes builds the cells that have a source again and again, in turns:
// each time with an empty build cache, then with what that has left there.
func (cs *cells) buildTimes(ctx context.Context, all []*built) error {
	once := cs.r.Sized() // those that differ only in how they are started are built once
	all = slices.DeleteFunc(slices.Clone(all), func(b *built) bool { return b.session == nil || !slices.Contains(once, b.index) })
	rng := rand.New(rand.NewPCG(cs.f.seed, 1))
	began := time.Now()
	cs.a.rep.Begin("", "build")
	for n := range cs.f.buildRuns {
		for k, i := range rng.Perm(len(all)) {
			cs.a.rep.Note("", "build", cs.a.say(i18n.M("compare.progress.build", n*len(all)+k+1, cs.f.buildRuns*len(all))))
			err := cs.buildTwice(ctx, all[i])
			if ctx.Err() != nil {
				cs.r.Incomplete = true
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	cs.a.rep.End("", "build", time.Since(began), 0, "", false)
	return nil
}

func (cs *cells) buildTwice(ctx context.Context, b *built) error {
	dir, err := os.MkdirTemp(cs.roots.dir, "build-")
	if err != nil {
		return fmt.Errorf("make a build cache: %w", err)
	}
	defer os.RemoveAll(dir)
	env := append(slices.Clone(cs.a.env), "GOCACHE="+filepath.Join(dir, "go"))
	g, err := gotool.Find(ctx, env, "")
	if err != nil {
		return err
	}
	g.Offline = cs.a.offline
	c := &cs.r.Cells[b.index]
	if c.Samples == nil {
		c.Samples = compare.Samples{}
	}
	for _, m := range []compare.Metric{compare.BuildCold, compare.BuildWarm} {
		o := build.Options{
			Go: g, Root: b.session.tree.Root, Plan: b.session.plan, Fresh: true,
			// A directory of its own, or the go command would see that there is
			// nothing to link.
			CacheDir: filepath.Join(dir, string(m)), Observer: silent{},
		}
		began := time.Now()
		if _, err := build.Run(ctx, o); err != nil {
			return err
		}
		c.Samples[m] = append(c.Samples[m], float64(time.Since(began)))
	}
	return nil
}

// silent is told of builds that are only made to be timed.
type silent struct{}

func (silent) Begin(string, string) {}

func (silent) End(string, string, time.Duration, int64, string, bool) {}
