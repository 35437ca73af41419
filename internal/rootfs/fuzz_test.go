package rootfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
)

// FuzzLayersStayInside merges and unpacks two layers of any bytes: nothing is
// written outside, what is refused is refused in words, and what is taken can
// be looked at to its last file.
func FuzzLayersStayInside(f *testing.F) {
	for _, lists := range [][][]ent{
		{{{name: "a/b", body: "1"}, {name: "l", ln: "a"}, {name: "l/x", body: "2"}}, {{name: "a/.wh.b"}, {name: "h", hard: "a/x"}}},
		{{{name: "out", ln: "../../.."}, {name: "out/canary", body: "x"}}, {}},
		{{{name: "d/"}, {name: "d/e/f", body: "1", mode: 0o4755}}, {{name: "d/.wh..wh..opq"}, {name: "d", body: "file"}}},
		{{{name: "../canary", body: "x"}}, {{name: "/abs", body: "y"}}},
		{{{name: "a", hard: "../../canary"}}, {{name: "dev", kind: tar.TypeBlock}}},
		{{{name: strings.Repeat("x", 200) + "/" + strings.Repeat("y", 150), body: "long"}}, {{name: "p", body: "c", pax: map[string]string{"SCHILY.xattr.security.capability": "abc"}}}},
	} {
		f.Add(tarOf(f, lists[0]...), tarOf(f, lists[1]...))
	}
	f.Add(sparse(100), hugePAX()[:2048])
	f.Fuzz(func(t *testing.T, low, high []byte) {
		if len(low)+len(high) > 1<<20 {
			return
		}
		limits := Limits{Entries: 4096, Names: 1 << 20, Bytes: 4 << 20, Memory: 1 << 20, TempDir: t.TempDir()}
		tree, err := Merge(t.Context(), []Layer{layerOf("low", low), layerOf("high", high)}, limits)
		if err != nil {
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.Usage {
				t.Fatalf("%v (%T)", err, err)
			}
			return
		}
		defer tree.Close()
		if err := tree.Walk(t.Context(), func(n Node) error {
			if !strings.HasPrefix(n.Path, "/") || strings.Contains(n.Path+"/", "/../") || strings.Contains(n.Path, "//") {
				t.Fatalf("path %q", n.Path)
			}
			if have, ok := tree.Lookup(n.Path); !ok || have != n {
				t.Fatalf("%+v is found as %+v", n, have)
			}
			_, _ = tree.Resolve(n.Path + "/../" + n.Link)
			if n.Kind != Regular {
				return nil
			}
			file, err := tree.Open(n.Path)
			if err != nil {
				return err
			}
			defer file.Close()
			if got, err := io.Copy(io.Discard, io.NewSectionReader(file, 0, file.Size())); err != nil || got != n.Size {
				t.Fatalf("%s: %d of %d bytes, %v", n.Path, got, n.Size, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		base := t.TempDir()
		canary := filepath.Join(base, "canary")
		if err := os.WriteFile(canary, []byte("alive"), 0o644); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(base, "root")
		err = tree.Unpack(t.Context(), dir, UnpackOptions{Owners: CanKeepOwners()})
		if b, rerr := os.ReadFile(canary); rerr != nil || !bytes.Equal(b, []byte("alive")) {
			t.Fatalf("the canary: %q, %v", b, rerr)
		}
		left, rerr := os.ReadDir(base)
		if rerr != nil || len(left) > 2 || err != nil && len(left) != 1 {
			t.Fatalf("%v, %v after %v", left, rerr, err)
		}
		if err != nil {
			// Names that this file system takes for others, or does not take.
			if _, ok := errors.AsType[*fs.PathError](err); !ok {
				if _, ok := errors.AsType[*os.LinkError](err); !ok {
					t.Fatal(err)
				}
			}
			return
		}
		if err := RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
}
