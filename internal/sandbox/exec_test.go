//go:build linux

package sandbox

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestStreams(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		in := make([]byte, 3<<20)
		_, _ = rand.Read(in)
		var out, errs bytes.Buffer
		root := newRoot(t)
		b := prepare(t, c, Spec{Root: root, Args: []string{"/bin/guest", "echo"}, Stdin: bytes.NewReader(in), Stdout: &out, Stderr: &errs})
		if _, err := b.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		if exit, err := b.Wait(within(t)); err != nil || exit.Code != 0 {
			t.Fatalf("%+v, %v", exit, err)
		}
		if !bytes.Equal(out.Bytes(), in) || errs.String() != fmt.Sprint(len(in)) {
			t.Errorf("%d bytes came back, and %q", out.Len(), errs.String())
		}

		// Nothing of the end of much output is lost, whoever holds the other
		// end of the pipe.
		for range c.times(5) {
			out.Reset()
			errs.Reset()
			b = prepare(t, c, Spec{Root: root, Args: []string{"/bin/guest", "fork", "2", "--", "fill", "4"}, Stdout: &out, Stderr: &errs})
			if _, err := b.Start(within(t)); err != nil {
				t.Fatal(err)
			}
			if exit, err := b.Wait(within(t)); err != nil || exit.Code != 0 {
				t.Fatalf("%+v, %v", exit, err)
			}
			if !strings.HasSuffix(out.String(), fmt.Sprintf("%063d\n", 4<<14-1)) {
				t.Errorf("%d bytes of output", out.Len())
			}
		}

		// Files of this process are handed over as they are.
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b = prepare(t, c, Spec{Root: root, Args: []string{"/bin/guest", "exit", "0"}, Stdin: f, Stdout: f})
		if _, err := b.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Wait(within(t)); err != nil {
			t.Fatal(err)
		}
		// A listener that has had enough does not end the program.
		b = prepare(t, c, Spec{Root: root, Args: []string{"/bin/guest", "fill", "1", "--", "exit", "5"}, Stdout: broken{}})
		if _, err := b.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		if exit, err := b.Wait(within(t)); err != nil || exit.Code != 5 {
			t.Errorf("%+v, %v", exit, err)
		}
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestExecErrors(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		write(t, root, "bin/plain", "no program\n", 0o755)
		write(t, root, "bin/locked", "x", 0o644)
		write(t, root, "bin/script", "#!/bin/absent -x\n", 0o755)
		write(t, root, "bin/dynamic", elfWithInterpreter("/lib64/ld-absent.so.2", 62), 0o755)
		write(t, root, "bin/foreign", elfWithInterpreter("", 183), 0o755)
		write(t, root, "opt/bin/guest", "x", 0o644)
		for _, e := range []struct {
			args   []string
			is     error
			interp string
			says   string
		}{
			{[]string{"/bin/absent"}, syscall.ENOENT, "", "/bin/absent"},
			{[]string{"absent"}, syscall.ENOENT, "", "absent"},
			{[]string{"/bin/plain"}, syscall.ENOEXEC, "", "/bin/plain"},
			{[]string{"/bin/locked"}, syscall.EACCES, "", "/bin/locked"},
			{[]string{"/srv"}, syscall.EACCES, "", "/srv"},
			{[]string{"/bin/script"}, syscall.ENOENT, "/bin/absent", "interpreter /bin/absent"},
			{[]string{"/bin/dynamic"}, syscall.ENOENT, "/lib64/ld-absent.so.2", "ld-absent"},
			{[]string{"/bin/foreign"}, syscall.ENOEXEC, "", "EM_AARCH64"},
		} {
			b := prepare(t, c, Spec{Root: root, Args: e.args})
			_, err := b.Start(within(t))
			var ee *ExecError
			if !errors.Is(err, e.is) || !errors.As(err, &ee) || ee.Interpreter != e.interp || !strings.Contains(err.Error(), e.says) {
				t.Errorf("%v: error %v", e.args, err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		// A name is looked for in the PATH, past what cannot be executed.
		b := prepare(t, c, Spec{Root: root, Args: []string{"guest", "exit", "4"}, Env: []string{"PATH=/nowhere:/opt/bin:/bin"}})
		if _, err := b.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		if exit, err := b.Wait(within(t)); err != nil || exit.Code != 4 {
			t.Errorf("%+v, %v", exit, err)
		}
		// A relative path is below the working directory.
		b = prepare(t, c, Spec{Root: root, Args: []string{"./guest", "exit", "4"}, Dir: "/bin"})
		if _, err := b.Start(within(t)); err != nil {
			t.Fatal(err)
		}
	})
}

// elfWithInterpreter is the smallest file the kernel takes for a program.
func elfWithInterpreter(interp string, machine byte) string {
	b := make([]byte, 64+2*56)
	copy(b, "\x7fELF\x02\x01\x01")
	b[16], b[18], b[20] = 2, machine, 1
	b[25], b[26] = 0, 0x40 // entry
	b[32] = 64             // program headers
	b[52], b[54], b[56] = 64, 56, 2
	p := b[64:]
	p[0] = 3 // PT_INTERP
	p[8] = byte(len(b))
	p[32], p[40] = byte(len(interp)+1), byte(len(interp)+1)
	l := b[64+56:]
	l[0], l[4] = 1, 5 // PT_LOAD, readable and executable
	l[18], l[26] = 0x40, 0x40
	l[32], l[40] = byte(len(b)), byte(len(b))
	l[49] = 0x10
	return string(b) + interp + "\x00"
}
