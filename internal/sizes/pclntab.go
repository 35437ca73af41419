package sizes

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Magic numbers of pclntab by Go release (internal/abi.PCLnTabMagic). Tables
// before Go 1.16 have another form and are not read.
const (
	pclnGo116 = 0xfffffffa
	pclnGo118 = 0xfffffff0
	pclnGo120 = 0xfffffff1
)

// pclntab is the table of functions (runtime.pcHeader and what follows it).
type pclntab struct {
	off, n int64 // in the file; n ends with the part that holds it
	addr   uint64
	magic  uint32
	nfunc  int64
	text   uint64 // address of runtime.text by the header, 0 not there

	names, units, files, pcs, funcs int64 // where its tables begin, from off
}

// parsePclntab reads the header; nil if it is none.
func parsePclntab(in *input, h []byte, n int64) *pclntab {
	if len(h) < 8+8*in.ptr || h[4] != 0 || h[5] != 0 || h[6] != 1 && h[6] != 2 && h[6] != 4 || int(h[7]) != in.ptr {
		return nil
	}
	p := &pclntab{n: n, magic: in.order.Uint32(h)}
	word := func(i int) int64 { return int64(in.word(h[8:], i)) }
	p.nfunc = word(0)
	first := 3
	switch p.magic {
	case pclnGo118, pclnGo120:
		p.text = uint64(word(2))
	case pclnGo116:
		first = 2
	default:
		return nil
	}
	p.names, p.units, p.files, p.pcs, p.funcs = word(first), word(first+1), word(first+2), word(first+3), word(first+4)
	at := int64(0)
	for _, next := range [...]int64{p.names, p.units, p.files, p.pcs, p.funcs, n} {
		if next < at {
			return nil
		}
		at = next
	}
	if p.names == 0 || p.nfunc <= 0 || p.nfunc > (n-p.funcs)/p.entry(in) {
		return nil
	}
	return p
}

// entry is how many bytes of the table of functions belong to each: where it
// begins, and where its record lies.
func (p *pclntab) entry(in *input) int64 {
	if p.magic == pclnGo116 {
		return int64(2 * in.ptr)
	}
	return 8
}

// findPclntab finds the table by the name of its section, and where it has
// none of its own by looking through the constants.
func findPclntab(in *input, l *layout) (*pclntab, error) {
	for _, pt := range l.parts {
		if bytes.HasSuffix([]byte(pt.Name), []byte("gopclntab")) && pt.loaded {
			h, err := in.part(pt.Offset, min(pt.Size, 128))
			if err != nil {
				return nil, err
			}
			if p := parsePclntab(in, h, pt.Size); p != nil {
				p.off, p.addr = pt.Offset, pt.addr
				return p, nil
			}
		}
	}
	for _, pt := range l.parts {
		if !pt.loaded || pt.Kind != ROData && pt.Kind != Data {
			continue
		}
		if p, err := scanPclntab(in, pt); p != nil || err != nil {
			return p, err
		}
	}
	return nil, nil
}

// scanPclntab looks for the header in a part.
func scanPclntab(in *input, pt part) (*pclntab, error) {
	const chunk, head = 1 << 18, 128
	buf := make([]byte, chunk+head)
	var mark [5]byte // the three high bytes of the magic, and the two zeros after it
	little := in.order == binary.ByteOrder(binary.LittleEndian)
	copy(mark[:], "\xff\xff\xff\x00\x00")
	for at := int64(0); at < pt.Size; at += chunk {
		b := buf[:min(int64(len(buf)), pt.Size-at)]
		if err := in.fill(b, pt.Offset-in.base+at); err != nil {
			return nil, fmt.Errorf("look for pclntab: %w", err)
		}
		for from := 0; from < len(b) && from < chunk; {
			i := bytes.Index(b[from:], mark[:3])
			if i < 0 {
				break
			}
			start := from + i
			if little {
				start--
			}
			from += i + 1
			if start < 0 || start >= chunk || len(b)-start < 16 {
				continue
			}
			if p := parsePclntab(in, b[start:min(len(b), start+head)], pt.Size-at-int64(start)); p != nil {
				p.off, p.addr = pt.Offset+at+int64(start), pt.addr+uint64(at)+uint64(start)
				return p, nil
			}
		}
	}
	return nil, nil
}
