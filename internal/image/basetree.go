package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Bounds of a reference base.
const (
	maxTree = 1 << 18 // directories and links; Debian's full image has 5,000
	maxName = 4 << 10 // bytes of a path or link, as Linux bounds them
)

// treeOf reads the directories and links of the layers of a reference base,
// once; after that they are remembered under the diffIDs.
func (c *Cache) treeOf(ctx context.Context, layers []Layer) (tree, error) {
	ids := []string{"tree", tarFormat}
	for _, l := range layers {
		ids = append(ids, l.DiffID)
	}
	key := hashStrings(ids...)
	if body, ok := c.readSealed(treeDir, key); ok {
		var t tree
		if json.Unmarshal(body, &t) == nil {
			return t, nil
		}
	}
	t := tree{}
	for _, l := range layers {
		if err := l.ensure(ctx); err != nil {
			return nil, err
		}
		if err := t.readLayer(ctx, l); err != nil {
			return nil, fmt.Errorf("read base layer %s: %w", l.Digest, err)
		}
	}
	if err := c.writeSealed(treeDir, key, t); err != nil {
		return nil, err
	}
	return t, nil
}

func (t tree) readLayer(ctx context.Context, l Layer) error {
	r, err := unpack(ctx, l)
	if err != nil {
		return err
	}
	defer r.Close()
	return t.readTar(r)
}

// readTar lays the tar of one layer over the tree. Whiteouts delete what is
// below (OCI image specification, layer.md); those of a layer come before
// its own files, wherever they stand in it.
func (t tree) readTar(r io.Reader) error {
	own := map[string]bool{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p := path.Join("/", h.Name)
		if len(p) > maxName || len(h.Linkname) > maxName {
			return fmt.Errorf("a path of %d bytes", max(len(p), len(h.Linkname)))
		}
		dir, name := path.Split(p)
		if hidden, ok := strings.CutPrefix(name, whiteout); ok {
			if hidden == whiteout+".opq" {
				t.remove(path.Clean(dir), own, false)
			} else if !strings.HasPrefix(hidden, whiteout) {
				t.remove(path.Join(dir, hidden), own, true)
			}
			continue
		}
		if p == "/" {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			t[p] = Entry{Path: p, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Dir: true}
		case tar.TypeSymlink:
			t.remove(p, own, true)
			t[p] = Entry{Path: p, Mode: 0o777, UID: h.Uid, GID: h.Gid, Link: h.Linkname}
		default:
			t.remove(p, own, true) // a file in the place of a directory
			continue
		}
		own[p] = true
		// A tar may leave out the directories above; unpacking makes them.
		for above := path.Dir(p); above != "/"; above = path.Dir(above) {
			if _, ok := t[above]; ok {
				break
			}
			t[above] = Entry{Path: above, Mode: 0o755, Dir: true}
		}
		if len(t) > maxTree {
			return fmt.Errorf("more than %d directories and links", maxTree)
		}
	}
}

// remove takes out what lies below p, and p itself if self is set, but nothing
// the layer being read has put there.
func (t tree) remove(p string, own map[string]bool, self bool) {
	if self && !own[p] {
		if e, ok := t[p]; ok && !e.Dir {
			delete(t, p) // a link has nothing below it
			return
		} else if !ok {
			return
		}
		delete(t, p)
	}
	below := strings.TrimSuffix(p, "/") + "/"
	for have := range t {
		if strings.HasPrefix(have, below) && !own[have] {
			delete(t, have)
		}
	}
}
