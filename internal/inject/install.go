package inject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Installed is the result of Install.
type Installed struct {
	SchemaVersion int    `json:"schemaVersion"`
	Path          string `json:"path"`
	Size          int64  `json:"size"`    // bytes
	Changed       bool   `json:"changed"` // false: it was there already
}

// InstallOptions says how a program is copied.
type InstallOptions struct {
	Source string // the program
	Dir    string // where to; it is made if it is not there
	Force  bool   // replace a file of the same name that is another
	// Free gives the bytes that are free in a directory, and false if that
	// cannot be told.
	Free func(dir string) (uint64, bool)
}

// tmpPrefix begins the names of unfinished copies.
const tmpPrefix = ".slipway-tmp-slipway-"

// Install copies a program into a directory under the name slipway, mode 0755:
// under a temporary name first, then by rename, so that nobody starts half of
// it. A file that is the same already is left alone.
func Install(ctx context.Context, o InstallOptions) (Installed, error) {
	dst := filepath.Join(o.Dir, "slipway")
	r := Installed{SchemaVersion: SchemaVersion, Path: dst}
	src, err := os.Open(o.Source)
	if err != nil {
		return r, fmt.Errorf("open the running program: %w", err)
	}
	defer src.Close()
	fi, err := src.Stat()
	if err != nil {
		return r, fmt.Errorf("look at the running program: %w", err)
	}
	r.Size = fi.Size()
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return r, fault.New(err, i18n.M("install.dir", o.Dir), i18n.M("install.dir.hint"))
	}
	old, err := os.Lstat(dst)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return r, fmt.Errorf("look at %s: %w", dst, err)
	case !old.Mode().IsRegular():
		return r, fault.UsageError(i18n.M("install.notfile", dst), i18n.M("install.notfile.hint"))
	default:
		same, err := sameContent(ctx, src, dst, r.Size)
		if err != nil {
			return r, err
		}
		if same {
			if old.Mode().Perm()&0o111 != 0o111 {
				if err := os.Chmod(dst, 0o755); err != nil {
					return r, fmt.Errorf("make %s executable: %w", dst, err)
				}
				r.Changed = true
			}
			return r, nil
		}
		if !o.Force {
			return r, fault.UsageError(i18n.M("install.other", dst), i18n.M("install.other.hint"))
		}
	}
	leftovers(o.Dir)
	if o.Free != nil {
		if free, ok := o.Free(o.Dir); ok && free < uint64(r.Size) {
			return r, fault.New(nil, i18n.M("install.space", o.Dir, free>>20, (r.Size>>20)+1), i18n.M("install.space.hint"))
		}
	}
	r.Changed = true
	return r, replace(ctx, src, o.Dir, dst)
}

func replace(ctx context.Context, src io.ReadSeeker, dir, dst string) (err error) {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the running program: %w", err)
	}
	f, err := os.CreateTemp(dir, tmpPrefix+"*")
	if err != nil {
		return fault.New(err, i18n.M("install.dir", dir), i18n.M("install.dir.hint"))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = io.Copy(f, contextReader{ctx, src})
	if err == nil {
		err = f.Chmod(0o755)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), dst)
	}
	if err != nil {
		return fmt.Errorf("copy to %s: %w", dst, err)
	}
	return nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// leftovers removes what a killed copy left.
func leftovers(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tmpPrefix) && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func sameContent(ctx context.Context, src io.ReadSeeker, name string, size int64) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || fi.Size() != size {
		return false, err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	a, b := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := io.ReadFull(src, a)
		m, err2 := io.ReadFull(f, b)
		if n != m || !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		if err != nil || err2 != nil {
			ended := func(e error) bool { return errors.Is(e, io.EOF) || errors.Is(e, io.ErrUnexpectedEOF) }
			if ended(err) && ended(err2) {
				return true, nil
			}
			return false, errors.Join(err, err2)
		}
	}
}
