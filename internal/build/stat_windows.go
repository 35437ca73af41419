package build

import (
	"os"
	"syscall"
)

const (
	errReadOnly = syscall.Errno(19)  // ERROR_WRITE_PROTECT
	errNoSpace  = syscall.Errno(112) // ERROR_DISK_FULL
)

func inode(os.FileInfo) uint64 { return 0 }
