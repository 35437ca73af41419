package rootfs

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// chunk is how much of a spool lies in one piece; bytes.
const chunk = 1 << 20

// pool is where the contents of all files of a tree are: in memory up to a
// bound, then in one temporary file.
type pool struct {
	dir string

	mu     sync.Mutex
	memory int64 // bytes that may still be kept in memory
	file   *os.File
	name   string // of the file, if it still has one
	next   int64  // end of the file
}

// keep reports whether n more bytes may stay in memory.
func (p *pool) keep(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int64(n) > p.memory {
		return false
	}
	p.memory -= int64(n)
	return true
}

// put writes b to the file and says where.
func (p *pool) put(b []byte) (int64, error) {
	p.mu.Lock()
	if p.file == nil {
		f, err := os.CreateTemp(p.dir, ".slipway-layers-")
		if err != nil {
			p.mu.Unlock()
			return 0, fmt.Errorf("keep layers in a temporary file: %w", err)
		}
		p.file, p.name = f, f.Name()
		// Where an open file can do without a name, nothing stays behind
		// whatever happens to this process.
		if os.Remove(p.name) == nil {
			p.name = ""
		}
	}
	at := p.next
	p.next += int64(len(b))
	f := p.file
	p.mu.Unlock()
	if _, err := f.WriteAt(b, at); err != nil {
		return 0, fmt.Errorf("keep layers in a temporary file: %w", err)
	}
	return at, nil
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	if p.name != "" {
		_ = os.Remove(p.name)
	}
	p.file = nil
	return err
}

// spool holds the contents of one layer's files, one after the other. It is
// filled by one goroutine and then read by any.
type spool struct {
	pool   *pool
	pieces []piece
	tail   []byte // being filled; at most a chunk
	size   int64
}

// piece is a whole chunk in memory, or in the file of the pool.
type piece struct {
	mem []byte
	at  int64
}

// read takes at most n bytes of r into the spool.
func (s *spool) read(r io.Reader, n int64) (int, error) {
	if len(s.tail) == cap(s.tail) {
		if err := s.grow(n); err != nil {
			return 0, err
		}
	}
	room := s.tail[len(s.tail):cap(s.tail)]
	if int64(len(room)) > n {
		room = room[:n]
	}
	m, err := r.Read(room)
	s.tail = s.tail[:len(s.tail)+m]
	s.size += int64(m)
	return m, err
}

// grow makes room in the tail for some of n more bytes.
func (s *spool) grow(n int64) error {
	if have := cap(s.tail); have < chunk {
		// Most layers are smaller than a chunk.
		next := make([]byte, len(s.tail), min(chunk, max(2*int64(have), int64(have)+n, 4<<10)))
		copy(next, s.tail)
		s.tail = next
		return nil
	}
	if s.pool.keep(chunk) {
		s.pieces = append(s.pieces, piece{mem: s.tail})
		s.tail = make([]byte, 0, min(chunk, max(n, 64<<10)))
		return nil
	}
	at, err := s.pool.put(s.tail)
	if err != nil {
		return err
	}
	s.pieces = append(s.pieces, piece{at: at})
	s.tail = s.tail[:0]
	return nil
}

// finish accounts for the last bytes, of which there may be many in all if
// there are many layers.
func (s *spool) finish() error {
	if len(s.tail) == 0 || s.pool.keep(cap(s.tail)) {
		return nil
	}
	at, err := s.pool.put(s.tail)
	if err != nil {
		return err
	}
	s.pieces, s.tail = append(s.pieces, piece{at: at}), nil
	return nil
}

// readAt fills p from off on; all of it must be there.
func (s *spool) readAt(p []byte, off int64) error {
	for len(p) > 0 {
		i, from := int(off/chunk), off%chunk
		var n int
		switch {
		case i == len(s.pieces):
			n = copy(p, s.tail[min(from, int64(len(s.tail))):])
		case i > len(s.pieces):
		case s.pieces[i].mem != nil:
			n = copy(p, s.pieces[i].mem[from:])
		default:
			n = int(min(int64(len(p)), chunk-from))
			if _, err := s.pool.file.ReadAt(p[:n], s.pieces[i].at+from); err != nil {
				return fmt.Errorf("read layers from a temporary file: %w", err)
			}
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// extent is the content of a file in a spool.
type extent struct {
	spool     *spool
	off, size int64
}

// ReadAt implements File.
func (e extent) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= e.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.size-off))
	if err := e.spool.readAt(p[:n], e.off+off); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size implements File.
func (e extent) Size() int64 { return e.size }

// Close implements File. The tree keeps the content.
func (e extent) Close() error { return nil }
