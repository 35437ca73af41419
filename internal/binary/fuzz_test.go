package binary

import (
	"bytes"
	"encoding/binary"
	"os"
	"runtime"
	"testing"
	"time"
)

// FuzzReadIsBounded changes bytes of real programs, most of them in the
// headers. Whatever is in the file, Read must come back, with memory in
// proportion to its size.
func FuzzReadIsBounded(f *testing.F) {
	var files [][]byte
	for _, name := range []string{"elf", "elf-pie", "elf-be", "elf-32", "pe", "macho-strip"} {
		b, err := os.ReadFile(program(f, name))
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, b)
	}
	patch := func(at uint32, v uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, at), v)
	}
	for kind := range files {
		f.Add(uint8(kind), uint32(0), []byte(nil))
		f.Add(uint8(kind), uint32(700), []byte(nil))
		for _, at := range []uint32{4, 12, 16, 20, 32, 40, 48, 52, 54, 56, 58, 60, 64, 72, 80, 96, 0x3c, 132, 136, 144} {
			f.Add(uint8(kind), uint32(0), patch(at, ^uint64(0)))
			f.Add(uint8(kind), uint32(0), patch(at, 0x7fffffff))
			f.Add(uint8(kind), uint32(0), patch(at, 0))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, cut uint32, patches []byte) {
		b := bytes.Clone(files[int(kind)%len(files)])
		if cut != 0 {
			b = b[:int(cut)%len(b)]
		}
		for ; len(patches) >= 12 && len(b) > 8; patches = patches[12:] {
			at := int(binary.LittleEndian.Uint32(patches))
			if at&(1<<31) == 0 {
				at %= min(4096, len(b))
			} else {
				at %= len(b)
			}
			copy(b[at:], patches[4:12])
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		file, err := Read(t.Context(), bytes.NewReader(b), int64(len(b)))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(16*len(b)+(64<<20)) {
			t.Errorf("%d bytes allocated for a file of %d", n, len(b))
		}
		if took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if file != nil {
			file.Linked("main.main")
		}
	})
}

// FuzzReadAnything feeds bytes that are no program, or hardly one.
func FuzzReadAnything(f *testing.F) {
	for _, s := range []string{"", "\x7fELF", "\x7fELF\x02\x01\x01", "MZ", "\xfe\xed\xfa\xcf", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe\x00\x00\x00\x01", "\x00asm\x01\x00\x00\x00"} {
		f.Add([]byte(s))
		f.Add(append([]byte(s), make([]byte, 512)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if file, err := Read(t.Context(), bytes.NewReader(b), int64(len(b))); (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
	})
}

// Each entry of a table may name the same long string: a parser that copies
// names then needs the product of both.
func TestNamesAreNotMultiplied(t *testing.T) {
	const sections, names = 4000, 8 << 20
	le := binary.LittleEndian
	b := make([]byte, 64+sections*64+names)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 2)  // ET_EXEC
	le.PutUint16(b[18:], 62) // x86-64
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[40:], 64)
	le.PutUint16(b[58:], 64)
	le.PutUint16(b[60:], sections)
	le.PutUint16(b[62:], 1)
	s := b[64+64:]
	le.PutUint32(s[4:], 3) // SHT_STRTAB
	le.PutUint64(s[24:], 64+sections*64)
	le.PutUint64(s[32:], names)
	for i := range b[64+sections*64:] {
		b[64+sections*64+i] = 'x'
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if f, err := Read(t.Context(), bytes.NewReader(b), int64(len(b))); err == nil {
		t.Errorf("read as %+v", f)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}
