//go:build unix

package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"syscall"
)

// readLimited reads a file into buf if it fits there. It does by itself what
// os.File does: for thousands of small files, the poller that a file is
// offered to and the finalizer that it gets are a twentieth of all time.
func readLimited(name string, limit int64, buf []byte) ([]byte, error) {
	var fd int
	err := again(func() (err error) {
		// Without O_NONBLOCK a pipe that took the file's place would hang us.
		fd, err = syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := again(func() error { return syscall.Fstat(fd, &st) }); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG || st.Size > limit {
		return nil, fmt.Errorf("larger than %d bytes, or no regular file", limit)
	}
	n := int(st.Size)
	b := slices.Grow(buf[:0], n)[:n]
	for at := 0; at < n; {
		var m int
		err := again(func() (err error) {
			m, err = syscall.Read(fd, b[at:])
			return err
		})
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		}
		if m == 0 {
			return nil, io.ErrUnexpectedEOF // it became shorter meanwhile
		}
		at += m
	}
	return b, nil
}

// again calls f until no signal interrupts it.
func again(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
