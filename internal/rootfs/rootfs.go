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
// The package knows tar and the rules of the OCI image specification for
// layers, and nothing of registries, Go programs and judgements.
package rootfs

import "io/fs"

// Kind is what a Node is.
type Kind string

// The kinds.
const (
	Dir     Kind = "dir"
	Regular Kind = "file"
	Symlink Kind = "link"
	Device  Kind = "device" // a device node; it is never made on this machine
	Fifo    Kind = "fifo"
)

// Node is one file, directory or link of a tree.
type Node struct {
	Path  string      `json:"path"` // absolute and clean
	Kind  Kind        `json:"kind"`
	Mode  fs.FileMode `json:"mode"` // permission bits with setuid, setgid and sticky
	UID   int         `json:"uid"`
	GID   int         `json:"gid"`
	Size  int64       `json:"size,omitempty"` // bytes of a regular file
	Link  string      `json:"link,omitempty"` // target of a symbolic link, as it stands there
	Layer int         `json:"layer"`          // index of the layer it comes from
}
