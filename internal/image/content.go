package image

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// content collects what goes into one layer, with a name for the bytes of each
// file, from which the layer's key is made.
type content struct {
	title string
	items []item
}

type item struct {
	Entry
	sum string // names the bytes of a regular file
	// onDisk is where a file or link of the user lies on this disk; empty for
	// what was made here or comes from elsewhere.
	onDisk string
	// implied is set for a directory that nobody gave permissions to: one that
	// a lower layer holds keeps what it has there.
	implied bool
}

func (c *content) dir(path string, mode int64, uid, gid int) {
	c.items = append(c.items, item{Entry: Entry{Path: path, Mode: mode, UID: uid, GID: gid, Dir: true}})
}

// bytes adds a file of root's that lies in memory.
func (c *content) bytes(path string, mode int64, b []byte) {
	c.items = append(c.items, item{
		Entry: Entry{Path: path, Mode: mode, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b)), nil
		}},
		sum: digestBytes(b),
	})
}

// onDisk gives the files and links that lie on this disk: path in the image to
// path there.
func (c *content) onDisk() map[string]string {
	out := map[string]string{}
	for _, it := range c.items {
		if it.onDisk != "" {
			out[it.Path] = it.onDisk
		}
	}
	return out
}

// spec gives the layer. An empty content has no layer.
func (c *content) spec(created time.Time) (spec LayerSpec, ok bool) {
	if len(c.items) == 0 {
		return LayerSpec{}, false
	}
	spec = LayerSpec{Title: c.title, Created: created}
	lines := make([]string, 0, len(c.items))
	for _, it := range c.items {
		spec.Entries = append(spec.Entries, it.Entry)
		lines = append(lines, fmt.Sprintf("%q %o %d %d %t %q %d %s", it.Path, it.Mode, it.UID, it.GID, it.Dir, it.Link, it.Size, it.sum))
	}
	slices.Sort(lines)
	spec.Key = hashStrings(lines...)
	return spec, true
}

// openVerified opens a file whose bytes were named by digest before. That they
// are still the same is checked while they are read: a layer remembered under
// the name of other bytes would be wrong for ever.
func openVerified(path, digest string, open func() (*os.File, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		f, err := open()
		if err != nil {
			return nil, err
		}
		return &verifiedReader{File: f, h: sha256.New(), path: path, want: digest}, nil
	}
}

type verifiedReader struct {
	*os.File
	h          hash.Hash
	path, want string
}

func (v *verifiedReader) Read(p []byte) (int, error) {
	n, err := v.File.Read(p)
	v.h.Write(p[:n])
	if err == io.EOF && digestOf(v.h.Sum(nil)) != v.want {
		err = fault.New(nil, i18n.M("image.bytes", v.path), i18n.M("image.bytes.hint"))
	}
	return n, err
}
