// Slipway takes a Go program from source to a healthy process in production.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/slipway-build/slipway/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
