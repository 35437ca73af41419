package rootfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// Loss is something that an unpacked tree lacks.
type Loss string

// The losses.
const (
	LostDevice     Loss = "device"     // devices, pipes and sockets are never made; the runtime provides /dev
	LostOwner      Loss = "owner"      // the file belongs to whoever unpacks
	LostSetID      Loss = "setid"      // setuid and setgid are dropped together with the owner they stand for
	LostCapability Loss = "capability" // security.capability is not set
)

// UnpackOptions say how a tree is unpacked.
type UnpackOptions struct {
	// Owners gives each file its uid and gid, which takes root. Without, all
	// belong to whoever runs this.
	Owners bool
	// Lost is called for every node that could not be made as it is; may be nil.
	Lost func(Node, Loss)
	// MaxBytes bounds the content that is written; 0: no bound.
	MaxBytes int64
}

// CanKeepOwners reports whether this process may give files to others.
func CanKeepOwners() bool { return os.Geteuid() == 0 }

// Unpack writes the tree into dir, which it creates; an existing one is an
// error. The same tree gives the same directory, times included. Whatever the
// tree holds, nothing outside of dir is written. After an error or the end of
// ctx, dir is gone.
func (t *Tree) Unpack(ctx context.Context, dir string, o UnpackOptions) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	u := &unpacker{ctx: ctx, t: t, o: o, top: root, links: map[any]string{}, buf: make([]byte, 256<<10)}
	defer func() {
		_ = root.Close()
		if err != nil {
			_ = RemoveAll(dir)
			err = fmt.Errorf("unpack: %w", err)
		}
	}()
	it, err := t.src.lstat("/")
	if err != nil {
		return err
	}
	if err := u.fill(root, it); err != nil {
		return err
	}
	return u.finish(root, ".", it)
}

type unpacker struct {
	ctx   context.Context
	t     *Tree
	o     UnpackOptions
	top   *os.Root
	links map[any]string // where a file with several names was written first
	buf   []byte
	bytes int64
}

func (u *unpacker) lost(n Node, l Loss) {
	if u.o.Lost != nil {
		u.o.Lost(n, l)
	}
}

// fill writes what is in a directory.
func (u *unpacker) fill(to *os.Root, dir item) error {
	list, err := u.t.src.readDir(dir.Path)
	if err != nil {
		return &fs.PathError{Op: "readdir", Path: dir.Path, Err: err}
	}
	for _, it := range list {
		if err := u.ctx.Err(); err != nil {
			return err
		}
		if err := u.write(to, it); err != nil {
			return fmt.Errorf("%s: %w", it.Path, err)
		}
	}
	return nil
}

func (u *unpacker) write(to *os.Root, it item) error {
	name := path.Base(it.Path)
	switch it.Kind {
	case Dir:
		if err := to.Mkdir(name, 0o700); err != nil {
			return err
		}
		sub, err := to.OpenRoot(name)
		if err != nil {
			return err
		}
		err = u.fill(sub, it)
		_ = sub.Close()
		if err != nil {
			return err
		}
	case Symlink:
		if err := to.Symlink(it.Link, name); err != nil {
			return err
		}
		return u.own(it, func() error { return to.Lchown(name, it.UID, it.GID) })
	case Regular:
		if it.id != nil {
			if first, ok := u.links[it.id]; ok {
				return u.top.Link(first, filepath.FromSlash(it.Path[1:]))
			}
			u.links[it.id] = filepath.FromSlash(it.Path[1:])
		}
		if err := u.file(to, name, it); err != nil {
			return err
		}
	default:
		u.lost(it.Node, LostDevice)
		return nil
	}
	return u.finish(to, name, it)
}

var errUnpacked = errors.New("the files are larger than what may be written")

// file writes the content of a regular file.
func (u *unpacker) file(to *os.Root, name string, it item) error {
	if u.bytes += it.Size; u.o.MaxBytes > 0 && u.bytes > u.o.MaxBytes {
		return errUnpacked
	}
	in, err := u.t.src.open(it.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for off := int64(0); off < in.Size() && err == nil; {
		if err = u.ctx.Err(); err != nil {
			break
		}
		b := u.buf[:min(int64(len(u.buf)), in.Size()-off)]
		var n int
		if n, err = in.ReadAt(b, off); errors.Is(err, io.EOF) && n == len(b) {
			err = nil
		}
		if n > 0 {
			if _, werr := out.Write(b[:n]); err == nil {
				err = werr
			}
		}
		off += int64(n)
	}
	return errors.Join(err, out.Close())
}

// own gives a file its owner, or says that it did not.
func (u *unpacker) own(it item, chown func() error) error {
	switch {
	case it.UID < 0 || it.GID < 0:
		return nil
	case u.o.Owners:
		return chown()
	case it.UID != os.Geteuid() || it.GID != os.Getegid():
		u.lost(it.Node, LostOwner)
	}
	return nil
}

// finish sets owner, permissions and time, in this order: a change of owner
// takes setuid away.
func (u *unpacker) finish(to *os.Root, name string, it item) error {
	if err := u.own(it, func() error { return to.Chown(name, it.UID, it.GID) }); err != nil {
		return err
	}
	mode := it.Mode
	const setID = fs.ModeSetuid | fs.ModeSetgid
	if !u.o.Owners && mode&setID != 0 {
		// setuid for root must not become setuid for whoever unpacks.
		mode &^= setID
		u.lost(it.Node, LostSetID)
	}
	if it.Capability != "" {
		u.lost(it.Node, LostCapability)
	}
	if err := to.Chmod(name, mode); err != nil {
		return err
	}
	at := time.Unix(it.mtime, 0)
	return to.Chtimes(name, at, at)
}

// RemoveAll removes an unpacked tree, also one with directories that nobody
// may write to.
func RemoveAll(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || os.Geteuid() == 0 {
		return err
	}
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700) // before what is in it is read
		}
		return nil
	})
	return os.RemoveAll(dir)
}
