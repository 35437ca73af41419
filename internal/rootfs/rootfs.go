// Package rootfs lays the layers of an image over one another and gives the
// tree of files that a container would see: to look things up in, to read
// programs from, and to unpack into a directory. A directory of this machine
// can be seen the same way.
//
// Layers may come from anyone. What escapes its root (.. in a path, a link out
// of it, a hard link to a file of this machine), what is larger than a bound,
// and what says two things at once is refused, and nothing is written outside
// the directory that was named.
//
// # What layers mean
//
// The rules are those of the OCI image specification v1.1, layer.md:
//
//   - "Changeset over existing files": two directories of one path become one
//     with the attributes of the upper; anything else replaces what was there,
//     a file a whole directory too.
//   - "Whiteouts" and "Opaque Whiteout": .wh.NAME hides NAME, .wh..wh..opq all
//     its siblings, of lower layers only, wherever in the layer they stand.
//   - "Hardlinks": a link may name a file of a lower layer.
//   - "Distributable Format": a layer must not hold a path twice. Entries that
//     say the same twice are let pass, for builders do that.
//   - "File Attributes": mode, uid, gid, mtime and the extended attribute
//     security.capability; names of users are not used.
//
// Where it says nothing, this package does what containerd and Docker make of
// a layer on an overlay file system: an entry whose parent is a symbolic link
// of a lower layer hides that link behind a directory, one whose parent is a
// link of its own layer goes to where the link leads; a directory that is not
// listed keeps what the layer below says of it. Names that begin with a slash
// are below the root, as in a chroot; well-known builders write such names.
//
// The package knows tar and these rules, and nothing of registries,
// compression, Go programs and judgements.
package rootfs

import (
	"context"
	"io"
	"io/fs"
)

// Kind is what a Node is.
type Kind string

// The kinds.
const (
	Dir     Kind = "dir"
	Regular Kind = "file"
	Symlink Kind = "link"
	Device  Kind = "device" // a device node, or a socket; it is never made on this machine
	Fifo    Kind = "fifo"
)

// Node is one file, directory or link of a tree.
type Node struct {
	Path  string      `json:"path"` // absolute and clean
	Kind  Kind        `json:"kind"`
	Mode  fs.FileMode `json:"mode"` // permission bits with setuid, setgid and sticky
	UID   int         `json:"uid"`  // -1 where the system does not say
	GID   int         `json:"gid"`
	Size  int64       `json:"size,omitempty"` // bytes of a regular file
	Link  string      `json:"link,omitempty"` // target of a symbolic link, as it stands there
	Layer int         `json:"layer"`          // index of the layer it comes from
	// Capability is the extended attribute security.capability in hex
	// (capabilities(7), "File capabilities"); trees of layers alone have it.
	Capability string `json:"capability,omitempty"`
}

// Layer is a layer before it is read.
type Layer struct {
	Name string // what errors call it, such as its digest
	// Open gives the uncompressed tar. Whoever opens it checks what it is; its
	// reader must fail instead of ending when the content is not what it should
	// be. It is read to its end.
	Open func(context.Context) (io.ReadCloser, error)
}

// Limits bound what layers can cost. A zero value is the default.
type Limits struct {
	Entries int    // files, directories and links, of all layers; default 524,288
	Names   int    // bytes of all names and link targets; default 64 MiB
	Bytes   int64  // of all tars; default 16 GiB
	Memory  int64  // bytes of content kept in memory, the rest is in one temporary file; default 32 MiB
	TempDir string // of that file; default: the system's
}

// Bounds that are no matter of taste: what is beyond them cannot be made on
// Linux.
const (
	maxPath  = 4096 // bytes; PATH_MAX
	maxName  = 255  // bytes; NAME_MAX
	maxDepth = 256  // directories above one another
	maxLinks = 40   // symbolic links that a path may lead through
	// maxHoles is how many bytes of content may come from no bytes of the tar,
	// as in sparse files.
	maxHoles = 64 << 20
)

func (l Limits) orDefault() Limits {
	if l.Entries <= 0 {
		l.Entries = 1 << 19
	}
	if l.Names <= 0 {
		l.Names = 64 << 20
	}
	if l.Bytes <= 0 {
		l.Bytes = 16 << 30
	}
	if l.Memory <= 0 {
		l.Memory = 32 << 20
	}
	return l
}

// File is the content of a regular file. It can be read until the tree is
// closed, also from several goroutines.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}
