package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/rootfs"
)

func TestOpenRootTakesEveryKind(t *testing.T) {
	t.Parallel()
	layout, made, ix := twoImages(t)
	base := t.TempDir()
	o := RootOptions{InspectOptions: InspectOptions{Dir: base}, Platform: arm64, Shelf: rootfs.Shelf{Dir: filepath.Join(base, "shelf")}}
	if err := os.MkdirAll(filepath.Join(base, "dir", "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "dir", "etc", "hostname"), []byte("here"), 0o644); err != nil {
		t.Fatal(err)
	}
	var raw, gz, zst bytes.Buffer
	if _, err := copyTar(t.Context(), &raw, made[1].Layers[1]); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&gz)
	zs, err := openZstd(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{z, zs} {
		if _, err := w.Write(raw.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string][]byte{"r.tar": raw.Bytes(), "r.tar.gz": gz.Bytes(), "r.tar.zst": zst.Bytes(), "bad.tar.gz": gz.Bytes()[:gz.Len()/2], "text": []byte("hello")} {
		if err := os.WriteFile(filepath.Join(base, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	from, err := rootfs.OpenDir(filepath.Join(base, "dir"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, err := o.Shelf.Add(t.Context(), "debian:12-rootfs", "dir", from, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		kind RootKind
		has  string
		dir  bool
	}{
		"assembled": {RootAssembled, "/etc/ssl/certs/ca-certificates.crt", false}, "scratch": {RootScratch, "/", false},
		"dir": {RootDirectory, "/etc/hostname", true}, "./dir": {RootDirectory, "/etc/hostname", true}, filepath.Join(base, "dir"): {RootDirectory, "/etc/hostname", true},
		"debian:12-rootfs": {RootNamed, "/etc/hostname", true},
		"r.tar":            {RootTar, "/program", false}, "r.tar.gz": {RootTar, "/program", false}, "./r.tar.zst": {RootTar, "/program", false},
		"oci:" + layout: {RootImage, "/program", false}, layout: {RootImage, "/program", false}, "oci:" + layout + "@" + ix.Digest: {RootImage, "/program", false},
	} {
		r, err := OpenRoot(t.Context(), name, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n, err := r.Tree.Resolve(want.has); err != nil || r.Kind != want.kind || (r.Dir != "") != want.dir || (r.Image != nil) != (want.kind == RootImage) {
			t.Errorf("%s: %+v, %+v, %v", name, r, n, err)
		}
		if want.has == "/program" {
			if b, err := r.Tree.ReadFile("/program", 1<<20); err != nil || !bytes.Equal(b, noise(arm64.String(), 300<<10)) {
				t.Errorf("%s: %d bytes of the wrong platform, or %v", name, len(b), err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for name, says := range map[string]string{
		"": "no root file system", "none": "no root file system none", "./none": "no root file system", "a/b": "no root file system", "oci:none": "OCI layout",
		"bad.tar.gz": "cannot be decompressed", "text": "not a tar archive", "DEBIAN": "no root file system",
	} {
		_, err := OpenRoot(t.Context(), name, o)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Usage || f.Hint.IsZero() || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", name, err, says)
		}
		if name == "none" && (!strings.Contains(f.Hint.String(), "debootstrap") || !strings.Contains(f.Detail, "debian:12-rootfs")) {
			t.Errorf("%s | %s", f.Hint, f.Detail)
		}
	}
	o.Platform.Arch = "riscv64"
	if _, err := OpenRoot(t.Context(), "oci:"+layout, o); err == nil || !strings.Contains(err.Error(), "but for linux/amd64, linux/arm64") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenRoot(ctx, "assembled", o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
