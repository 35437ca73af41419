//go:build unix

package rootfs

import (
	"io/fs"
	"syscall"
)

// nonblock keeps what became a pipe in the meantime from holding us up.
const nonblock = syscall.O_NONBLOCK

type fileID struct{ dev, ino uint64 }

// ownerOf gives the owner of a file, and what tells its hard links.
func ownerOf(fi fs.FileInfo) (uid, gid int, id any) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1, nil
	}
	if st.Nlink > 1 {
		id = fileID{uint64(st.Dev), uint64(st.Ino)}
	}
	return int(st.Uid), int(st.Gid), id
}
