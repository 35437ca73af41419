package sizes

import (
	"debug/pe"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// readPE reads the section table (PE Format, section 4). Addresses are
// absolute: those of the preferred image base.
func readPE(in *input) (*layout, error) {
	in.order, in.ptr = binary.LittleEndian, 8
	dos, err := in.bytes(0, 64)
	if err != nil {
		return nil, err
	}
	at := int64(in.order.Uint32(dos[0x3c:]))
	h, err := in.bytes(at, 24)
	if err != nil {
		return nil, err
	}
	if string(h[:4]) != "PE\x00\x00" {
		return nil, fmt.Errorf("%w: no PE header", ErrDamaged)
	}
	n, symOff, symN, optSize := int64(in.order.Uint16(h[6:])), int64(in.order.Uint32(h[12:])), int64(in.order.Uint32(h[16:])), int64(in.order.Uint16(h[20:]))
	opt, err := in.bytes(at+24, optSize)
	if err != nil {
		return nil, err
	}
	if n > maxSections || len(opt) < 96 {
		return nil, fmt.Errorf("%w: %d sections", ErrDamaged, n)
	}
	dirs := 96
	base := uint64(in.order.Uint32(opt[28:]))
	if in.order.Uint16(opt) == 0x20b {
		dirs, base = 112, in.order.Uint64(opt[24:])
	} else {
		in.ptr = 4
	}
	l := &layout{}
	table, err := in.bytes(at+24+optSize, 40*n)
	if err != nil {
		return nil, err
	}
	l.add("(headers)", Headers, 0, at+24+optSize+40*n, 0)
	var names []byte
	if symOff > 0 {
		l.syms = symtab{off: symOff, n: symN, str: symOff + 18*symN}
		l.add("(symbols)", Symbols, symOff, 18*symN, 0)
		if b, err := in.bytes(l.syms.str, 4); err == nil {
			l.syms.len = int64(in.order.Uint32(b))
			l.add("(symbols)", Symbols, l.syms.str, l.syms.len, 0)
			// Names of sections stand at the front, before any symbol is named.
			names, err = in.bytes(l.syms.str, min(l.syms.len, 64<<10, in.size-l.syms.str))
			if err != nil {
				return nil, err
			}
		}
	}
	if i := dirs + 8*pe.IMAGE_DIRECTORY_ENTRY_SECURITY; len(opt) >= i+8 {
		// Unlike the other directories this one is named by its place in the file.
		if off, n := int64(in.order.Uint32(opt[i:])), int64(in.order.Uint32(opt[i+4:])); off > 0 && off < in.size {
			l.add("(signature)", Notes, off, n, 0)
		}
	}
	for i := range n {
		b := table[40*i:]
		name := string(cstring(b[:8], 0))
		if rest, ok := strings.CutPrefix(name, "/"); ok {
			if off, err := strconv.ParseUint(rest, 10, 32); err == nil && off < uint64(len(names)) {
				name = string(cstring(names, off))
			}
		}
		l.pePart(in, name, b, base)
	}
	return l, nil
}

func (l *layout) pePart(in *input, name string, b []byte, base uint64) {
	vsize, addr := int64(in.order.Uint32(b[8:])), in.order.Uint32(b[12:])
	size, off, flags := int64(in.order.Uint32(b[16:])), int64(in.order.Uint32(b[20:])), in.order.Uint32(b[36:])
	p := part{Section: Section{Name: name}, addr: base + uint64(addr), loaded: true}
	l.numbered = append(l.numbered, p.addr)
	if off > 0 && off <= in.size {
		p.Offset, p.Size = off, size
	} else {
		size = 0
	}
	if kindOf(name) == "" {
		p.Memory = max(0, vsize-size)
	}
	p.Kind = kindOf(name)
	switch {
	case p.Kind != "":
		p.loaded = p.Kind == Tables
	case name == ".symtab":
		p.Kind = Symbols
	case name == ".idata", name == ".reloc", name == ".edata", name == ".tls", name == ".CRT":
		p.Kind = Linking
	case name == ".rsrc":
		p.Kind = Other
	case flags&pe.IMAGE_SCN_MEM_EXECUTE != 0:
		p.Kind = Code
	case flags&pe.IMAGE_SCN_MEM_WRITE != 0:
		p.Kind = Data
	default:
		p.Kind = ROData
	}
	l.parts = append(l.parts, p)
}
