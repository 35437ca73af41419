package rootfs

import (
	"os"
	"path/filepath"
)

// hold claims a directory for this process until release is called or the
// process ends: Windows removes no file that is open, and so nobody removes
// the directory. The error says that another has it.
func hold(dir string) (release func(), err error) {
	name := filepath.Join(dir, ".held")
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return func() {
		_ = f.Close()
		_ = os.Remove(name)
	}, nil
}
