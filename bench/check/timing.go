package main

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// variant is one way to look at a repository.
type variant struct {
	name string
	args []string
	dir  string // where it runs
	peer bool   // somebody else's program, which may not like a repository
}

type sample struct {
	cpu, wall time.Duration
	peak      int64 // bytes, largest resident set of the process
}

// moduleLinters are the linters of golangci-lint that look at go.mod alone.
const moduleLinters = "gomoddirectives,gomodguard_v2,depguard"

// subject is a directory to measure on; deps says that the modules from
// elsewhere are read as well.
type subject struct {
	dir  string
	deps bool
}

// budgeted are the repositories of the corpus with a budget, and whether one
// is set for a run with their dependencies: kubernetes 0.5 s of CPU and 60 MB,
// caddy 50 ms, 0.9 s with its dependencies.
var budgeted = map[string]bool{"kubernetes": false, "caddy": true}

// timed are the directories that were named or, if none was, the budgeted
// repositories.
func timed(ctx context.Context, dirs []string) ([]subject, error) {
	var out []subject
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", dir, err)
		}
		out = append(out, subject{dir, true})
	}
	if len(dirs) > 0 {
		return out, nil
	}
	list, err := corpus()
	if err != nil {
		return nil, err
	}
	cache, err := moduleCache(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		deps, ok := budgeted[r.name()]
		if !ok {
			continue
		}
		dir, err := r.dir(cache)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("%s is not in the module cache; run fetch first: %w", r.name(), err)
		}
		out = append(out, subject{dir, deps})
	}
	return out, nil
}

// timing runs every variant once per round on each directory, one after the
// other, so that a change of the machine's speed meets all of them. The first
// round is not counted.
func timing(ctx context.Context, rounds int, dirs []string) error {
	subjects, err := timed(ctx, dirs)
	if err != nil {
		return err
	}
	bin, remove, err := buildSlipway(ctx)
	if err != nil {
		return err
	}
	defer remove()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	fmt.Print("| directory | what | CPU s | wall s | peak MB |\n|---|---|---|---|---|\n")
	for _, s := range subjects {
		dir := s.dir
		check := []string{bin, "check", dir, "--format", "json", "--baseline", "none"}
		vs := []variant{{"slipway check --deps=false", append(slices.Clip(check), "--deps=false"), dir, false}}
		if s.deps {
			vs = append(vs, variant{"slipway check", check, dir, false})
		}
		vs = append(vs, []variant{
			{"floor: imports of every Go file", []string{self, "floor", dir}, dir, false},
		}...)
		if lint, err := exec.LookPath("golangci-lint"); err == nil {
			vs = append(vs, variant{"golangci-lint, its module linters", []string{lint, "run", "--default=none", "--enable=" + moduleLinters, "--issues-exit-code=0", "./..."}, dir, true})
		}
		samples := make([][]sample, len(vs))
		for round := range rounds + 1 {
			for i, v := range vs {
				if v.peer && round > 1 && len(samples[i]) == 0 {
					continue // it failed before
				}
				s, err := v.run(ctx)
				if err != nil && v.peer {
					fmt.Fprintf(os.Stderr, "left out: %.300s\n", err)
					continue
				}
				if err != nil {
					return err
				}
				if round > 0 {
					samples[i] = append(samples[i], s)
				}
			}
		}
		for i, v := range vs {
			if len(samples[i]) == 0 {
				continue
			}
			fmt.Printf("| %s | %s | %.3f | %.3f | %.0f |\n", filepath.Base(dir), v.name,
				median(samples[i], func(s sample) float64 { return s.cpu.Seconds() }),
				median(samples[i], func(s sample) float64 { return s.wall.Seconds() }),
				median(samples[i], func(s sample) float64 { return float64(s.peak) / 1e6 }))
		}
	}
	return nil
}

// run measures one run. Exit code 3, findings, is a good one.
func (v variant) run(ctx context.Context) (sample, error) {
	c := exec.CommandContext(ctx, v.args[0], v.args[1:]...)
	c.Dir = v.dir
	var stderr strings.Builder
	c.Stdout, c.Stderr = io.Discard, &stderr
	begin := time.Now()
	err := c.Run()
	wall := time.Since(begin)
	if c.ProcessState == nil || err != nil && c.ProcessState.ExitCode() != 3 {
		return sample{}, fmt.Errorf("run %s: %w: %s", v.name, err, stderr.String())
	}
	s := sample{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: wall}
	s.peak = peakOf(c.ProcessState)
	return s, nil
}

func median(ss []sample, of func(sample) float64) float64 {
	var xs []float64
	for _, s := range ss {
		xs = append(xs, of(s))
	}
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// floor does the least that any judge of a Go repository must: it finds every
// Go file and reads its imports.
func floor(dirs []string) error {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
				return err
			}
			// A file that is no Go, such as a broken fixture, costs its time too.
			_, _ = parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			return nil
		})
		if err != nil {
			return fmt.Errorf("walk %s: %w", dir, err)
		}
	}
	return nil
}
