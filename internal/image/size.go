package image

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CompressedSize gives how many bytes r would take in a layer, compressed by
// gzip or zstd with the settings of our layers.
func CompressedSize(ctx context.Context, r io.Reader, compression string) (int64, error) {
	comp, err := compressorFor(compression)
	if err != nil {
		return 0, err
	}
	var n byteCount
	z, err := comp.open(&n)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(z, readFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	}))
	if cerr := z.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, fmt.Errorf("compress by %s: %w", comp.name, err)
	}
	return int64(n), nil
}

// Tar gives the uncompressed tar of a layer that was made or fetched here. Its
// blob is held against the digest; an error of the reader may be that.
func (l Layer) Tar(ctx context.Context) (io.ReadCloser, error) { return unpack(ctx, l) }

type byteCount int64

func (n *byteCount) Write(p []byte) (int, error) {
	*n += byteCount(len(p))
	return len(p), nil
}

// DirLayer describes the layer that holds all files below a directory of this
// machine, such as an unpacked root file system. Devices, sockets and pipes
// are left out: no runtime takes them from a layer that it does not trust.
func DirLayer(dir, title string, created time.Time) (LayerSpec, error) {
	spec := LayerSpec{Title: title, Created: created}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil || rel == "." {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		e := Entry{Path: path.Join("/", filepath.ToSlash(rel)), Mode: int64(fi.Mode().Perm()), Dir: fi.IsDir()}
		for bit, tar := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
			if fi.Mode()&bit != 0 {
				e.Mode |= tar
			}
		}
		e.UID, e.GID = owner(fi)
		switch {
		case fi.IsDir():
		case fi.Mode().IsRegular():
			e.Size = fi.Size()
			e.Open = func() (io.ReadCloser, error) { return os.Open(name) }
		case fi.Mode()&fs.ModeSymlink != 0:
			if e.Link, err = os.Readlink(name); err != nil {
				return err
			}
		default:
			return nil
		}
		spec.Entries = append(spec.Entries, e)
		return nil
	})
	if err != nil {
		return LayerSpec{}, fmt.Errorf("read root file system: %w", err)
	}
	slices.SortFunc(spec.Entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return spec, nil
}
