package rootfs

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/slipway-build/slipway/internal/i18n"
)

// How names of whiteouts begin (layer.md, "Whiteouts"). What begins with the
// longer one and is not opaque are notes that AUFS made for itself.
const (
	whiteout     = ".wh."
	whiteoutMeta = ".wh..wh."
	opaque       = ".wh..wh..opq"
)

// inode is a file, directory or link; several names can be links to one.
type inode struct {
	kind       Kind
	mode       fs.FileMode
	uid, gid   int
	link       string
	capability string
	mtime      int64 // seconds since 1970
	data       extent
	names      int // that it has
	children   map[string]child
	below      int // the last layer that put something into the directory, plus 1
}

// child is a name in a directory, with the layer that says so.
type child struct {
	*inode
	layer int
}

// entry is one entry of a layer.
type entry struct {
	parts []string // of its path; none for the root itself
	path  string   // for people
	node  *inode   // nil for a hard link and a whiteout
	hard  []string // path of the file that it is a hard link to
	white bool
}

// budget is what all layers of a tree may still cost.
type budget struct {
	entries, names, bytes atomic.Int64
}

// layer is a layer that was read.
type layer struct {
	name             string
	entries, removes []entry
}

// meter counts what the tar reader takes.
type meter struct {
	ctx context.Context
	r   io.Reader
	n   int64
	b   *budget
}

var errBytes = errors.New("too many bytes")

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	if m.b.bytes.Add(-int64(n)) < 0 {
		return 0, errBytes
	}
	return n, err
}

// scan reads a layer to its end: its entries in their order, and the contents
// of its files into the pool.
func scan(ctx context.Context, l Layer, p *pool, b *budget, limits Limits) (*layer, error) {
	rc, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	s := &scanner{in: &meter{ctx: ctx, r: rc, b: b}, out: &spool{pool: p}, b: b, limits: limits, layer: &layer{name: l.Name}}
	if err := s.run(); err != nil {
		if errors.Is(err, errBytes) {
			err = refuse(i18n.M("rootfs.bytes", l.Name, limits.Bytes>>20))
		}
		return nil, err
	}
	return s.layer, nil
}

type scanner struct {
	in     *meter
	out    *spool
	b      *budget
	limits Limits
	layer  *layer
}

func (s *scanner) run() error {
	tr := tar.NewReader(s.in)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s.broken(err)
		}
		if err := s.entry(h, tr); err != nil {
			return err
		}
	}
	// What stands behind the end of the archive belongs to the layer's digest,
	// which whoever opened it checks at the end.
	if _, err := io.Copy(io.Discard, onlyReader{s.in}); err != nil {
		return s.broken(err)
	}
	return s.out.finish()
}

// onlyReader hides what else a reader can do, so that it is asked for bytes.
type onlyReader struct{ io.Reader }

// broken tells a tar that is none from a reader's own error.
func (s *scanner) broken(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(i18n.M("rootfs.tar", s.layer.name, err))
	}
	return err
}

func (s *scanner) refuse(path string, why func(layer, path string) i18n.Message) error {
	return refuse(why(s.layer.name, quote(path)))
}

func (s *scanner) entry(h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil // about the archive, such as the commit git wrote into it
	case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo, tar.TypeCont, tar.TypeGNUSparse:
	default:
		return s.refuse(h.Name, func(l, p string) i18n.Message {
			return i18n.M("rootfs.type", l, p, quote(string(rune(h.Typeflag))))
		})
	}
	parts, err := s.split(h.Name)
	if err != nil {
		return err
	}
	if s.b.entries.Add(-1) < 0 {
		return s.many()
	}
	if s.b.names.Add(-int64(len(h.Name)+len(h.Linkname))) < 0 {
		return refuse(i18n.M("rootfs.names", s.layer.name, s.limits.Names>>20))
	}
	e := entry{parts: parts, path: h.Name}
	for i, part := range parts {
		switch {
		case !strings.HasPrefix(part, whiteout):
		case strings.HasPrefix(part, whiteoutMeta) && part != opaque:
			return nil
		case i < len(parts)-1:
			return s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.whiteout.below", l, p) })
		default:
			switch strings.TrimPrefix(part, whiteout) {
			case "", ".", "..":
				return s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.whiteout", l, p) })
			}
			e.white = true
			s.layer.removes = append(s.layer.removes, e)
			return nil
		}
	}
	if h.Typeflag == tar.TypeLink {
		if e.hard, err = s.target(h); err != nil {
			return err
		}
		s.layer.entries = append(s.layer.entries, e)
		return nil
	}
	if e.node, err = s.node(h, r); err != nil {
		return err
	}
	s.layer.entries = append(s.layer.entries, e)
	return nil
}

// node makes what the header describes, with its content.
func (s *scanner) node(h *tar.Header, r io.Reader) (*inode, error) {
	n := &inode{mode: modeOf(h.Mode), uid: h.Uid, gid: h.Gid, mtime: min(max(0, h.ModTime.Unix()), 1<<32)} // what every file system can hold
	if h.Uid < 0 || h.Gid < 0 || int64(h.Uid) > 1<<32-2 || int64(h.Gid) > 1<<32-2 {
		return nil, s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.owner", l, p, h.Uid, h.Gid) })
	}
	if v := h.PAXRecords["SCHILY.xattr.security.capability"]; v != "" {
		if len(v) > 64 {
			return nil, s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.capability", l, p) })
		}
		n.capability = hex.EncodeToString([]byte(v))
	}
	switch h.Typeflag {
	case tar.TypeDir:
		n.kind, n.children = Dir, map[string]child{}
	case tar.TypeSymlink:
		if h.Linkname == "" || len(h.Linkname) >= maxPath || strings.IndexByte(h.Linkname, 0) >= 0 {
			return nil, s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.link", l, p) })
		}
		n.kind, n.link, n.mode = Symlink, h.Linkname, 0o777
	case tar.TypeChar, tar.TypeBlock:
		n.kind = Device
	case tar.TypeFifo:
		n.kind = Fifo
	default:
		n.kind = Regular
		return n, s.content(n, h, r)
	}
	return n, nil
}

// content takes the content of a file into the spool.
func (s *scanner) content(n *inode, h *tar.Header, r io.Reader) error {
	if h.Size > s.limits.Bytes {
		return refuse(i18n.M("rootfs.size", s.layer.name, quote(h.Name), h.Size, s.limits.Bytes>>20))
	}
	n.data = extent{s.out, s.out.size, h.Size}
	for left := h.Size; left > 0; {
		m, err := s.out.read(r, left)
		left -= int64(m)
		if s.out.size-s.in.n > maxHoles {
			return s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.sparse", l, p, maxHoles>>20) })
		}
		if err != nil && left > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return s.broken(err)
		}
	}
	return nil
}

// split gives the parts of an entry's name.
func (s *scanner) split(name string) ([]string, error) {
	if len(name) >= maxPath || strings.IndexByte(name, 0) >= 0 {
		return nil, s.refuse(name, func(l, p string) i18n.Message { return i18n.M("rootfs.name", l, p) })
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == ".":
			continue
		case part == "..":
			return nil, s.refuse(name, func(l, p string) i18n.Message { return i18n.M("rootfs.escape", l, p) })
		case len(part) > maxName:
			return nil, s.refuse(name, func(l, p string) i18n.Message { return i18n.M("rootfs.name", l, p) })
		}
		parts = append(parts, part)
	}
	if len(parts) > maxDepth {
		return nil, s.refuse(name, func(l, p string) i18n.Message { return i18n.M("rootfs.deep", l, p, maxDepth) })
	}
	return parts, nil
}

// target gives the parts of the path that a hard link names.
func (s *scanner) target(h *tar.Header) ([]string, error) {
	var parts []string
	for part := range strings.SplitSeq(h.Linkname, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			return nil, s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.hardlink.escape", l, p, quote(h.Linkname)) })
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 || len(parts) > maxDepth || len(h.Linkname) >= maxPath {
		return nil, s.refuse(h.Name, func(l, p string) i18n.Message { return i18n.M("rootfs.link", l, p) })
	}
	return parts, nil
}

func (s *scanner) many() error {
	return refuse(i18n.M("rootfs.entries", s.layer.name, s.limits.Entries))
}

// modeOf takes the permissions of a tar header into those of package fs.
func modeOf(m int64) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	if m&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if m&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if m&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}
