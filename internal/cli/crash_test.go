//go:build unix

package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestKilledAtAnyMoment kills slipway, 15 times, somewhere in a ship that
// replaces the results of another. Whatever stands under its final name is
// whole, old or new; and the next ship gives the right bytes and tidies up.
func TestKilledAtAnyMoment(t *testing.T) {
	testkit.NeedE2E(t)
	const times = 15
	repo := repository(t)
	out := t.TempDir()
	dist := filepath.Join(out, "dist")
	archives := []string{"oci.tar", "docker.tar"}
	variants := [2][]string{{"--strip", "off"}, {"--compression", "zstd"}}
	args := func(v int) []string {
		return append([]string{"ship", "--target", "linux/amd64,linux/arm64", "--output", dist,
			"--oci-archive", filepath.Join(out, archives[0]), "--docker-archive", filepath.Join(out, archives[1])}, variants[v]...)
	}
	// What is right, by file; and how long it takes with a new cache.
	var right [2]map[string]string
	var took time.Duration
	for v := range variants {
		start := time.Now()
		slipway(t, repo, environ(t, nil), args(v)...)
		took = max(took, time.Since(start))
		right[v] = digests(t, out)
		checkLayout(t, filepath.Join(dist, "oci"))
	}
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "slipway")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d; a ship takes %v", seed, took)
	random := rand.New(rand.NewPCG(seed, 0))
	killed, littered := 0, 0
	for i := 0; killed < times && i < 4*times; i++ {
		v := i % 2 // what lies there is of the other
		env := environ(t, nil)
		cmd := exec.Command(link, append([]string{"-C", repo}, args(v)...)...)
		cmd.Env = env
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// A third at any time, a third while layers are made, a third while
		// results are written.
		after := time.Duration(random.Int64N(int64(took) / []int64{1, 2, 8}[i%3]))
		done := make(chan struct{})
		var watch sync.WaitGroup
		watch.Go(func() {
			switch i % 3 {
			case 1:
				await(done, filepath.Join(cacheOf(env), "layers", "blobs", "*"))
			case 2:
				await(done, filepath.Join(dist, "bin", "*", ".slipway-tmp-*"))
			}
			select {
			case <-done:
			case <-time.After(after):
				_ = cmd.Process.Kill()
			}
		})
		err := cmd.Wait()
		close(done)
		watch.Wait()
		switch {
		case err == nil: // it was faster
		case cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
			killed++
		default:
			t.Fatalf("%v\n%s", err, said.Bytes())
		}
		for name, digest := range digests(t, out) {
			base := filepath.Base(name)
			switch {
			case strings.HasPrefix(base, ".slipway-tmp-") || strings.HasPrefix(base, ".tmp-"):
				littered++
			case digest != right[0][name] && digest != right[1][name]:
				t.Errorf("killed after %v: %s is neither the old nor the new one", after, name)
			}
		}
		checkLayout(t, filepath.Join(dist, "oci"))

		slipway(t, repo, env, args(v)...)
		got := digests(t, out)
		for name, want := range right[v] {
			if got[name] != want {
				t.Errorf("killed after %v, the next ship gives another %s", after, name)
			}
			delete(got, name)
		}
		for name := range got {
			t.Errorf("killed after %v, the next ship leaves %s", after, name)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("killed %d times, with %d unfinished files to tidy up", killed, littered)
	if killed < times || littered == 0 {
		t.Error("too few to say anything")
	}
}

// await returns when a file matches, or done is closed.
func await(done <-chan struct{}, pattern string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if m, _ := filepath.Glob(pattern); len(m) > 0 {
				return
			}
		}
	}
}

func cacheOf(env []string) string {
	for _, e := range env {
		if dir, ok := strings.CutPrefix(e, "SLIPWAY_CACHE="); ok {
			return dir
		}
	}
	return ""
}

// digests gives the sha256 of every file below dir.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		out[filepath.ToSlash(rel)] = hex.EncodeToString(sum[:])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkLayout follows an OCI layout from its index: everything it names is
// there, with the bytes it names.
func checkLayout(t *testing.T, dir string) {
	t.Helper()
	type descriptor struct{ MediaType, Digest string }
	type document struct {
		Config            *descriptor
		Manifests, Layers []descriptor
	}
	var follow func(b []byte)
	follow = func(b []byte) {
		var d document
		if err := json.Unmarshal(b, &d); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		list := append(d.Manifests, d.Layers...)
		if d.Config != nil {
			list = append(list, *d.Config)
		}
		for _, c := range list {
			name := strings.TrimPrefix(c.Digest, "sha256:")
			b, err := os.ReadFile(filepath.Join(dir, "blobs", "sha256", name))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != name {
				t.Fatalf("the bytes of blob %s are others", name)
			}
			if strings.Contains(c.MediaType, "manifest") || strings.Contains(c.MediaType, "index") {
				follow(b)
			}
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	follow(b)
}
