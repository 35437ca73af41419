//go:build linux

package sandbox

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// dialer connects to where a program listens.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// first waits for the first answer of an HTTP server, asking without pause.
func first(b *testing.B, dial dialer, url string) {
	b.Helper()
	transport := &http.Transport{DialContext: dial, DisableKeepAlives: true}
	end := time.Now().Add(20 * time.Second)
	for {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(end) {
			b.Fatal(err)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// subject is the program of BenchmarkFirstAnswer: the guest, or
// SANDBOX_BENCH="/path/to/program args…" with SANDBOX_BENCH_URL.
func subject(b *testing.B) (root string, args []string, url string) {
	root = newRoot(b)
	args, url = []string{"/bin/guest", "serve", "127.0.0.1:18080"}, "http://127.0.0.1:18080/"
	if name := os.Getenv("SANDBOX_BENCH"); name != "" {
		in, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		write(b, root, "bin/subject", string(in), 0o755)
		args, url = []string{"/bin/subject"}, os.Getenv("SANDBOX_BENCH_URL")
	}
	return root, args, url
}

// BenchmarkFirstAnswer compares the time from start to the first answer of a
// server, bare and in each sandbox. The whole includes Prepare; "start" is
// what Box.Start begins. Close is not counted.
func BenchmarkFirstAnswer(b *testing.B) {
	root, args, url := subject(b)
	env := []string{"PATH=/bin", "ADDR=127.0.0.1:18080", "PORT=18080"}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command(filepath.Join(root, args[0]), args[1:]...)
			cmd.Env = env
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			var d net.Dialer
			first(b, d.DialContext, url)
			b.StopTimer()
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			b.StartTimer()
		}
	})
	for _, c := range contenders(b) {
		b.Run(c.name, func(b *testing.B) {
			var started time.Duration
			for b.Loop() {
				box, err := c.Prepare(context.Background(), Spec{Root: root, Args: args, Env: env, UID: 65532, GID: 65532, Tmpfs: []string{"/tmp"}})
				if err != nil {
					b.Fatal(err)
				}
				at, err := box.Start(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				first(b, box.Network().DialContext, url)
				started += time.Since(at)
				b.StopTimer()
				if err := box.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(started.Nanoseconds())/float64(b.N), "start-ns/op")
		})
	}
}

func BenchmarkLifeCycle(b *testing.B) {
	root := newRoot(b)
	for _, c := range contenders(b) {
		for _, limits := range []bool{false, true} {
			if limits && !c.limits {
				continue
			}
			b.Run(fmt.Sprintf("%s/limits=%v", c.name, limits), func(b *testing.B) {
				for b.Loop() {
					spec := Spec{Root: root, Args: []string{"/bin/guest", "exit", "0"}}
					if limits {
						spec.Memory, spec.Pids, spec.CPUs = 64<<20, 100, 1
					}
					box, err := c.Prepare(context.Background(), spec)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := box.Start(context.Background()); err != nil {
						b.Fatal(err)
					}
					if _, err := box.Wait(context.Background()); err != nil {
						b.Fatal(err)
					}
					if err := box.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
