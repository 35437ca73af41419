package cli

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/testkit"
	"github.com/slipway-build/slipway/internal/trial"
)

// runsOf verifies and gives the runs of the document.
func runsOf(t *testing.T, dir string, env []string, args ...string) []trial.Result {
	t.Helper()
	var doc struct{ Runs []trial.Result }
	out := slipway(t, dir, env, append([]string{"verify", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return doc.Runs
}

// TestVerifyRunOfAnImage ships an example, and runs the image as it is: by its
// directory, by what is in it, and by the runners that engines bring.
func TestVerifyRunOfAnImage(t *testing.T) {
	testkit.NeedE2E(t, "runc")
	orders, err := filepath.Abs("../../examples/orders")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env := environ(t, nil)
	dist := filepath.Join(dir, "dist")
	slipway(t, orders, env, "ship", "--offline", "--target", "linux/amd64", "--output", dist)
	docker := append(env[:len(env):len(env)], "DOCKER_HOST="+testkit.Docker(t))
	for name, c := range map[string]struct {
		env  []string
		args []string
	}{
		"oci":    {env, []string{"oci:" + dist, "--run"}},
		"dist":   {env, []string{dist, "--run", "--probe", "http://:8080/healthz"}},
		"runc":   {env, []string{dist, "--run", "--runner", "runc"}},
		"docker": {docker, []string{dist, "--run", "--runner", "docker"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := runsOf(t, dir, c.env, append(c.args, "--arg=-drain=100ms", "--expect-stop", "10s")...)
			if len(runs) != 1 {
				t.Fatalf("%d runs", len(runs))
			}
			r := runs[0]
			if l := r.Life; l.Phase != trial.Serving || l.Answer == nil || !strings.HasPrefix(l.Answer.Probe, "http://:8080/") ||
				l.Stop == nil || l.Stop.Killed || l.Exit == nil || l.Exit.Code != 0 || l.Lost != 0 {
				t.Errorf("%+v, answer %+v, stop %+v, exit %+v", l, l.Answer, l.Stop, l.Exit)
			}
			if len(r.Egress) != 0 || r.EgressNo != "" {
				t.Errorf("calls %+v, %s", r.Egress, r.EgressNo)
			}
		})
	}
}

// static builds this slipway, and examples/compat, to run on anything.
func static(t *testing.T) (self, compat string) {
	t.Helper()
	dir := t.TempDir()
	self, compat = filepath.Join(dir, "slipway"), filepath.Join(dir, "compat")
	for name, from := range map[string]string{self: "../../cmd/slipway", compat: "../../examples/compat"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", name, ".")
		cmd.Dir = from
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return self, compat
}

// TestMatrixAsksSlipway has no endpoints declared: slipway asks itself in the
// surroundings of the program, an empty root file system.
func TestMatrixAsksSlipway(t *testing.T) {
	testkit.NeedE2E(t)
	self, compat := static(t)
	cmd := exec.Command(self, "-C", t.TempDir(), "verify", "--matrix", "--json", "--probe", "http://:8080/healthz", compat)
	cmd.Env = environ(t, nil)
	out, err := cmd.Output()
	var doc struct{ Runs []trial.Result }
	if jerr := json.Unmarshal(out, &doc); jerr != nil || err != nil || len(doc.Runs) != 1 {
		t.Fatalf("%v %v\n%s", jerr, err, out)
	}
	got := map[string]trial.Cell{}
	for _, c := range doc.Runs[0].Cells {
		if got[c.ID] = c; c.ByProbe() {
			t.Logf("%-11s %-20s %-9s %6.0f %s | %s", c.Area, c.ID, c.Verdict, c.Ms, c.Evidence, c.Detail)
		}
		if c.Verdict == trial.NotRun {
			t.Errorf("%s is not run: %s", c.ID, c.Detail)
		}
	}
	for id, want := range map[string]trial.Verdict{
		"ipv4": trial.Pass, "ipv6": trial.Pass, "search": trial.Pass, "truncated": trial.Pass, "nxdomain": trial.Pass,
		"nsswitch-hosts": trial.Pass, "nsswitch-dns": trial.Pass,
		"tls13": trial.Pass, "tls11": trial.Pass, "expired": trial.Pass, "unknown-authority": trial.Pass, "no-roots": trial.Pass,
		"staple": trial.Pass, "own-roots": trial.Degraded,
		"zone-named": trial.Degraded, "zone-local": trial.Degraded, "tmp": trial.Degraded, "user": trial.Degraded, "user-unknown": trial.Degraded,
	} {
		if c := got[id]; c.Verdict != want || !c.ByProbe() {
			t.Errorf("%s: %+v instead of %s", id, c, want)
		}
	}
	if _, ok := got["http-proxy"]; ok {
		t.Error("a row about a proxy that nobody was asked about")
	}
	for _, f := range doc.Runs[0].Findings {
		if f.ID == "BIN058" && !f.Advisory || f.ID == "BIN059" {
			t.Errorf("a guess is held against the program: %+v", f)
		}
	}
}

// TestMatrixIsKilled kills slipway in the middle of a matrix: the next run
// leaves nothing of it.
func TestMatrixIsKilled(t *testing.T) {
	testkit.NeedE2E(t)
	self, compat := static(t)
	cache, tmp := t.TempDir(), t.TempDir()
	env := append(environ(t, map[string]string{"SLIPWAY_CACHE": cache}), "TMPDIR="+tmp)
	work := filepath.Join("..", "..", "examples", "compat")
	var killed []int
	for range 6 {
		cmd := exec.Command(self, "-C", work, "verify", "--matrix", "--probe", "http://:8080/healthz", compat)
		cmd.Env = env
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(100+rand.IntN(1500)) * time.Millisecond) // a random moment is the point
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		killed = append(killed, cmd.Process.Pid)
	}
	cmd := exec.Command(self, "-C", t.TempDir(), "verify", "--run", "--probe", "http://:8080/healthz", compat)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, dir := range []string{tmp, filepath.Join(cache, "run")} {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			t.Errorf("%s is left in %s", e.Name(), dir)
		}
	}
	end := time.Now().Add(10 * time.Second)
	for left := ofOwners(t, killed); len(left) > 0; left = ofOwners(t, killed) {
		if time.Now().After(end) {
			t.Fatalf("left: %v", left)
		}
		time.Sleep(10 * time.Millisecond) // processes that were killed take their time
	}
	for _, pattern := range []string{"/sys/fs/cgroup/slipway/*", "/sys/fs/cgroup/*/slipway/*"} {
		groups, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			// One that can be locked belongs to nobody any more.
			if f, err := os.Open(g); err == nil {
				if fi, err := f.Stat(); err == nil && fi.IsDir() && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
					if _, err := os.Stat(g); err == nil {
						t.Errorf("control group %s is left", g)
					}
				}
				_ = f.Close()
			}
		}
	}
}

// ofOwners are the processes with a root file system of one of these owners,
// and the mounts of this machine that are theirs.
func ofOwners(t *testing.T, owners []int) []string {
	t.Helper()
	infos, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, name := range infos {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(b)) {
			for _, pid := range owners {
				if _, source, ok := strings.Cut(line, " slipway:"); ok && strings.Contains(source, fmt.Sprintf(":%d:", pid)) {
					left = append(left, name+": "+line)
				}
			}
		}
	}
	return left
}
