package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/slipway-build/slipway/internal/testkit"
)

// verified is what is compared of one image, wherever it was found.
type verified struct {
	Images []struct {
		Platform, User, Program string
		Entrypoint              []string
	}
	Programs []struct{ Name, Digest string }
	Findings []struct{ ID string }
}

func verifyJSON(t *testing.T, dir string, env []string, subject string, flags ...string) (string, string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code := Run(t.Context(), append([]string{"-C", dir, "verify", "--json", subject}, flags...), env, nil, &out, &errOut)
	var v verified
	if err := json.Unmarshal(out.Bytes(), &v); err != nil || code != 0 || len(v.Images) == 0 || len(v.Images) != len(v.Programs) {
		t.Fatalf("verify %s: exit %d, %v\n%s%s", subject, code, err, out.String(), errOut.String())
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), errOut.String()
}

// TestVerifyFromEverywhere opens one index where people keep it: a layout,
// archives, and a registry by tag and by digest. All say the same, and what is
// downloaded is shown.
func TestVerifyFromEverywhere(t *testing.T) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	repo, env, out := repository(t), environ(t, nil), t.TempDir()
	oci, docker := filepath.Join(out, "oci.tar"), filepath.Join(out, "docker.tar")
	dist := filepath.Join(out, "dist")
	slipway(t, repo, env, "ship", "--target", "linux/amd64,linux/arm64", "--output", dist, "--push", host+"/team/shop:v1", "--oci-archive", oci, "--docker-archive", docker)
	want, _ := verifyJSON(t, out, env, "oci:dist/oci")
	for _, subject := range []string{"dist/oci", "oci.tar", "oci-archive:" + oci, oci} {
		if got, _ := verifyJSON(t, out, env, subject); got != want {
			t.Errorf("%s: %s\nwant %s", subject, got, want)
		}
	}
	one, _ := verifyJSON(t, out, env, "oci:dist/oci", "--platform", "linux/amd64")
	for _, subject := range []string{"docker.tar", "docker-archive:" + docker} {
		if got, _ := verifyJSON(t, out, env, subject, "--platform", "linux/amd64"); got != one {
			t.Errorf("%s: %s\nwant %s", subject, got, one)
		}
	}
	fresh := environ(t, nil) // with nothing fetched
	got, said := verifyJSON(t, out, fresh, host+"/team/shop:v1")
	if got != want || !strings.Contains(said, "fetch") {
		t.Errorf("by tag: %s, on stderr %q\nwant %s", got, said, want)
	}
	var index struct{ Subjects []struct{ Digest string } }
	if err := json.Unmarshal([]byte(slipway(t, out, env, "verify", "--json", "oci:dist/oci")), &index); err != nil {
		t.Fatal(err)
	}
	pinned := host + "/team/shop@" + index.Subjects[0].Digest
	if got, said := verifyJSON(t, out, fresh, pinned); got != want || strings.Contains(said, "fetch") {
		t.Errorf("by digest, from the cache: %s, on stderr %q\nwant %s", got, said, want)
	}
	srv.Close()
	if got, _ := verifyJSON(t, out, fresh, pinned); got != want {
		t.Errorf("without the registry: %s\nwant %s", got, want)
	}
	var stdout, stderr bytes.Buffer
	if code := Run(t.Context(), []string{"-C", out, "verify", host + "/team/shop:v2"}, fresh, nil, &stdout, &stderr); code == 0 || stdout.Len() > 0 || !strings.Contains(stderr.String(), host) {
		t.Errorf("a registry that is away: exit %d, %q", code, stderr.String())
	}
}

// TestVerifyDocker opens an image of a real engine.
func TestVerifyDocker(t *testing.T) {
	testkit.NeedE2E(t, "docker", "dockerd")
	repo, out := repository(t), t.TempDir()
	env := environ(t, map[string]string{"DOCKER_HOST": testkit.Docker(t)})
	slipway(t, repo, env, "ship", "--target", "linux/amd64", "--output", filepath.Join(out, "dist"), "--load", "--tag", "verified")
	want, _ := verifyJSON(t, out, env, "oci:dist/oci")
	got, said := verifyJSON(t, out, env, "docker:shop:verified")
	if got != want || !strings.Contains(said, "fetch") {
		t.Errorf("docker: %s, on stderr %q\nwant %s", got, said, want)
	}
	var stdout, stderr bytes.Buffer
	if code := Run(t.Context(), []string{"verify", "docker:shop:gone"}, env, nil, &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), "shop:gone") {
		t.Errorf("an image that is not there: exit %d, %q", code, stderr.String())
	}
}
