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
	"slices"
	"strings"
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

// subject is the program of BenchmarkFirstAnswer: the guest, or what
// SANDBOX_BENCH names: a program, its arguments, and last the URL it answers.
func subject(b *testing.B) (root string, args []string, url string) {
	root = newRoot(b)
	given := strings.Fields(os.Getenv("SANDBOX_BENCH"))
	if len(given) < 2 {
		return root, []string{"/bin/guest", "serve", "127.0.0.1:18080"}, "http://127.0.0.1:18080/"
	}
	in, err := os.ReadFile(given[0])
	if err != nil {
		b.Fatal(err)
	}
	write(b, root, "bin/subject", string(in), 0o755)
	last := len(given) - 1
	return root, append([]string{"/bin/subject"}, given[1:last]...), given[last]
}

// BenchmarkFirstAnswer compares the time to the first answer of a server, bare
// and in each sandbox, in turns, so that what disturbs one disturbs all. Whole
// is Prepare, Start and the answer; start begins where Box.Start says. Figures
// are medians.
func BenchmarkFirstAnswer(b *testing.B) {
	root, args, url := subject(b)
	env := []string{"PATH=/bin", "HOME=/"}
	whole, start := map[string][]time.Duration{}, map[string][]time.Duration{}
	bare := func() {
		begin := time.Now()
		cmd := exec.Command(filepath.Join(root, args[0]), args[1:]...)
		cmd.Env = env
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		var d net.Dialer
		first(b, d.DialContext, url)
		whole["bare"] = append(whole["bare"], time.Since(begin))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	all := contenders(b)
	for b.Loop() {
		bare()
		for _, c := range all {
			begin := time.Now()
			box, err := c.Prepare(context.Background(), Spec{Root: root, Args: args, Env: env, UID: 65532, GID: 65532, Tmpfs: []string{"/tmp"}})
			if err != nil {
				b.Fatal(err)
			}
			at, err := box.Start(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			first(b, box.Network().DialContext, url)
			whole[c.name] = append(whole[c.name], time.Since(begin))
			start[c.name] = append(start[c.name], time.Since(at))
			if err := box.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, list := range whole {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds()), name+"-whole-µs")
		if s := start[name]; len(s) > 0 {
			slices.Sort(s)
			b.ReportMetric(float64(s[len(s)/2].Microseconds()), name+"-start-µs")
		}
	}
	b.ReportMetric(0, "ns/op")
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
