package image

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/testkit"
)

// ours lists a tree without what an engine puts into each container.
func ours(t *testing.T, tree *rootfs.Tree) []string {
	t.Helper()
	var out []string
	if err := tree.Walk(t.Context(), func(n rootfs.Node) error {
		for _, own := range []string{"/dev", "/proc", "/sys", "/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab"} {
			if n.Path == own || strings.HasPrefix(n.Path, own+"/") {
				return nil
			}
		}
		if n.Path != "/" {
			out = append(out, fmt.Sprintf("%s %s %v %d:%d %d %s", n.Path, n.Kind, n.Mode, n.UID, n.GID, n.Size, n.Link))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLayersMeanWhatTheEngineMeans lets a real engine make layers with
// whiteouts, links and changed directories, and compares what we make of them
// with what a container of the image sees: from the engine itself, from a file
// of `docker save`, and from what another tool makes of that.
func TestLayersMeanWhatTheEngineMeans(t *testing.T) {
	host := testkit.Docker(t)
	testkit.NeedE2E(t, "skopeo", "tar")
	root := testkit.MuslRoot(t)
	dir := t.TempDir()
	sh := func(line string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", line)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "DOCKER_HOST="+host)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	sh("tar -C " + root + ` -c . | docker import -c 'ENTRYPOINT ["/bin/busybox"]' -c 'USER nobody' - looked:1`)
	step := func(from, to, do string) {
		t.Helper()
		sh(fmt.Sprintf("docker run --name c%s --user 0 --network none --entrypoint /bin/sh looked:%s -c '%s'", to, from, do))
		sh(fmt.Sprintf("docker commit -c 'USER 65532:65532' -c 'ENTRYPOINT [\"/bin/busybox\"]' c%s looked:%s", to, to))
	}
	step("1", "2", "rm /bin/vi; mkdir -p /new/a/b; echo one > /new/a/b/f; ln /new/a/b/f /new/hard; ln -s /new/a /link; chmod 4711 /bin/busybox; mkdir /gone; touch /gone/x")
	step("2", "3", "rm -r /gone /new/a/b; mkdir /new/a/b; echo two > /new/a/b/g; rm /link; mkdir /link; touch /link/in; rm /new/hard; mkfifo /pipe; chmod 700 /root; chown 65532 /root; rm -r /run; ln -s tmp /run")
	seen := func(container string) []string {
		t.Helper()
		sh("docker export -o exported.tar " + container)
		tree, err := rootfs.OpenTar(t.Context(), rootfs.Layer{Name: container, Open: func(context.Context) (io.ReadCloser, error) {
			return os.Open(filepath.Join(dir, "exported.tar"))
		}}, rootfs.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		return ours(t, tree)
	}
	want := seen("c3")
	sh("docker save -o saved.tar looked:3")
	sh("skopeo copy -q docker-archive:saved.tar oci-archive:oci.tar:looked && skopeo copy -q docker-archive:saved.tar oci:layout:looked && gzip -k saved.tar")
	for _, subject := range []string{"docker:looked:3", "saved.tar", "saved.tar.gz", "oci.tar", "oci:layout"} {
		x, err := Inspect(t.Context(), subject, InspectOptions{Dir: dir, DockerHost: host})
		if err != nil {
			t.Errorf("%s: %v", subject, err)
			continue
		}
		img := x.Images[0]
		if len(x.Images) != 1 || len(img.Layers) != 3 || img.Config.User != "65532:65532" || !slices.Equal(img.Config.Entrypoint, []string{"/bin/busybox"}) {
			t.Errorf("%s: %+v", subject, img)
		}
		tree, err := img.Tree(t.Context(), rootfs.Limits{})
		if err != nil {
			t.Errorf("%s: %v", subject, err)
			continue
		}
		if got := ours(t, tree); !slices.Equal(got, want) {
			for _, l := range got {
				if !slices.Contains(want, l) {
					t.Errorf("%s: too much: %s", subject, l)
				}
			}
			for _, l := range want {
				if !slices.Contains(got, l) {
					t.Errorf("%s: missing: %s", subject, l)
				}
			}
		}
		if b, err := tree.ReadFile("/new/a/b/g", 10); err != nil || string(b) != "two\n" {
			t.Errorf("%s: %q, %v", subject, b, err)
		}
		tree.Close()
		x.Close()
	}
	if len(want) < 100 {
		t.Errorf("the container holds only %d files", len(want))
	}
	_, err := Inspect(t.Context(), "docker:none:1", InspectOptions{DockerHost: host})
	wantWords(t, err, 2, "has no image none:1", "docker images")
	_, err = Inspect(t.Context(), "docker:looked:3", InspectOptions{DockerHost: "unix:///none/docker.sock"})
	wantWords(t, err, 1, "/none/docker.sock")
}
