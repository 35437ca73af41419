//go:build unix

package image

import (
	"io/fs"
	"syscall"
)

// owner gives the user and group a file belongs to.
func owner(fi fs.FileInfo) (uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}
