package image

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/testkit"
)

func TestCacheOnAFullDisk(t *testing.T) {
	testkit.NeedE2E(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=200k"); err != nil {
		t.Fatalf("mount a small tmpfs (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	c, err := OpenCache(filepath.Join(dir, "cache"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Layer(t.Context(), someLayer("k"), "gzip") // more than that
	if f := wantFault(t, err, "image.cache", fault.Failed); !errors.Is(f, syscall.ENOSPC) {
		t.Errorf("the cause is %v", f.Cause)
	}
	noLitter(t, c)
	if l := madeLayer(t, c, smallLayer("k"), "gzip"); l.Reused {
		t.Error("reused")
	}

	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if l := madeLayer(t, c, smallLayer("k"), "gzip"); !l.Reused {
		t.Error("a read-only cache must still be read")
	}
	_, err = c.Layer(t.Context(), smallLayer("other"), "gzip")
	if f := wantFault(t, err, "image.cache", fault.Failed); !errors.Is(f, syscall.EROFS) {
		t.Errorf("the cause is %v", f.Cause)
	}
}

func TestPipesAreNoFiles(t *testing.T) {
	dir := project(t, map[string]string{"web/a": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "web", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"web", "web/pipe"} {
		_, err := filesOf(t, dir, plan.File{From: from, To: "/srv"})
		if f := wantFault(t, err, "image.files.kind", fault.Usage); f.Pos.File != filepath.Join(dir, "web", "pipe") {
			t.Errorf("%s: at %s", from, f.Pos)
		}
	}
}
