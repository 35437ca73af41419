// Command check measures `slipway check` on real repositories: what it finds
// there and what that costs.
//
//	go run ./bench/check fetch              # module zips of corpus.txt into the module cache; prints name, directory, set
//	go run ./bench/check hits [-tsv] [-set development]
//	go run ./bench/check precision [-open]  # holds the findings against judged/, writes docs/precision.md
//	go run ./bench/check time [-rounds 9] [DIR…]
//
// The repositories are the module versions of corpus.txt as the go command
// gets them with the user's own settings, so nothing of them is kept here.
// A module zip holds everything of a repository but other modules' directories
// and vendored packages. hits runs every rule, without a baseline, and prints
// what each one finds where, for judging by hand. Without a directory, time
// measures on the repositories that have a budget. Its numbers go to
// docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench/check:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	fs := flag.NewFlagSet(verb, flag.ContinueOnError)
	switch verb {
	case "fetch":
		if err := fs.Parse(args); err != nil {
			return err
		}
		return fetch(ctx)
	case "hits":
		tsv := fs.Bool("tsv", false, "one line for each finding instead of a table")
		set := fs.String("set", "", "only the repositories of this set: development or held-back")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return hits(ctx, *set, *tsv)
	case "precision":
		open := fs.Bool("open", false, "print the findings that nobody has judged, and write no page")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return precision(ctx, *open)
	case "time":
		rounds := fs.Int("rounds", 9, "counted rounds")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return timing(ctx, *rounds, fs.Args())
	case "floor": // the child of time
		if err := fs.Parse(args); err != nil {
			return err
		}
		return floor(fs.Args())
	}
	return errors.New("usage: go run ./bench/check fetch | hits [-tsv] [-set SET] | precision [-open] | time [-rounds N] [DIR…]")
}

// buildSlipway builds the program into a directory of its own.
func buildSlipway(ctx context.Context) (name string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "slipway-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("make a work directory: %w", err)
	}
	name = filepath.Join(dir, "slipway")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", name, "./cmd/slipway")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("build slipway: %w", err)
	}
	return name, func() { os.RemoveAll(dir) }, nil
}
