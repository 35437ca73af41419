package rootfs

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// listing gives a directory of this machine as lines, for comparison.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		uid, gid, id := ownerOf(fi)
		fmt.Fprintf(&b, "%s %v %d:%d", filepath.ToSlash(rel), fi.Mode(), uid, gid)
		switch {
		case fi.Mode()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(p)
			fmt.Fprintf(&b, " -> %s", to)
		case fi.Mode().IsRegular():
			body, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %d = %s", fi.ModTime().Unix(), body)
			if id != nil {
				b.WriteString(" (linked)")
			}
		default:
			fmt.Fprintf(&b, " %d", fi.ModTime().Unix())
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestUnpackWritesTheTree(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has neither these modes nor links for everybody")
	}
	tree := mergeOf(t, []ent{
		{name: "./", mode: 0o755}, {name: "bin/", mode: 0o755}, {name: "bin/su", body: "su", mode: 0o4755}, {name: "bin/alias", hard: "bin/su"},
		{name: "tmp/", mode: 0o1777}, {name: "locked/", mode: 0o500}, {name: "locked/x", body: "1", mode: 0o400}, {name: "lib", ln: "/usr/lib"}, {name: "out", ln: "../../../../etc"},
		{name: "dev/null", kind: tar.TypeChar, mode: 0o666}, {name: "pipe", kind: tar.TypeFifo}, {name: "home/app/.rc", body: "x", uid: 65532, gid: 65532},
		{name: "cap", body: "x", mode: 0o755, pax: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}},
	})
	for _, owners := range []bool{false, CanKeepOwners()} {
		dir := filepath.Join(t.TempDir(), "root")
		lost := map[Loss]int{}
		if err := tree.Unpack(t.Context(), dir, UnpackOptions{Owners: owners, Lost: func(_ Node, l Loss) { lost[l]++ }}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = RemoveAll(dir) })
		got := listing(t, dir)
		for _, want := range []string{"tmp dtrwxrwxrwx", "locked dr-x------", "locked/x -r--------", "lib Lrwxrwxrwx", "-> /usr/lib\n", "out Lrwxrwxrwx", "= su (linked)\n", ". drwxr-xr-x"} {
			if !strings.Contains(got, want) {
				t.Errorf("owners %v: %q is not in\n%s", owners, want, got)
			}
		}
		if strings.Contains(got, "null") || strings.Contains(got, "pipe") || lost[LostDevice] != 2 || lost[LostCapability] != 1 {
			t.Errorf("devices: %v\n%s", lost, got)
		}
		if owners != strings.Contains(got, "bin/su urwxr-xr-x 0:0") || owners != strings.Contains(got, "home/app/.rc -rw-r--r-- 65532:65532") || owners != (lost[LostSetID] == 0) {
			t.Errorf("owners %v: %v\n%s", owners, lost, got)
		}
		again := filepath.Join(t.TempDir(), "root")
		if err := tree.Unpack(t.Context(), again, UnpackOptions{Owners: owners}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = RemoveAll(again) })
		if second := listing(t, again); second != got {
			t.Errorf("the second time:\n%s\nafter\n%s", second, got)
		}
		// A directory that was unpacked is the same tree.
		onDisk, err := OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "root")
		err = onDisk.Unpack(t.Context(), copied, UnpackOptions{Owners: owners})
		onDisk.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = RemoveAll(copied) })
		if third := listing(t, copied); third != got {
			t.Errorf("from disk:\n%s\nwant\n%s", third, got)
		}
	}
}

func TestUnpackLeavesNothingAfterAnError(t *testing.T) {
	t.Parallel()
	tree := mergeOf(t, []ent{{name: "a/b", body: "1"}, {name: "a/c", body: strings.Repeat("x", 1000)}})
	base := t.TempDir()
	dir := filepath.Join(base, "root")
	if err := tree.Unpack(t.Context(), dir, UnpackOptions{MaxBytes: 100}); err == nil {
		t.Error("the bound was not kept")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tree.Unpack(ctx, dir, UnpackOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(base); len(left) > 0 {
		t.Errorf("%s stays behind", left[0].Name())
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tree.Unpack(t.Context(), dir, UnpackOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("into a directory that is there: %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("somebody else's directory was removed: %v", err)
	}
}
