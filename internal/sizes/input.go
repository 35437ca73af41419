package sizes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// input is the file as the readers see it: never more of it than there is.
type input struct {
	ctx   context.Context
	r     io.ReaderAt
	base  int64 // where the program begins; not 0 in a Mach-O file of several
	size  int64 // bytes of the program
	whole int64 // bytes of the file
	order binary.ByteOrder
	ptr   int // bytes of a pointer
}

// bytes reads n bytes at off; that they are not there is ErrDamaged.
func (in *input) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > in.size || off > in.size-n {
		return nil, fmt.Errorf("%w: %d bytes at %d lie beyond its end", ErrDamaged, n, off)
	}
	b := make([]byte, n)
	return b, in.fill(b, off)
}

// part reads n bytes of a part, at an offset of the file.
func (in *input) part(off, n int64) ([]byte, error) { return in.bytes(off-in.base, n) }

// fill reads into b what stands at off.
func (in *input) fill(b []byte, off int64) error {
	if err := in.ctx.Err(); err != nil {
		return context.Cause(in.ctx)
	}
	n, err := in.r.ReadAt(b, in.base+off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends at %d", ErrDamaged, off+int64(n))
	}
	return err
}

// word reads a pointer of the program.
func (in *input) word(b []byte, i int) uint64 {
	if in.ptr == 4 {
		return uint64(in.order.Uint32(b[4*i:]))
	}
	return in.order.Uint64(b[8*i:])
}

// cstring gives the string that begins at off in a table of NUL-terminated
// ones, without copying it.
func cstring(table []byte, off uint64) []byte {
	if off >= uint64(len(table)) {
		return nil
	}
	b := table[off:]
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
