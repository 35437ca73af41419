// Command verify measures `slipway verify` on well-known programs: what it
// says of them and what that costs.
//
//	go run ./bench/verify fetch [NAME…]   # installs the programs of subjects.go from the module proxy
//	go run ./bench/verify open [NAME…]    # a table of what verify says of each
//	go run ./bench/verify time [NAME…]    # a table of time and memory, beside other programs
//	go run ./bench/verify pictures        # docs/pictures/treemap-*.svg
//
// The programs are what `go install -trimpath` makes of the module versions
// with the user's own settings; they are kept below the user's cache
// directory, or in the directory that -dir names, some 2 GB. Tables are
// Markdown, for docs/experiments.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench/verify:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	fs := flag.NewFlagSet(verb, flag.ContinueOnError)
	dirFlag := fs.String("dir", "", "where the programs are kept")
	rounds := fs.Int("rounds", 5, "counted rounds of each measurement")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 {
		return errors.New("-rounds must be at least 1")
	}
	dir, err := programDir(*dirFlag)
	if err != nil {
		return err
	}
	switch verb {
	case "run":
		return runAll(ctx, dir, fs.Args())
	case "fetch":
		return fetch(ctx, dir, fs.Args())
	case "open":
		return openAll(ctx, dir, fs.Args(), *rounds)
	case "time":
		return timing(ctx, dir, fs.Args(), *rounds)
	case "pictures":
		return pictures(ctx, dir)
	}
	return errors.New("usage: go run ./bench/verify fetch | open | time | pictures [-dir DIR] [-rounds N] [NAME…]")
}
