//go:build linux

package cli

import (
	"debug/buildinfo"
	"debug/macho"
	"debug/pe"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// needRoot ends the test unless the images can be entered.
func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	testkit.NeedE2E(t, programs...)
	if os.Getuid() != 0 {
		t.Fatal("end-to-end tests enter images with chroot, for which they must run as root")
	}
}

// TestShipPublishedPrograms ships well-known programs straight from the module
// cache, without network, and runs what is in the images.
func TestShipPublishedPrograms(t *testing.T) {
	needRoot(t, "qemu-aarch64-static")
	cache := t.TempDir()
	for _, c := range []struct {
		ref, name string
		targets   []string
		args      []string
		want      string
	}{
		{"github.com/nats-io/nats-server/v2@v2.15.2", "nats-server", []string{"linux/amd64", "linux/arm64", "windows/amd64", "darwin/arm64"}, []string{"--version"}, "nats-server: v2.15.2"},
		{"github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9", "caddy", []string{"linux/amd64", "linux/arm64"}, []string{"list-modules"}, "http.handlers.reverse_proxy"},
		// One platform: it takes two processors more than a minute to compile.
		{"github.com/coredns/coredns@v1.12.4", "coredns", []string{"linux/amd64"}, []string{"-version"}, "CoreDNS-1.12.4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			slipway(t, dir, environ(t, map[string]string{"SLIPWAY_CACHE": cache}), "ship", "--offline", "--target", strings.Join(c.targets, ","), c.ref)
			_, version, _ := strings.Cut(c.ref, "@")
			for _, platform := range c.targets {
				name := filepath.Join(dir, "dist/bin", strings.Replace(platform, "/", "_", 1), c.name)
				switch platform {
				case "windows/amd64":
					name += ".exe"
					if f, err := pe.Open(name); err != nil || f.Machine != pe.IMAGE_FILE_MACHINE_AMD64 {
						t.Errorf("windows: %v", err)
					}
				case "darwin/arm64":
					if f, err := macho.Open(name); err != nil || f.Cpu != macho.CpuArm64 {
						t.Errorf("darwin: %v", err)
					}
				default:
					root, config := unpackedImage(t, filepath.Join(dir, "dist", "oci"), platform)
					if config.Config.User != "65532:65532" {
						t.Errorf("user %q", config.Config.User)
					}
					if out := enter(t, root, platform, config, c.args...); !strings.Contains(out, c.want) {
						t.Errorf("%s says %q, want %q", platform, out, c.want)
					}
				}
				if bi, err := buildinfo.ReadFile(name); err != nil || bi.Main.Version != version || bi.Main.Sum == "" {
					t.Errorf("%s: build info names %+v, %v", platform, bi.Main, err)
				}
			}
		})
	}
}

// TestShipWithAnotherGo builds with a Go release that is not this machine's.
func TestShipWithAnotherGo(t *testing.T) {
	testkit.NeedE2E(t)
	repo, env := repository(t), environ(t, nil)
	s := shipDir(t, repo, env, "--offline", "--go", "1.25.7", "--target", "linux/amd64")
	out := filepath.Join(t.TempDir(), "dist")
	slipway(t, repo, env, "ship", "--offline", "--go", "1.25.7", "--target", "linux/amd64", "--output", out)
	bi, err := buildinfo.ReadFile(filepath.Join(out, "bin", "linux_amd64", "shop"))
	if err != nil || bi.GoVersion != "go1.25.7" {
		t.Errorf("built with %+v, %v", bi, err)
	}
	if own := shipDir(t, repo, env, "--target", "linux/amd64"); own.Index.Digest == s.Index.Digest {
		t.Error("another Go release gives the same bytes")
	}
}

// TestShipCgo ships a program that cannot do without C, with the libraries it
// needs, for this machine and for one with a cross compiler.
func TestShipCgo(t *testing.T) {
	needRoot(t, "gcc", "aarch64-linux-gnu-gcc", "qemu-aarch64-static")
	dir := filepath.Join(t.TempDir(), "sqlite")
	if err := os.CopyFS(dir, os.DirFS("testdata/sqlite")); err != nil {
		t.Fatal(err)
	}
	env := environ(t, nil)
	explain := slipway(t, dir, env, "plan", "explain", "cgo", "--offline", "--target", "linux/amd64")
	for _, want := range []string{"github.com/mattn/go-sqlite3", "main.go:8:2", "requires cgo to work"} {
		if !strings.Contains(explain, want) {
			t.Errorf("the reason for cgo does not name %q:\n%s", want, explain)
		}
	}
	slipway(t, dir, env, "ship", "--offline", "--target", "linux/amd64,linux/arm64", "--set", "build.sysroot=linux/arm64=/usr/aarch64-linux-gnu")
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		root, config := unpackedImage(t, filepath.Join(dir, "dist", "oci"), platform)
		if out := enter(t, root, platform, config); !strings.HasPrefix(out, "sqlite 3.") {
			t.Errorf("%s says %q", platform, out)
		}
	}
}

// TestDockerRunsWhatWeShip loads an image into a real engine and runs it as
// production would: another user than root, and nothing to write to but /tmp.
func TestDockerRunsWhatWeShip(t *testing.T) {
	needRoot(t, "docker", "dockerd")
	srv := testkit.NewTLSServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	repo := repository(t)
	ca := filepath.Join(repo, "ca.pem")
	pem, err := os.ReadFile(srv.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca, pem, 0o644); err != nil {
		t.Fatal(err)
	}
	host := testkit.Docker(t)
	env := environ(t, map[string]string{"DOCKER_HOST": host})
	docker := func(args ...string) (string, error) {
		cmd := exec.Command("docker", args...)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+host)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	run := func(args ...string) (string, error) {
		return docker(append([]string{"run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp"}, args...)...)
	}
	for _, compression := range []string{"gzip", "zstd"} {
		slipway(t, repo, env, "ship", "--target", "linux/amd64,linux/arm64", "--load", "--set", "image.caBundle=ca.pem", "--tag", compression, "--compression", compression)
		out, err := run("shop:"+compression, srv.URL)
		if err != nil || !strings.Contains(out, "<nil> <nil>") || !strings.Contains(out, "200 OK") {
			t.Errorf("%s: %v\n%s", compression, err, out)
		}
	}
	slipway(t, repo, env, "ship", "--target", "linux/amd64", "--load", "--tag", "plain")
	if out, err := run("shop:plain", srv.URL); err == nil || !strings.Contains(out, "unknown authority") {
		t.Errorf("without the CA: %v\n%s", err, out)
	}
	// The same by file.
	archive := filepath.Join(t.TempDir(), "shop.tar")
	slipway(t, repo, env, "ship", "--target", "linux/amd64", "--docker-archive", archive, "--tag", "file")
	if out, err := docker("load", "-i", archive); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run("shop:file"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
