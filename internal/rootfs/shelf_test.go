package rootfs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
)

func TestShelf(t *testing.T) {
	t.Parallel()
	s := Shelf{Dir: filepath.Join(t.TempDir(), "cache", "rootfs")}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	tree := mergeOf(t, []ent{{name: "etc/passwd", body: "root:x:0:0::/:\n"}, {name: "locked/", mode: 0o500}, {name: "locked/x", body: "1"}})
	names := []string{"alpine-rootfs", "debian:12-rootfs", "con", "a.b_c+d"}
	for _, name := range names {
		k, err := s.Add(t.Context(), name, "there", tree, nil)
		if err != nil || k.Files != 5 || k.Bytes != 16 || strings.Contains(filepath.Base(filepath.Dir(k.Path)), ":") {
			t.Fatalf("%+v, %v", k, err)
		}
		got, err := s.Get(name)
		if err != nil || got != k {
			t.Errorf("%+v, %v; want %+v", got, err, k)
		}
		if b, err := os.ReadFile(filepath.Join(k.Path, "etc", "passwd")); err != nil || len(b) != 15 {
			t.Errorf("%q, %v", b, err)
		}
	}
	list, err := s.List()
	if err != nil || len(list) != 4 || list[0].Name != "a.b_c+d" || list[3].Name != "debian:12-rootfs" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, name := range []string{"", "assembled", "scratch", "../x", "a/b", "A", ".x", "x.", "a b", "a%3ab", strings.Repeat("a", 129), "oci:x", "docker:x", "x\x00"} {
		if _, err := s.Add(t.Context(), name, "", tree, nil); fault.ExitCode(err) != fault.Usage {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := s.Get(name); !errors.Is(err, ErrNotKept) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := s.Add(t.Context(), "con", "", tree, nil); fault.ExitCode(err) != fault.Usage {
		t.Errorf("twice: %v", err)
	}
	for _, name := range names {
		if err := s.Remove(name); err != nil {
			t.Error(err)
		}
		if err := s.Remove(name); !errors.Is(err, ErrNotKept) {
			t.Errorf("removed twice: %v", err)
		}
	}
	if left, _ := os.ReadDir(s.Dir); len(left) > 0 {
		t.Errorf("%s stays behind", left[0].Name())
	}
}

func TestShelfLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	s := Shelf{Dir: t.TempDir()}
	tree := mergeOf(t, []ent{{name: "a", body: "1"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Add(ctx, "x", "", tree, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(s.Dir); len(left) > 0 {
		t.Errorf("%s stays behind", left[0].Name())
	}
	// What a killed process left goes with the next that is added, what another
	// is at work on does not.
	dead, busy := filepath.Join(s.Dir, shelfTemp+"1"), filepath.Join(s.Dir, shelfTemp+"2")
	for _, d := range []string{dead, busy} {
		if err := os.MkdirAll(filepath.Join(d, "root"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	release, err := hold(busy)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for _, d := range []string{dead, busy} {
		if err := os.Chtimes(d, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(t.Context(), "x", "", tree, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("what a killed process left is still there")
	}
	if _, err := os.Stat(busy); err != nil {
		t.Errorf("the work of another was removed: %v", err)
	}
	release()
	// What is no root file system on the shelf is not taken for one.
	if err := os.WriteFile(filepath.Join(s.place("x"), shelfAbout), []byte(`{"name":"y"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get("x"); !errors.Is(err, ErrNotKept) {
		t.Errorf("%v", err)
	}
	if err := s.Remove("x"); err != nil {
		t.Errorf("one that is broken cannot be removed: %v", err)
	}
}

func TestOneOfManyAdds(t *testing.T) {
	t.Parallel()
	s := Shelf{Dir: t.TempDir()}
	tree := mergeOf(t, []ent{{name: "a", body: "1"}})
	var wg sync.WaitGroup
	won := make(chan bool, 8)
	for range 8 {
		wg.Go(func() {
			_, err := s.Add(t.Context(), "x", "", tree, nil)
			if err != nil && fault.ExitCode(err) != fault.Usage {
				t.Error(err)
			}
			won <- err == nil
		})
	}
	wg.Wait()
	close(won)
	n := 0
	for w := range won {
		if w {
			n++
		}
	}
	if list, err := s.List(); n != 1 || len(list) != 1 || err != nil {
		t.Errorf("%d adds won; %v, %v", n, list, err)
	}
	if left, _ := os.ReadDir(s.Dir); len(left) != 1 {
		t.Errorf("%d entries", len(left))
	}
}
