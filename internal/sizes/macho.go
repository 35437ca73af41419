package sizes

import (
	"debug/macho"
	"encoding/binary"
	"fmt"
)

// Load commands that say where parts of __LINKEDIT lie (mach-o/loader.h).
const (
	lcSymtab            = 0x2
	lcDysymtab          = 0xb
	lcSegment           = 0x1
	lcSegment64         = 0x19
	lcCodeSignature     = 0x1d
	lcSegmentSplitInfo  = 0x1e
	lcDyldInfo          = 0x22
	lcDyldInfoOnly      = 0x80000022
	lcFunctionStarts    = 0x26
	lcDataInCode        = 0x29
	lcDyldExportsTrie   = 0x80000033
	lcDyldChainedFixups = 0x80000034
)

// readMachO reads the load commands.
func readMachO(in *input) (*layout, error) {
	l := &layout{}
	var magic [4]byte
	if err := in.fill(magic[:], 0); err != nil {
		return nil, err
	}
	if m := binary.BigEndian.Uint32(magic[:]); m == macho.MagicFat || m == macho.MagicFat+1 {
		if err := l.readFat(in, m == macho.MagicFat+1); err != nil {
			return nil, err
		}
	}
	h, err := in.bytes(0, 32)
	if err != nil {
		return nil, err
	}
	in.order = binary.LittleEndian
	if h[0] == 0xfe {
		in.order = binary.BigEndian
	}
	head := int64(28)
	in.ptr = 4
	if in.order.Uint32(h) == macho.Magic64 {
		in.ptr, head = 8, 32
	}
	n, size := in.order.Uint32(h[16:]), int64(in.order.Uint32(h[20:]))
	if n > maxSections || size > 4<<20 {
		return nil, fmt.Errorf("%w: %d load commands", ErrDamaged, n)
	}
	cmds, err := in.bytes(head, size)
	if err != nil {
		return nil, err
	}
	l.add("(headers)", Headers, in.base, head+size, 0)
	for range n {
		if len(cmds) < 8 {
			break
		}
		cmd, size := in.order.Uint32(cmds), in.order.Uint32(cmds[4:])
		if size < 8 || int64(size) > int64(len(cmds)) {
			return nil, fmt.Errorf("%w: a load command of %d bytes", ErrDamaged, size)
		}
		l.machCommand(in, cmd, cmds[:size])
		cmds = cmds[size:]
	}
	return l, nil
}

// readFat makes the first program of a file for several processors the one
// that is looked into; the others are parts without a name of their own.
func (l *layout) readFat(in *input, wide bool) error {
	h, err := in.bytes(0, 8)
	if err != nil {
		return err
	}
	n, entry := int64(binary.BigEndian.Uint32(h[4:])), int64(20)
	if wide {
		entry = 32
	}
	if n < 1 || n > 64 {
		return fmt.Errorf("%w: %d programs", ErrDamaged, n)
	}
	table, err := in.bytes(8, n*entry)
	if err != nil {
		return err
	}
	l.add("(headers)", Headers, 0, 8+n*entry, 0)
	whole := in.size
	for i := range n {
		b := table[i*entry:]
		off, size := int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:]))
		if wide {
			off, size = int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint64(b[16:]))
		}
		if off <= 0 || size <= 0 || size > whole || off > whole-size {
			return fmt.Errorf("%w: a program beyond its end", ErrDamaged)
		}
		if i == 0 {
			in.base, in.size = off, size
			continue
		}
		l.add(fmt.Sprintf("(program %d)", i+1), Other, off, size, 0)
	}
	return nil
}

func (l *layout) machCommand(in *input, cmd uint32, b []byte) {
	word := func(at int) int64 {
		if at+4 > len(b) {
			return 0
		}
		return int64(in.order.Uint32(b[at:]))
	}
	linkedit := func(name string, kind Kind, at int) {
		if off, n := word(at), word(at+4); off > 0 && n > 0 && off < in.size {
			l.add(name, kind, in.base+off, n, 0)
		}
	}
	switch cmd {
	case lcSegment64, lcSegment:
		l.machSections(in, cmd == lcSegment64, b)
	case lcSymtab:
		entry := int64(12)
		if in.ptr == 8 {
			entry = 16
		}
		l.syms = symtab{word(8), word(12) * entry, word(16), word(20)}
		if l.syms.off > 0 && l.syms.off < in.size && l.syms.str < in.size {
			l.add("(symbols)", Symbols, in.base+l.syms.off, l.syms.n, 0)
			l.add("(symbols)", Symbols, in.base+l.syms.str, l.syms.len, 0)
		}
	case lcDysymtab:
		if off, n := word(56), word(60); off > 0 && off < in.size {
			l.add("(indirect symbols)", Linking, in.base+off, 4*n, 0)
		}
	case lcCodeSignature:
		linkedit("(signature)", Notes, 8)
	case lcFunctionStarts, lcDataInCode, lcDyldExportsTrie, lcDyldChainedFixups, lcSegmentSplitInfo:
		linkedit("(linking)", Linking, 8)
	case lcDyldInfo, lcDyldInfoOnly:
		for at := 8; at <= 40; at += 8 {
			linkedit("(linking)", Linking, at)
		}
	}
}

// machSections reads the sections of a segment.
func (l *layout) machSections(in *input, wide bool, b []byte) {
	head, entry := 56, 68
	if wide {
		head, entry = 72, 80
	}
	if len(b) < head {
		return
	}
	n := int(in.order.Uint32(b[head-8:]))
	for b = b[head:]; n > 0 && len(b) >= entry && len(l.parts) < maxSections; n, b = n-1, b[entry:] {
		name, segment := string(cstring(b[:16], 0)), string(cstring(b[16:32], 0))
		var addr, size uint64
		var off, flags uint32
		if wide {
			addr, size = in.order.Uint64(b[32:]), in.order.Uint64(b[40:])
			off, flags = in.order.Uint32(b[48:]), in.order.Uint32(b[64:])
		} else {
			addr, size = uint64(in.order.Uint32(b[32:])), uint64(in.order.Uint32(b[36:]))
			off, flags = in.order.Uint32(b[40:]), in.order.Uint32(b[56:])
		}
		p := part{Section: Section{Name: segment + "," + name}, addr: addr, loaded: segment != "__DWARF"}
		if size > 1<<60 {
			continue
		}
		const zeroFill, gbZeroFill, threadZeroFill = 1, 0xc, 0x12
		switch t := flags & 0xff; {
		case t == zeroFill || t == gbZeroFill || t == threadZeroFill:
			p.Kind, p.Memory = Data, int64(size)
		case int64(off) < in.size:
			p.Offset, p.Size = in.base+int64(off), int64(size)
			p.Kind = machKind(segment, name)
		}
		l.parts = append(l.parts, p)
	}
}

func machKind(segment, name string) Kind {
	if k := kindOf(name); k != "" {
		return k
	}
	switch {
	case segment == "__DWARF":
		return Debug
	case name == "__text":
		return Code
	case name == "__symbol_stub1", name == "__stubs", name == "__stub_helper", name == "__got", name == "__nl_symbol_ptr", name == "__la_symbol_ptr":
		return Linking
	case segment == "__TEXT", segment == "__DATA_CONST", name == "__rodata", name == "__typelink", name == "__itablink":
		return ROData
	}
	return Data
}
