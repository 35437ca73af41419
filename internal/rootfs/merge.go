package rootfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Merge reads the layers, the lowest first, and lays them over one another.
// What a layer must not hold is a *fault.Error with exit code 2 that names the
// layer and the entry; other errors are those of the layers' readers and of
// ctx. The caller closes the tree.
func Merge(ctx context.Context, layers []Layer, limits Limits) (*Tree, error) {
	limits = limits.orDefault()
	p := &pool{dir: limits.TempDir, memory: limits.Memory}
	m, err := merge(ctx, layers, limits, p)
	if err != nil {
		_ = p.close()
		return nil, err
	}
	return &Tree{src: m}, nil
}

// OpenTar gives the tree of a single tar, such as `docker export` writes.
func OpenTar(ctx context.Context, l Layer, limits Limits) (*Tree, error) {
	return Merge(ctx, []Layer{l}, limits)
}

// merged is the source of a tree that was made of layers.
type merged struct {
	top  *inode
	pool *pool
}

func merge(ctx context.Context, layers []Layer, limits Limits, p *pool) (*merged, error) {
	b := &budget{}
	b.entries.Store(int64(limits.Entries))
	b.names.Store(int64(limits.Names))
	b.bytes.Store(limits.Bytes)
	read := make([]*layer, len(layers))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(min(runtime.GOMAXPROCS(0), 4))
	for i, l := range layers {
		g.Go(func() (err error) {
			read[i], err = scan(gctx, l, p, b, limits)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	m := &merger{b: b, limits: limits, top: &inode{kind: Dir, mode: 0o755, children: map[string]child{}, names: 1}}
	for i, l := range read {
		m.layer, m.at = l, i
		if err := m.apply(ctx); err != nil {
			return nil, err
		}
		read[i] = nil // its entries are not needed any more
	}
	return &merged{m.top, p}, nil
}

// merger lays one layer after the other over a tree.
type merger struct {
	b      *budget
	limits Limits
	top    *inode
	layer  *layer
	at     int // index of the layer
}

func (m *merger) apply(ctx context.Context) error {
	m.remove()
	for i, e := range m.layer.entries {
		if i&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := m.put(e); err != nil {
			return err
		}
	}
	return nil
}

// remove carries out the whiteouts, while the tree is that of the lower layers
// alone: a layer's own files are not hidden by them.
func (m *merger) remove() {
	for _, e := range m.layer.removes {
		dir := m.top
		for _, part := range e.parts[:len(e.parts)-1] {
			if dir = dir.children[part].inode; dir == nil || dir.kind != Dir {
				break
			}
		}
		if dir == nil || dir.kind != Dir || len(dir.children) == 0 {
			continue
		}
		if name := e.parts[len(e.parts)-1]; name == opaque {
			dir.children = map[string]child{}
		} else {
			delete(dir.children, strings.TrimPrefix(name, whiteout))
		}
	}
}

func (m *merger) refuse(e entry, why func(layer, path string) i18n.Message) error {
	return refuse(why(m.layer.name, quote(e.path)))
}

// put lays one entry over the tree.
func (m *merger) put(e entry) error {
	if len(e.parts) == 0 {
		if e.node == nil || e.node.kind != Dir {
			return m.refuse(e, func(l, p string) i18n.Message { return i18n.M("rootfs.root", l, p) })
		}
		m.top.attributes(e.node)
		return nil
	}
	name := e.parts[len(e.parts)-1]
	dir, err := m.dir(e, e.parts[:len(e.parts)-1], true)
	if err != nil {
		return err
	}
	node := e.node
	if node == nil {
		if node, err = m.linked(e); err != nil {
			return err
		}
	}
	have, there := dir.children[name]
	switch {
	case !there:
	case have.kind == Dir && node.kind == Dir:
		have.attributes(node)
		dir.children[name] = child{have.inode, m.at}
		return nil
	case have.layer == m.at || have.below == m.at+1:
		// Whoever takes the first of two and whoever takes the last would see
		// different images under one digest.
		same, err := have.same(node)
		if err != nil {
			return err
		}
		if !same || have.kind == Dir {
			return m.refuse(e, func(l, p string) i18n.Message { return i18n.M("rootfs.twice", l, p) })
		}
		return nil
	}
	node.names++
	dir.children[name] = child{node, m.at}
	dir.below = m.at + 1
	return nil
}

// attributes takes over the attributes of another directory.
func (n *inode) attributes(of *inode) {
	n.mode, n.uid, n.gid, n.mtime, n.capability = of.mode, of.uid, of.gid, of.mtime, of.capability
}

// same reports whether two entries of one layer say the same.
func (n *inode) same(o *inode) (bool, error) {
	if n == o {
		return true, nil
	}
	if n.kind != o.kind || n.mode != o.mode || n.uid != o.uid || n.gid != o.gid || n.link != o.link || n.capability != o.capability || n.data.size != o.data.size {
		return false, nil
	}
	var a, b [32 << 10]byte
	for off := int64(0); off < n.data.size; off += int64(len(a)) {
		k := min(int64(len(a)), n.data.size-off)
		for _, side := range []struct {
			buf []byte
			of  extent
		}{{a[:k], n.data}, {b[:k], o.data}} {
			if _, err := side.of.ReadAt(side.buf, off); err != nil && !errors.Is(err, io.EOF) {
				return false, err
			}
		}
		if !bytes.Equal(a[:k], b[:k]) {
			return false, nil
		}
	}
	return true, nil
}

// linked gives what a hard link names: a file of this layer that came before
// it, or one of a lower layer.
func (m *merger) linked(e entry) (*inode, error) {
	none := func(l, p string) i18n.Message {
		return i18n.M("rootfs.hardlink.none", l, p, quote("/"+strings.Join(e.hard, "/")))
	}
	dir, err := m.dir(e, e.hard[:len(e.hard)-1], false)
	if err != nil {
		return nil, err
	}
	if dir == nil {
		return nil, m.refuse(e, none)
	}
	to, ok := dir.children[e.hard[len(e.hard)-1]]
	if !ok {
		return nil, m.refuse(e, none)
	}
	if to.kind == Dir {
		return nil, m.refuse(e, func(l, p string) i18n.Message {
			return i18n.M("rootfs.hardlink.dir", l, p, quote("/"+strings.Join(e.hard, "/")))
		})
	}
	return to.inode, nil
}

// dir gives the directory that the parts lead to. Symbolic links of this layer
// are followed, those of lower layers are not: see the package documentation.
// With fill, directories that are missing are made, and what else is there
// gives way; without, the result is nil then.
func (m *merger) dir(e entry, parts []string, fill bool) (*inode, error) {
	above, links := []*inode{m.top}, 0
	here := func() *inode { return above[len(above)-1] }
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(above) == 1 {
				return nil, m.refuse(e, func(l, p string) i18n.Message { return i18n.M("rootfs.link.escape", l, p) })
			}
			above = above[:len(above)-1]
			continue
		}
		next, ok := here().children[part]
		switch {
		case ok && next.kind == Dir:
		case ok && next.kind == Symlink && (next.layer == m.at || !fill):
			if links++; links > maxLinks {
				return nil, m.refuse(e, func(l, p string) i18n.Message { return i18n.M("rootfs.link.many", l, p) })
			}
			if strings.HasPrefix(next.link, "/") {
				above = above[:1]
			}
			parts = append(strings.Split(next.link, "/"), parts...)
			continue
		case !fill:
			return nil, nil
		case ok && next.layer == m.at:
			return nil, m.refuse(e, func(l, p string) i18n.Message { return i18n.M("rootfs.below", l, p, quote(part)) })
		default:
			if len(part) > maxName || len(above) > maxDepth {
				return nil, m.refuse(e, func(l, p string) i18n.Message { return i18n.M("rootfs.deep", l, p, maxDepth) })
			}
			if m.b.entries.Add(-1) < 0 {
				return nil, refuse(i18n.M("rootfs.entries", m.layer.name, m.limits.Entries))
			}
			next = child{&inode{kind: Dir, mode: 0o755, children: map[string]child{}, names: 1}, m.at}
			here().children[part] = next
		}
		if fill {
			here().below = m.at + 1
		}
		above = append(above, next.inode)
	}
	return here(), nil
}

// The rest of this file is the source of a Tree.

func (t *merged) find(p string) *child {
	here := child{inode: t.top}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" {
			continue
		}
		if here.kind != Dir {
			return nil
		}
		next, ok := here.children[part]
		if !ok {
			return nil
		}
		here = next
	}
	return &here
}

func (t *merged) lstat(p string) (item, error) {
	c := t.find(p)
	if c == nil {
		return item{}, fs.ErrNotExist
	}
	return c.item(p), nil
}

func (c child) item(p string) item {
	it := item{Node: Node{
		Path: p, Kind: c.kind, Mode: c.mode, UID: c.uid, GID: c.gid, Size: c.data.size, Link: c.link, Layer: c.layer, Capability: c.capability,
	}, mtime: c.mtime}
	if c.names > 1 {
		it.id = c.inode
	}
	return it
}

func (t *merged) readDir(p string) ([]item, error) {
	c := t.find(p)
	if c == nil {
		return nil, fs.ErrNotExist
	}
	if c.kind != Dir {
		return nil, errNotDir
	}
	out := make([]item, 0, len(c.children))
	for name, e := range c.children {
		out = append(out, e.item(join(p, name)))
	}
	slices.SortFunc(out, func(a, b item) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func (t *merged) open(p string) (File, error) {
	c := t.find(p)
	switch {
	case c == nil:
		return nil, fs.ErrNotExist
	case c.kind != Regular:
		return nil, errNotFile
	case c.data.spool == nil:
		return extent{spool: &spool{}}, nil
	}
	return c.data, nil
}

func (t *merged) close() error { return t.pool.close() }
