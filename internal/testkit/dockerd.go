package testkit

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// dockerScript runs the engine as long as somebody holds its standard input
// open, and removes every trace of it then. The test binary holds it: however
// that ends, even by a timeout's panic, the engine ends with it.
const dockerScript = `
dir=$1
dockerd --host "unix://$dir/docker.sock" --data-root "$dir/data" --exec-root "$dir/exec" \
	--pidfile "$dir/docker.pid" --config-file "$dir/daemon.json" \
	--iptables=false --ip6tables=false --bridge=none --storage-driver=vfs >"$dir/log" 2>&1 </dev/null &
pid=$!
read -r _
kill "$pid"
wait "$pid"
while read -r _ _ _ _ at _; do
	case $at in "$dir"/*) umount -l "$at" ;; esac
done </proc/self/mountinfo
rm -rf "$dir"
`

var docker struct {
	once sync.Once
	host string
	err  error
	hold *os.File // closed by the end of the process
}

// Docker gives the address, in the form of DOCKER_HOST, of a Docker engine
// that serves this test binary alone: with its own data, without networks
// (run with --network host), and gone when the binary ends. It starts with the
// first call. The test is skipped unless this is an end-to-end run, in which
// an engine that does not start is a failure.
func Docker(t testing.TB) (host string) {
	t.Helper()
	NeedE2E(t, "dockerd", "containerd", "runc", "docker")
	docker.once.Do(startDocker)
	if docker.err != nil {
		t.Fatalf("start a Docker engine: %v", docker.err)
	}
	return docker.host
}

func startDocker() {
	docker.err = func() error {
		if os.Geteuid() != 0 {
			return fmt.Errorf("dockerd needs root")
		}
		dir, err := os.MkdirTemp("", "slipway-docker-")
		if err != nil {
			return err
		}
		// The machine's own configuration must not leak in.
		if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte("{}"), 0o600); err != nil {
			return err
		}
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		cmd := exec.Command("/bin/sh", "-c", dockerScript, "sh", dir)
		cmd.Stdin = r
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = r.Close()
		docker.hold = w
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }() // ends with the process at the latest
		socket := filepath.Join(dir, "docker.sock")
		if err := awaitDocker(socket, ended); err != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			_ = w.Close()
			return fmt.Errorf("%w\n%s", err, log)
		}
		docker.host = "unix://" + socket
		return nil
	}()
}

// awaitDocker returns when the engine answers. A cold start on a slow machine
// takes several seconds.
func awaitDocker(socket string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var dialer net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	ping := func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", nil)
		if err != nil {
			return err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("ping: %s", resp.Status)
		}
		return nil
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ping()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return fmt.Errorf("dockerd ended before it answered")
		case <-ctx.Done():
			return err
		}
	}
}
