package binary

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// guard is the only way to the file's bytes: it ends reading when the context
// ends, and when more was read than any honest file makes us read.
type guard struct {
	ctx    context.Context
	r      io.ReaderAt
	size   int64 // bytes
	budget int64 // bytes that may still be read
	err    error // the first error that is not the file's fault
}

func (g *guard) ReadAt(p []byte, off int64) (int, error) {
	if g.ctx.Err() != nil {
		g.err = context.Cause(g.ctx)
		return 0, g.err
	}
	if off < 0 || off >= g.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > g.size-off
	if short {
		p = p[:g.size-off]
	}
	if g.budget -= int64(len(p)); g.budget < 0 {
		return 0, fmt.Errorf("%w: its tables are larger than the file", ErrDamaged)
	}
	n, err := g.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		g.err = err
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// overlay is r with its first bytes replaced by head.
type overlay struct {
	head []byte
	r    io.ReaderAt
}

func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(o.head)) {
		return o.r.ReadAt(p, off)
	}
	n := copy(p, o.head[off:])
	if n == len(p) {
		return n, nil
	}
	m, err := o.r.ReadAt(p[n:], off+int64(n))
	return n + m, err
}

// readHead reads n bytes at off; fewer is an error.
func readHead(r io.ReaderAt, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	m, err := r.ReadAt(b, off)
	if m == len(b) {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// inside reports whether n bytes at off lie in a file of size bytes.
func inside(off, n uint64, size int64) bool {
	return n <= uint64(size) && off <= uint64(size)-n
}

// str gives the NUL-terminated string at off in table, at most maxName bytes.
func str(table []byte, off uint64) string {
	if off >= uint64(len(table)) {
		return ""
	}
	table = table[off:]
	if len(table) > maxName {
		table = table[:maxName]
	}
	for i, c := range table {
		if c == 0 {
			return string(table[:i])
		}
	}
	return string(table)
}

// maxName bounds one name or path, as PATH_MAX does; bytes.
const maxName = 4096
