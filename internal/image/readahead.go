package image

import "io"

// Sizes of reading ahead: what one turn hands over, and how many turns may be
// waiting.
const (
	aheadChunk = 256 << 10 // bytes
	aheadTurns = 3
)

// readAhead reads r in a goroutine of its own, so that what r costs, such as
// decompression, and what is done with its bytes, such as hashing, go on at
// the same time. r is not used any more once an error was read, or Close has
// returned.
type readAhead struct {
	free chan []byte
	full chan turn
	stop chan struct{}
	done chan struct{}
	now  turn
	left []byte
}

type turn struct {
	buf []byte
	n   int
	err error
}

func newReadAhead(r io.Reader) *readAhead {
	a := &readAhead{free: make(chan []byte, aheadTurns), full: make(chan turn, aheadTurns), stop: make(chan struct{}), done: make(chan struct{})}
	for range aheadTurns {
		a.free <- nil // made when it is needed
	}
	go a.run(r)
	return a
}

func (a *readAhead) run(r io.Reader) {
	defer close(a.done)
	for {
		var b []byte
		select {
		case b = <-a.free:
		case <-a.stop:
			return
		}
		if b == nil {
			b = make([]byte, aheadChunk)
		}
		t := turn{buf: b}
		for t.n < len(b) && t.err == nil {
			var n int
			n, t.err = r.Read(b[t.n:])
			t.n += n
		}
		a.full <- t // has room for every buffer there is
		if t.err != nil {
			return
		}
	}
}

// Read implements io.Reader.
func (a *readAhead) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.buf != nil {
			a.free <- a.now.buf // has room for every buffer there is
		}
		a.now = <-a.full
		a.left = a.now.buf[:a.now.n]
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// Close ends the goroutine. Read must not be called after it.
func (a *readAhead) Close() error {
	select {
	case <-a.done:
	default:
		close(a.stop)
		<-a.done
	}
	return nil
}
