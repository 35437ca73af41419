package sizes

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/slipway-build/slipway/internal/binary"
)

// FuzzSums changes a real program where the readers look, and expects sums that
// hold, or an error that says that the file is damaged; never a panic.
func FuzzSums(f *testing.F) {
	names := []string{"elf-stripped", "elf", "pe", "pe-stripped", "macho", "elf-32"}
	whole := make([][]byte, len(names))
	for i, name := range names {
		b, err := os.ReadFile(program(f, name))
		if err != nil {
			f.Fatal(err)
		}
		whole[i] = b
		f.Add(byte(i), uint32(0x20), uint64(1), uint32(0), uint64(0))
		f.Add(byte(i), uint32(len(b)/2), uint64(0xffffffff), uint32(4096), uint64(8))
	}
	opened := make([]*binary.File, len(names))
	for i := range names {
		o, err := binary.Read(context.Background(), bytes.NewReader(whole[i]), int64(len(whole[i])))
		if err != nil {
			f.Fatal(err)
		}
		opened[i] = o
	}
	f.Fuzz(func(t *testing.T, which byte, at1 uint32, v1 uint64, at2 uint32, v2 uint64) {
		i := int(which) % len(names)
		r := &patched{b: whole[i], at: [2]int64{int64(at1) % int64(len(whole[i])), int64(at2) % int64(len(whole[i]))}, v: [2]uint64{v1, v2}}
		rep, err := Read(t.Context(), r, opened[i])
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		check(t, rep)
	})
}

// FuzzBytes reads anything that package binary takes for a program.
func FuzzBytes(f *testing.F) {
	for _, name := range []string{"elf-stripped", "pe", "macho"} {
		b, err := os.ReadFile(program(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:4096])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := binary.Read(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		rep, err := Read(t.Context(), bytes.NewReader(b), o)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		check(t, rep)
	})
}

// patched is b with eight bytes changed at two places.
type patched struct {
	b  []byte
	at [2]int64
	v  [2]uint64
}

func (p *patched) ReadAt(dst []byte, off int64) (int, error) {
	n, err := bytes.NewReader(p.b).ReadAt(dst, off)
	for i, at := range p.at {
		for j := range int64(8) {
			if k := at + j - off; k >= 0 && k < int64(n) {
				dst[k] ^= byte(p.v[i] >> (8 * j))
			}
		}
	}
	return n, err
}
