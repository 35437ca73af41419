package cli

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/slipway-build/slipway/internal/fault"
)

// TestShipPushes pushes to a real registry and finds there, under the tag,
// exactly the index that ship.json names; and then builds upon it.
func TestShipPushes(t *testing.T) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	repo, env := repository(t), environ(t, nil)
	s := shipDir(t, repo, env, "--target", "linux/amd64,linux/arm64", "--push", host+"/team/shop")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, srv.URL+"/v2/team/shop/manifests/v2.3.4", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("Docker-Content-Digest"); res.StatusCode != http.StatusOK || got != s.Index.Digest {
		t.Errorf("the tag points at %q (%s), want %s", got, res.Status, s.Index.Digest)
	}

	// Every tag that is asked for is pushed; one in the reference is the only one.
	shipDir(t, repo, env, "--target", "linux/amd64,linux/arm64", "--tag", "v2,latest", "--push", host+"/team/tags", "--push", host+"/team/own:mine")
	for repo, want := range map[string]string{"tags": `"tags":["latest","v2"]`, "own": `"tags":["mine"]`} {
		res, err := http.Get(srv.URL + "/v2/team/" + repo + "/tags/list")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %s, %v; want %s", repo, got, err, want)
		}
	}

	// A base without a digest is refused, and the hint names the digest.
	var out, errOut bytes.Buffer
	code := Run(t.Context(), []string{"-C", repo, "ship", "--base", host + "/team/shop:v2.3.4"}, env, nil, &out, &errOut)
	if pinned := host + "/team/shop:v2.3.4@" + s.Index.Digest; code != fault.Usage || !strings.Contains(errOut.String(), pinned) {
		t.Errorf("exit %d: %s", code, errOut.String())
	}
	on := shipDir(t, repo, env, "--target", "linux/arm64", "--base", host+"/team/shop@"+s.Index.Digest)
	if i := on.Targets[0].Image; i.Base.Kind != "reference" || i.Layers[0].Digest != s.Targets[1].Image.Layers[0].Digest {
		t.Errorf("%+v", i)
	}
	// What was fetched once is enough from then on.
	srv.Close()
	again := shipDir(t, repo, env, "--offline", "--target", "linux/arm64", "--base", host+"/team/shop@"+s.Index.Digest)
	if again.Index.Digest != on.Index.Digest {
		t.Errorf("offline gives %s, online %s", again.Index.Digest, on.Index.Digest)
	}
}

// TestInterrupt stops a ship in the middle of a long compilation: it ends soon
// and leaves nothing.
func TestInterrupt(t *testing.T) {
	repo := repository(t)
	link := filepath.Join(t.TempDir(), "slipway")
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	cmd := exec.Command(link, "-C", repo, "ship", "--target", "linux/amd64,linux/arm64")
	// An empty build cache makes it compile the standard library.
	cmd.Env = environ(t, map[string]string{"GOCACHE": t.TempDir(), "SLIPWAY_CACHE": cache})
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(cache, "build", "tmp", "*", "go-build*")
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if m, _ := filepath.Glob(work); len(m) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the go command never began")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != fault.Failed || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("%v: %s", err, out.String())
	}
	if _, err := os.Stat(filepath.Join(repo, "dist")); err == nil {
		t.Error("dist was left behind")
	}
	if m, _ := filepath.Glob(work); len(m) > 0 {
		t.Errorf("work directories are left: %v", m)
	}
}
