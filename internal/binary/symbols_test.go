package binary

import (
	"bytes"
	"os"
	"slices"
	"testing"
)

// FuzzDynamicSymbols reads the symbols of what may be a library: nothing
// panics, and names are never more than the file could hold.
func FuzzDynamicSymbols(f *testing.F) {
	if self, err := os.ReadFile("/proc/self/exe"); err == nil {
		f.Add(self[:min(len(self), 4096)])
	}
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Add(smallLibrary())
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := DynamicSymbols(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err == nil && len(list) > len(b) {
			t.Errorf("%d symbols in %d bytes", len(list), len(b))
		}
	})
}

// smallLibrary is an ELF file of 64 bits with three dynamic symbols: foo, which
// it has, and bar and weak, which it wants.
func smallLibrary() []byte {
	strtab := []byte("\x00foo\x00bar\x00weak\x00.dynsym\x00.dynstr\x00")
	sym := func(name uint32, info byte, section uint16) []byte {
		return append([]byte{byte(name), byte(name >> 8), 0, 0, info, 0, byte(section), byte(section >> 8)}, make([]byte, 16)...)
	}
	symtab := slices.Concat(make([]byte, 24), sym(1, 0x12, 1), sym(5, 0x10, 0), sym(9, 0x20, 0))
	const head, entry = 64, 64
	le := func(n uint64, size int) []byte {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(n >> (8 * i))
		}
		return b
	}
	section := func(name, typ, off, size, link, info, each int) []byte {
		return slices.Concat(le(uint64(name), 4), le(uint64(typ), 4), le(0, 8), le(0, 8), le(uint64(off), 8), le(uint64(size), 8), le(uint64(link), 4), le(uint64(info), 4), le(1, 8), le(uint64(each), 8))
	}
	symAt := head
	strAt := symAt + len(symtab)
	secAt := strAt + len(strtab)
	b := slices.Concat([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9), le(3, 2), le(62, 2), le(1, 4), le(0, 8), le(0, 8), le(uint64(secAt), 8),
		le(0, 4), le(head, 2), le(56, 2), le(0, 2), le(entry, 2), le(3, 2), le(2, 2))
	return slices.Concat(b, symtab, strtab, make([]byte, entry), section(14, 11, symAt, len(symtab), 2, 1, 24), section(22, 3, strAt, len(strtab), 0, 0, 0))
}

func TestDynamicSymbols(t *testing.T) {
	b := smallLibrary()
	got, err := DynamicSymbols(t.Context(), bytes.NewReader(b), int64(len(b)))
	want := []Symbol{{Name: "foo", Defined: true}, {Name: "bar"}, {Name: "weak", Weak: true}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
