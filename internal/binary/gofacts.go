package binary

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"

	"debug/pe"
)

// buildIDStart marks Go's build ID at the start of the text section of files
// without notes (cmd/internal/buildid).
var buildIDStart = []byte("\xff Go build ID: \"")

// rawBuildID reads the build ID from the start of the text section.
func rawBuildID(text io.ReaderAt) string {
	b := make([]byte, 64<<10)
	n, _ := text.ReadAt(b, 0)
	b = b[:n]
	i := bytes.Index(b, buildIDStart)
	if i < 0 {
		return ""
	}
	b = b[i+len(buildIDStart)-1:]
	j := bytes.Index(b, []byte("\"\n \xff"))
	if j < 0 {
		return ""
	}
	id, err := strconv.Unquote(string(b[:j+1]))
	if err != nil {
		return ""
	}
	return id
}

// Magic numbers of pclntab by Go release (internal/abi.PCLnTabMagic). Tables
// before Go 1.16 keep no names of their own and are not read.
const (
	pclnGo116 = 0xfffffffa
	pclnGo118 = 0xfffffff0
	pclnGo120 = 0xfffffff1
)

const (
	maxFuncNames = 256 << 20 // bytes; the largest Go programs have some 30 MB
	pclnHeader   = 8 + 8*8   // bytes of the longest header
)

// pclnNames reads the function names of the pclntab that fills the n bytes at
// off; nil when it is none.
func pclnNames(r io.ReaderAt, off, n int64) []byte {
	head := make([]byte, pclnHeader)
	if m, _ := r.ReadAt(head, off); m < pclnHeader || n < pclnHeader {
		return nil
	}
	from, to, ok := pclnNameRange(head, n)
	if !ok {
		return nil
	}
	names := make([]byte, to-from)
	if m, _ := r.ReadAt(names, off+from); m < len(names) {
		return nil
	}
	return names
}

// pclnNameRange gives where the names lie in a pclntab of at most n bytes: its
// header names, in this order, the offsets of function names, compilation
// units, files and the rest (runtime.pcHeader).
func pclnNameRange(h []byte, n int64) (from, to int64, ok bool) {
	if len(h) < pclnHeader || h[4] != 0 || h[5] != 0 || h[6] != 1 && h[6] != 2 && h[6] != 4 || h[7] != 4 && h[7] != 8 {
		return 0, 0, false
	}
	var bo binary.ByteOrder = binary.LittleEndian
	if h[0] == 0xff {
		bo = binary.BigEndian
	}
	first := 3 // word of funcnameOffset, after nfunc, nfiles and textStart
	switch bo.Uint32(h) {
	case pclnGo118, pclnGo120:
	case pclnGo116:
		first = 2
	default:
		return 0, 0, false
	}
	word := func(i int) uint64 {
		if h[7] == 4 {
			return uint64(bo.Uint32(h[8+4*i:]))
		}
		return bo.Uint64(h[8+8*i:])
	}
	names, units, files := word(first), word(first+1), word(first+2)
	if names == 0 || names >= units || units > files || files > uint64(n) || units-names > maxFuncNames {
		return 0, 0, false
	}
	return int64(names), int64(units), true
}

// pePclnNames looks for pclntab in the sections of constant data: PE files
// have no section of its own for it, and no symbols once they are stripped.
func pePclnNames(pf *pe.File) []byte {
	const chunk = 1 << 20
	var buf []byte
	for _, s := range pf.Sections {
		const want, not = pe.IMAGE_SCN_CNT_INITIALIZED_DATA, pe.IMAGE_SCN_MEM_EXECUTE
		if s.Characteristics&want == 0 || s.Characteristics&not != 0 || s.Offset == 0 {
			continue
		}
		if buf == nil {
			buf = make([]byte, chunk+pclnHeader)
		}
		for at := int64(0); at < int64(s.Size); at += chunk {
			n, _ := s.ReadAt(buf, at)
			for i := nextPcln(buf[:n], 0); i >= 0 && i < chunk; i = nextPcln(buf[:n], i+1) {
				if names := pclnNames(s, at+int64(i), int64(s.Size)-at-int64(i)); names != nil {
					return names
				}
			}
		}
	}
	return nil
}

// nextPcln gives the place of the next thing that looks like the start of a
// little-endian pclntab, at or after from; -1 none.
func nextPcln(b []byte, from int) int {
	for from < len(b) {
		i := bytes.Index(b[from:], []byte("\xff\xff\xff\x00\x00"))
		if i < 0 {
			return -1
		}
		at := from + i - 1
		if at >= 0 && (b[at] == 0xf1 || b[at] == 0xf0 || b[at] == 0xfa) {
			return at
		}
		from += i + 1
	}
	return -1
}

// Linked says for each symbol whether that Go function is linked in; a method
// is written crypto/x509.(*Certificate).Verify. Functions that were inlined
// everywhere count as linked. The result is nil when the file does not tell.
func (f *File) Linked(symbols ...string) map[string]bool {
	if f.funcNames == nil {
		return nil
	}
	out := make(map[string]bool, len(symbols))
	for _, s := range symbols {
		out[s] = false
	}
	for b := f.funcNames; len(b) > 0; {
		name := b
		if i := bytes.IndexByte(b, 0); i >= 0 {
			name, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if _, asked := out[string(name)]; asked {
			out[string(name)] = true
		}
	}
	return out
}
