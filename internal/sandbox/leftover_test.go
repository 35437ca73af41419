//go:build linux

package sandbox

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/testkit"
)

// traces are what is to be seen of sandboxes on this machine: processes whose
// executable has this path inside, or whose root is marked, and groups.
func traces(t testing.TB, owner int) []string {
	t.Helper()
	var out []string
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		var pid int
		if _, err := fmt.Sscan(filepath.Base(p), &pid); err != nil {
			t.Fatal(err)
		}
		if m := rootMarker(pid); strings.Contains(m, fmt.Sprintf(":%d:", owner)) {
			out = append(out, fmt.Sprintf("process %d with root %s", pid, m))
		}
		// A process of a sandbox that is no program yet, or a keeper.
		if fields, err := os.ReadFile(p + "/stat"); err == nil && pid != owner && statusField(pid, "PPid:") == int64(owner) {
			out = append(out, "child "+string(fields))
		}
	}
	return out
}

// abandonedGroups are the control groups of ours that nobody holds. Somebody
// else may be running sandboxes on this machine.
func abandonedGroups(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("/sys/fs/cgroup/*/" + groupParent + "/*/cgroup.procs")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range all {
		f, err := os.Open(filepath.Dir(name))
		if err != nil {
			continue // gone meanwhile
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			if _, err := os.Stat(name); err == nil {
				out = append(out, name)
			}
		}
		_ = f.Close()
	}
	return out
}

// mounts are those of this process's namespace that only a sandbox makes.
func mounts(t testing.TB, root string) []string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, markerPrefix) || strings.Contains(line, " tmpfs slipway ") || strings.Contains(line, root) {
			out = append(out, line)
		}
	}
	return out
}

// TestNothingIsLeft runs alone: it counts descriptors and goroutines.
func TestNothingIsLeft(t *testing.T) {
	for _, c := range contenders(t) {
		t.Run(c.name, func(t *testing.T) {
			root := newRoot(t)
			others := len(traces(t, os.Getpid())) // the Docker engine of the tests
			once := func() {
				spec := Spec{Root: root, Tmpfs: []string{"/tmp"}}
				if c.limits {
					spec.Memory, spec.Pids, spec.CPUs = 64<<20, 100, 1
				}
				b, out := launch(t, c, spec, "fork", "2", "--", "ignore")
				out.await(t, `"ready"`)
				l, err := b.Network().Listen(within(t), "tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				_ = l.Close()
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
			once()
			fds, routines := descriptors(t), runtime.NumGoroutine()
			for range c.times(10) {
				once()
			}
			if m := mounts(t, root); len(m) > 0 {
				t.Errorf("mounts are left: %v", m)
			}
			if got := traces(t, os.Getpid()); len(got) > others {
				t.Errorf("processes are left: %v", got)
			}
			if n := descriptors(t); n > fds {
				t.Errorf("%d descriptors, before %d", n, fds)
			}
			if n := runtime.NumGoroutine(); n > routines {
				buf := make([]byte, 1<<16)
				t.Errorf("%d goroutines, before %d\n%s", n, routines, buf[:runtime.Stack(buf, true)])
			}
			if g := abandonedGroups(t); os.Geteuid() == 0 && len(g) > 0 {
				t.Errorf("control groups are left: %v", g)
			}
		})
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// victim is what TestKilled kills: a process that makes sandboxes as fast as
// it can, of all kinds.
func victim(args []string) {
	ctx := context.Background()
	var n Runner = Namespaces{Rootless: args[0] == "rootless"}
	if args[0] == "runc" || args[0] == "docker" {
		n, _ = New(args[0], Options{Env: os.Environ()})
	}
	root := args[1]
	for i := 0; ; i++ {
		spec := Spec{Root: root, Args: [][]string{
			{"/bin/guest", "hang"}, {"/bin/guest", "fork", "3", "--", "ignore"}, {"/bin/guest", "serve", ":80"},
		}[i%3], Tmpfs: []string{"/tmp"}, Writable: i%2 == 0}
		if os.Geteuid() == 0 {
			spec.Pids = 50
		}
		var out buffer
		spec.Stdout = &out
		b, err := n.Prepare(ctx, spec)
		if err == nil {
			_, err = b.Start(ctx)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if i == 0 {
			fmt.Println("started")
		}
		if i%5 == 4 {
			_ = b.Close()
		}
	}
}

// TestKilled kills slipway at any moment: what the kernel does not take away
// at once, the next run does.
func TestKilled(t *testing.T) {
	for _, c := range contenders(t) {
		t.Run(c.name, func(t *testing.T) {
			root := newRoot(t)
			rounds := c.times(20)
			if c.rootless && os.Geteuid() == 0 {
				rounds = 5 // TestAsOrdinaryUser has the others
			}
			for i := range rounds {
				cmd := exec.Command(os.Args[0], "victim", c.name, root)
				options := Options{}
				if c.docker {
					options = Options{Docker: true, Env: []string{"DOCKER_HOST=" + testkit.Docker(t)}}
					cmd.Env = append(os.Environ(), options.Env...)
				}
				cmd.Stderr = os.Stderr
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				started := make([]byte, len("started\n"))
				if _, err := io.ReadFull(out, started); err != nil || string(started) != "started\n" {
					t.Fatalf("%q %v", started, err)
				}
				time.Sleep(time.Duration(rand.IntN(80)) * time.Millisecond) // a random moment is the point
				if err := cmd.Process.Signal([]os.Signal{os.Kill, os.Kill, os.Kill, syscall.SIGTERM}[i%4]); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
				if err := Sweep(within(t), options); err != nil {
					t.Error(err)
				}
				end := time.Now().Add(10 * time.Second)
				for {
					left := traces(t, cmd.Process.Pid)
					if len(left) == 0 {
						break
					}
					if time.Now().After(end) {
						t.Fatalf("after round %d: %v", i, left)
					}
					time.Sleep(5 * time.Millisecond) // processes that were killed take their time
				}
			}
			if c.docker {
				d, err := Docker{Host: testkit.Docker(t)}.api()
				if err != nil {
					t.Fatal(err)
				}
				for _, kind := range []string{"containers", "images"} {
					var left []struct{ Labels map[string]string }
					query := url.Values{"all": {"1"}, "filters": {`{"label":["` + dockerLabel + `"]}`}}
					if err := d.call(within(t), http.MethodGet, "/"+kind+"/json", query, nil, &left); err != nil {
						t.Fatal(err)
					}
					for _, l := range left {
						// Not those of the tests that run in this process.
						if marker := l.Labels[dockerLabel]; !strings.Contains(marker, fmt.Sprintf(":%d:", os.Getpid())) {
							t.Errorf("%s are left: %s", kind, marker)
						}
					}
				}
			}
			if m := mounts(t, root); len(m) > 0 {
				t.Errorf("mounts are left: %v", m)
			}
			if g := abandonedGroups(t); os.Geteuid() == 0 && len(g) > 0 {
				t.Errorf("control groups are left: %v", g)
			}
		})
	}
}

// TestSweepSpares leaves alone what is in use.
func TestSweepSpares(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		spec := Spec{Root: newRoot(t)}
		if c.limits {
			spec.Pids = 40
		}
		b, out := launch(t, c, spec, "catch")
		out.await(t, `"ready"`)
		if err := Sweep(within(t), Options{}); err != nil {
			t.Error(err)
		}
		if err := b.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if exit, err := b.Wait(within(t)); err != nil || exit.Code != 7 {
			t.Errorf("%+v, %v", exit, err)
		}
	})
}
