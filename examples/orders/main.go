// Command orders is a small order service: a JSON API, a page, a CSV export.
// It is an example of what a service asks of the image it runs in: root
// certificates for the exchange rates it fetches, time zones for its
// customers, a directory for temporary files, and nothing else.
//
//	orders [-addr :8080] [-drain 3s]
//
// ORDERS_RATES_URL names the HTTPS endpoint of the exchange rates; without it
// totals are given in euros only.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, func(net.Addr) {})
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then drains. listening is called once the
// service accepts connections.
func run(ctx context.Context, args []string, getenv func(string) string, logTo io.Writer, listening func(net.Addr)) error {
	flags := flag.NewFlagSet("orders", flag.ContinueOnError)
	addr := flags.String("addr", ":8080", "address to listen on")
	drain := flags.Duration("drain", 3*time.Second, "how long to answer after /readyz says no, for load balancers to notice")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(logTo, nil))
	rates, err := newRates(getenv("ORDERS_RATES_URL"), http.DefaultTransport)
	if err != nil {
		return err
	}
	app := &app{store: newStore(time.Now), rates: rates, log: log, version: cmp.Or(version, "devel")}
	srv := &http.Server{
		Handler:           app.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	app.ready.Store(true)
	log.Info("serving", "addr", ln.Addr().String(), "version", app.version)
	listening(ln.Addr())

	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	// First say no to new work, then finish the work at hand.
	app.ready.Store(false)
	log.Info("draining", "for", drain.String())
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(*drain):
	}
	// ctx has ended, but what runs may still take its time.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(last); err != nil {
		return fmt.Errorf("shut down: %w", errors.Join(err, srv.Close()))
	}
	log.Info("stopped")
	return nil
}
