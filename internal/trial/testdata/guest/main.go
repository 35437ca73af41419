// Guest is a server with faults: each is a small thing that real programs do.
// MODE names it; without one it does everything right.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode := os.Getenv("MODE")
	if err := prepare(mode); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
	if err := serve(mode); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
	if mode == "code" {
		os.Exit(3)
	}
}

func prepare(mode string) error {
	switch mode {
	case "exit":
		return errors.New("DATABASE_URL is not set")
	case "silent":
		time.Sleep(time.Hour)
	case "write":
		return os.WriteFile("/state", []byte("x"), 0o600)
	case "write-tmp":
		return os.WriteFile("/tmp/state", []byte("x"), 0o600)
	case "root":
		if os.Getuid() != 0 {
			return errors.New("must be root")
		}
	case "resolv":
		_, err := os.ReadFile("/etc/resolv.conf")
		return err
	case "devnull":
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{"MODE=exit"}
		err := cmd.Run()
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			return nil
		}
		return err
	case "home":
		_, err := os.UserHomeDir()
		return err
	case "zone":
		if tz := os.Getenv("TZ"); tz != "" {
			_, err := time.LoadLocation(tz)
			return err
		}
	case "telemetry":
		go phone("https://telemetry.example.com/v1/ping")
		phone("http://updates.example.com:8000/latest?v=1")
		time.Sleep(50 * time.Millisecond)
	case "needs-net":
		c, err := net.DialTimeout("tcp", "db.example.com:5432", 3*time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	case "fat":
		hold = make([]byte, 100<<20)
		for i := 0; i < len(hold); i += 4096 {
			hold[i] = 1
		}
	}
	return nil
}

var hold []byte

func phone(url string) {
	res, err := (&http.Client{Timeout: 3 * time.Second}).Get(url)
	if err == nil {
		_ = res.Body.Close()
	}
}

func serve(mode string) error {
	addr := ":8080"
	if mode == "loopback" {
		addr = "127.0.0.1:8080"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if mode == "unwell" {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Second)
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /resolve", func(w http.ResponseWriter, r *http.Request) {
		addrs, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("name"))
		tell(w, strings.Join(addrs, " "), err)
	})
	mux.HandleFunc("GET /dial", func(w http.ResponseWriter, r *http.Request) {
		c := http.DefaultClient
		if mode == "insecure" {
			c = insecure()
		}
		res, err := c.Get(r.FormValue("url"))
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		tell(w, "connected", err)
	})
	srv := &http.Server{Handler: mux}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if mode == "crash" {
		time.AfterFunc(150*time.Millisecond, func() { panic("nil map") })
	}
	sigs := make(chan os.Signal, 8)
	hups := make(chan os.Signal, 8)
	if mode != "reload" {
		signal.Notify(hups, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	}
	signal.Notify(sigs, syscall.SIGTERM, os.Interrupt)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	for {
		select {
		case <-hups:
			fmt.Println("reloaded")
		case err := <-served:
			return err
		case <-sigs:
			switch mode {
			case "stubborn":
				continue
			case "abrupt":
				return nil
			}
			ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
			defer cancel()
			return srv.Shutdown(ctx)
		}
	}
}

func tell(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprintln(w, text)
}
