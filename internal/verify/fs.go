package verify

import (
	"path"

	"github.com/slipway-build/slipway/internal/ldso"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// treeFS is a tree as the dynamic linker sees it.
type treeFS struct{ *rootfs.Tree }

var _ ldso.FS = (*treeFS)(nil)

// Resolve implements ldso.FS. The links on the way are of no use here.
func (t *treeFS) Resolve(p string) (string, []ldso.Link, error) {
	n, err := t.Tree.Resolve(p)
	return n.Path, nil, err
}

// Open implements ldso.FS.
func (t *treeFS) Open(real string) (ldso.File, error) { return t.Tree.Open(real) }

// Names implements ldso.FS.
func (t *treeFS) Names(real string) ([]string, error) {
	list, err := t.Tree.ReadDir(real)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = path.Base(n.Path)
	}
	return out, nil
}
