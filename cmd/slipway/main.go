// Slipway takes a Go program from source to a healthy process in production.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/slipway-build/slipway/internal/cli"
)

func main() {
	// Half as much garbage as Go allows by itself: it keeps us below 40 MB
	// beside the go command, and costs no time that can be measured.
	debug.SetGCPercent(50)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
