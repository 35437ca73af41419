package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// sample is what one run of a program took.
type sample struct {
	cpu, wall time.Duration
	peak      int64 // bytes, largest resident set
}

// measure runs a program and gives what it wrote. Exit code 3, findings, is a
// good one.
func measure(ctx context.Context, name string, args ...string) ([]byte, sample, error) {
	c := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	begin := time.Now()
	err := c.Run()
	wall := time.Since(begin)
	if c.ProcessState == nil || err != nil && c.ProcessState.ExitCode() != 3 {
		return nil, sample{}, fmt.Errorf("run %s %q: %w: %s", filepath.Base(name), args, err, lastLines(stderr.String(), 5))
	}
	return stdout.Bytes(), sample{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: wall, peak: peakOf(c.ProcessState)}, nil
}

func median(ss []sample, of func(sample) float64) float64 {
	var xs []float64
	for _, s := range ss {
		xs = append(xs, of(s))
	}
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// variant is one way to ask a program about a file.
type variant struct {
	name string
	args []string // the program first
}

// timing asks several programs about the same files, one after the other in
// every round, so that a change of the machine's speed meets all of them. The
// first round is not counted.
func timing(ctx context.Context, dir string, only []string, rounds int) error {
	if len(only) == 0 {
		only = []string{"nats-server", "nats-server-stripped", "caddy"}
	}
	list, err := chosen(only)
	if err != nil {
		return err
	}
	bin, remove, err := buildSlipway(ctx)
	if err != nil {
		return err
	}
	defer remove()
	fmt.Print("| program | asked by | CPU ms | wall ms | least wall ms | peak MB |\n|---|---|---|---|---|---|\n")
	for _, s := range list {
		file := s.file(dir)
		vs := []variant{
			{"`slipway version` (process start)", []string{bin, "version"}},
			{"`slipway verify`", []string{bin, "verify", file}},
			{"`slipway verify --size`", []string{bin, "verify", "--size", file}},
			{"`slipway verify --size --treemap`", []string{bin, "verify", "--size", "--treemap", filepath.Join(filepath.Dir(bin), "map.svg"), file}},
			{"`go version -m`", []string{"go", "version", "-m", file}},
			{"`go tool nm -size -sort size`", []string{"go", "tool", "nm", "-size", "-sort", "size", file}},
		}
		if bloaty, err := exec.LookPath("bloaty"); err == nil {
			vs = append(vs, variant{"`bloaty -d sections,symbols`", []string{bloaty, "-n", "0", "-d", "sections,symbols", file}})
		}
		samples := make([][]sample, len(vs))
		failed := map[int]string{}
		for round := range rounds + 1 {
			for i, v := range vs {
				if failed[i] != "" {
					continue
				}
				_, one, err := measure(ctx, v.args[0], v.args[1:]...)
				if err != nil {
					if ctx.Err() != nil || v.args[0] == bin {
						return err
					}
					failed[i] = "says nothing"
					continue
				}
				if round > 0 {
					samples[i] = append(samples[i], one)
				}
			}
		}
		for i, v := range vs {
			if failed[i] != "" {
				fmt.Printf("| %s | %s | %s | | | |\n", s.name, v.name, failed[i])
				continue
			}
			wall := func(s sample) float64 { return s.wall.Seconds() * 1000 }
			least := wall(slices.MinFunc(samples[i], func(a, b sample) int { return int(a.wall - b.wall) }))
			fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.0f |\n", s.name, v.name,
				median(samples[i], func(s sample) float64 { return s.cpu.Seconds() * 1000 }), median(samples[i], wall), least,
				median(samples[i], func(s sample) float64 { return mb(s.peak) }))
		}
	}
	return nil
}
