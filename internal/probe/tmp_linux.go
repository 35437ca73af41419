package probe

import (
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

func owner(fi fs.FileInfo) (uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

// fsNames are the magic numbers of statfs(2) that containers meet.
var fsNames = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.NFS_SUPER_MAGIC: "nfs",
	unix.RAMFS_MAGIC: "ramfs", unix.SQUASHFS_MAGIC: "squashfs", unix.FUSE_SUPER_MAGIC: "fuse",
	unix.PROC_SUPER_MAGIC: "proc", unix.V9FS_MAGIC: "9p",
}

func mountOf(dir string) Mount {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Mount{}
	}
	name := fsNames[int64(st.Type)]
	if name == "" {
		name = fmt.Sprintf("0x%x", st.Type)
	}
	return Mount{
		Type: name, FreeBytes: st.Bavail * uint64(st.Bsize), FreeInodes: st.Ffree, Inodes: st.Files,
		ReadOnly: int64(st.Flags)&unix.ST_RDONLY != 0, NoExec: int64(st.Flags)&unix.ST_NOEXEC != 0,
	}
}
