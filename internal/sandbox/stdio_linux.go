package sandbox

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// stdio connects the standard streams of a program.
type stdio struct {
	child []int      // the descriptors the program gets: 0, 1, 2
	pipes []int      // which of the three are pipes made here
	ends  []int      // the child's ends, to close once it has them
	ours  []*os.File // our ends
	copy  []func()   // to be run while the program runs
	feed  *os.File   // our end of its standard input
	wait  sync.WaitGroup
}

func (o *stdio) open(spec Spec) error {
	if f, ok := spec.Stdin.(*os.File); ok {
		o.child = append(o.child, int(f.Fd()))
	} else if spec.Stdin == nil {
		if err := o.null(os.O_RDONLY); err != nil {
			return err
		}
	} else {
		r, w, err := pipe(1)
		if err != nil {
			return fmt.Errorf("open standard input: %w", err)
		}
		o.feed = os.NewFile(uintptr(w), "stdin")
		o.ends, o.ours = append(o.ends, r), append(o.ours, o.feed)
		o.child, o.pipes = append(o.child, r), append(o.pipes, 0)
	}
	for i, out := range []io.Writer{spec.Stdout, spec.Stderr} {
		if f, ok := out.(*os.File); ok {
			o.child = append(o.child, int(f.Fd()))
			continue
		}
		if i == 1 && same(spec.Stdout, spec.Stderr) {
			// One pipe keeps the order, and spares the writer two callers.
			o.child = append(o.child, o.child[1])
			if out != nil {
				o.pipes = append(o.pipes, 2)
			}
			continue
		}
		if out == nil {
			if err := o.null(os.O_WRONLY); err != nil {
				return err
			}
			continue
		}
		rfd, w, err := pipe(0)
		if err != nil {
			return fmt.Errorf("open standard output: %w", err)
		}
		r := os.NewFile(uintptr(rfd), "stdout")
		o.ends, o.ours = append(o.ends, w), append(o.ours, r)
		o.child, o.pipes = append(o.child, w), append(o.pipes, i+1)
		o.copy = append(o.copy, func() {
			if _, err := io.Copy(out, r); err != nil {
				// A program must not end for the sake of its listener.
				_, _ = io.Copy(io.Discard, r)
			}
		})
	}
	return nil
}

func (o *stdio) null(flag int) error {
	fd, err := unix.Open(os.DevNull, flag|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	o.ends, o.child = append(o.ends, fd), append(o.child, fd)
	return nil
}

// closeChild closes what the child has now.
func (o *stdio) closeChild() {
	closeAll(o.ends)
	o.ends = nil
}

// start begins to copy. A reader of standard input that blocks for ever
// cannot be waited for; it ends with its next byte.
func (o *stdio) start(stdin io.Reader) {
	for _, f := range o.copy {
		o.wait.Go(f)
	}
	if o.feed != nil {
		go func() {
			_, _ = io.Copy(o.feed, stdin) // the program need not read it all
			_ = o.feed.Close()
		}()
	}
}

// drain waits until everything the program wrote has been copied.
func (o *stdio) drain() { o.wait.Wait() }

func (o *stdio) close() {
	for _, f := range o.ours {
		_ = f.Close()
	}
}

// same reports whether two writers are one.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }() // of a type that cannot be compared: two
	return a == b
}
