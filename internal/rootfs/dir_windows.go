package rootfs

import "io/fs"

const nonblock = 0

// ownerOf says that Windows knows no such owners.
func ownerOf(fs.FileInfo) (uid, gid int, id any) { return -1, -1, nil }
