// Command verify measures `slipway verify` on well-known programs: what it
// says of them and what that costs.
//
//	go run ./bench/verify fetch [NAME…]   # installs the programs of subjects.go from the module proxy
//
// The programs are what `go install` makes of the module versions with the
// user's own settings; they are kept below the user's cache directory, or in
// the directory that -dir names, some 2 GB.
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
	if err := fs.Parse(args); err != nil {
		return err
	}
	dir, err := programDir(*dirFlag)
	if err != nil {
		return err
	}
	switch verb {
	case "fetch":
		return fetch(ctx, dir, fs.Args())
	}
	return errors.New("usage: go run ./bench/verify fetch [NAME…]")
}
