//go:build linux

package cli

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// imageConfig is what a container engine would read of an image.
type imageConfig struct {
	Config struct {
		User       string
		Entrypoint []string
		Env        []string
	} `json:"config"`
}

type descriptor struct {
	Digest   string
	Platform *struct{ OS, Architecture string }
}

// unpackedImage unpacks the image of a platform from an OCI layout, as an engine
// would, and gives its root and configuration.
func unpackedImage(t testing.TB, layout, platform string) (string, imageConfig) {
	t.Helper()
	blob := func(digest string, v any) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(layout, "blobs", strings.Replace(digest, ":", "/", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, v); err != nil {
			t.Fatal(err)
		}
	}
	var index struct{ Manifests []descriptor }
	b, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	blob(index.Manifests[0].Digest, &index)
	for _, m := range index.Manifests {
		if m.Platform.OS+"/"+m.Platform.Architecture != platform {
			continue
		}
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		blob(m.Digest, &manifest)
		var config imageConfig
		blob(manifest.Config.Digest, &config)
		root := t.TempDir()
		for _, l := range manifest.Layers {
			if err := unpack(filepath.Join(layout, "blobs", strings.Replace(l.Digest, ":", "/", 1)), root); err != nil {
				t.Fatal(err)
			}
		}
		return root, config
	}
	t.Fatalf("%s is not in %+v", platform, index)
	return "", imageConfig{}
}

func unpack(name, root string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		to := filepath.Join(root, h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(to, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, to)
		case tar.TypeReg:
			var out *os.File
			if out, err = os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
				_, err = io.Copy(out, r)
				err = errors.Join(err, out.Close())
			}
		default:
			err = fmt.Errorf("%s: type %c", h.Name, h.Typeflag)
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeSymlink {
			continue
		}
		if err := os.Chown(to, h.Uid, h.Gid); err != nil {
			return err
		}
		if err := syscall.Chmod(to, uint32(h.Mode)); err != nil {
			return err
		}
	}
}

// enter runs the image's entrypoint in root as the image's user; arm64 under
// qemu. Only root can do that.
func enter(t testing.TB, root, platform string, c imageConfig, args ...string) string {
	t.Helper()
	argv := append(c.Config.Entrypoint[:len(c.Config.Entrypoint):len(c.Config.Entrypoint)], args...)
	if platform == "linux/arm64" {
		const emulator = "/usr/bin/qemu-aarch64-static"
		b, err := os.ReadFile(emulator)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, ".qemu"), b, 0o755); err != nil {
			t.Fatal(err)
		}
		argv = append([]string{"/.qemu"}, argv...)
	}
	var uid, gid uint32
	if _, err := fmt.Sscanf(c.Config.User, "%d:%d", &uid, &gid); err != nil {
		t.Fatalf("user %q: %v", c.Config.User, err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "/", c.Config.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("run %v in the image: %v\n%s", argv, err, out)
	}
	return string(out)
}
