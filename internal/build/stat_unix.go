//go:build unix

package build

import (
	"os"
	"syscall"
)

const (
	errReadOnly = syscall.EROFS
	errNoSpace  = syscall.ENOSPC
)

func inode(fi os.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}
