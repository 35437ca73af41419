package rootfs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// OpenDir gives a directory of this machine as a tree: absolute links in it
// begin at dir, and none leads out of it. Nothing is read before it is asked
// for. The caller closes the tree.
func OpenDir(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Tree{src: &directory{root}}, nil
}

// directory is the source of such a tree. That os.Root follows no link out of
// it holds even if somebody changes the directory meanwhile.
type directory struct{ root *os.Root }

// local is the path for os.Root.
func local(p string) string {
	if p == "/" {
		return "."
	}
	return filepath.FromSlash(strings.TrimPrefix(p, "/"))
}

func (d *directory) lstat(p string) (item, error) {
	fi, err := d.root.Lstat(local(p))
	if err != nil {
		return item{}, cause(err)
	}
	return d.item(p, fi)
}

func (d *directory) item(p string, fi fs.FileInfo) (item, error) {
	it := item{Node: Node{Path: p, Mode: fi.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)}, mtime: fi.ModTime().Unix()}
	it.UID, it.GID, it.id = ownerOf(fi)
	switch t := fi.Mode().Type(); {
	case t == 0:
		it.Kind, it.Size = Regular, fi.Size()
	case t == fs.ModeDir:
		it.Kind, it.id = Dir, nil
	case t&fs.ModeSymlink != 0:
		to, err := d.root.Readlink(local(p))
		if err != nil {
			return item{}, cause(err)
		}
		it.Kind, it.Link = Symlink, filepath.ToSlash(to)
	case t&fs.ModeNamedPipe != 0:
		it.Kind = Fifo
	default:
		it.Kind = Device
	}
	return it, nil
}

func (d *directory) readDir(p string) ([]item, error) {
	f, err := d.root.Open(local(p))
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		return nil, cause(err)
	}
	out := make([]item, 0, len(list))
	for _, e := range list {
		fi, err := e.Info()
		if err != nil {
			return nil, cause(err)
		}
		it, err := d.item(path.Join(p, e.Name()), fi)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	slices.SortFunc(out, func(a, b item) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func (d *directory) open(p string) (File, error) {
	// To open a pipe would wait for its other end.
	fi, err := d.root.Lstat(local(p))
	if err != nil {
		return nil, cause(err)
	}
	if !fi.Mode().IsRegular() {
		return nil, errNotFile
	}
	f, err := d.root.OpenFile(local(p), os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, cause(err)
	}
	if fi, err = f.Stat(); err != nil || !fi.Mode().IsRegular() {
		_ = f.Close()
		return nil, errNotFile
	}
	return &diskFile{f, fi.Size()}, nil
}

func (d *directory) close() error { return d.root.Close() }

// cause takes the path out of an error, which the tree names by its own.
func cause(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err
	}
	return err
}

// diskFile is a file of this machine.
type diskFile struct {
	*os.File
	size int64
}

// Size implements File.
func (f *diskFile) Size() int64 { return f.size }
