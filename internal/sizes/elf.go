package sizes

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// readELF reads the section table (System V ABI, chapter 4). Segments are not
// looked at: a linked program without sections is shown as one unknown part.
func readELF(in *input) (*layout, error) {
	h, err := in.bytes(0, min(64, in.size))
	if err != nil {
		return nil, err
	}
	if len(h) < 52 {
		return nil, fmt.Errorf("%w: no ELF header", ErrDamaged)
	}
	in.order = binary.LittleEndian
	if h[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		in.order = binary.BigEndian
	}
	in.ptr = 4
	head, entry := int64(52), int64(40)
	shoff, phoff := int64(in.order.Uint32(h[32:])), int64(in.order.Uint32(h[28:]))
	if h[elf.EI_CLASS] == byte(elf.ELFCLASS64) {
		if len(h) < 64 {
			return nil, fmt.Errorf("%w: no ELF header", ErrDamaged)
		}
		in.ptr, head, entry = 8, 64, 64
		shoff, phoff = int64(in.order.Uint64(h[40:])), int64(in.order.Uint64(h[32:]))
	}
	tail := h[head-12:]
	phentsize, phnum := int64(in.order.Uint16(tail[2:])), int64(in.order.Uint16(tail[4:]))
	shentsize, shnum, shstrndx := int64(in.order.Uint16(tail[6:])), int64(in.order.Uint16(tail[8:])), int(in.order.Uint16(tail[10:]))
	l := &layout{}
	l.add("(headers)", Headers, 0, head, 0)
	if phnum > 0 && phoff > 0 && phoff < in.size {
		l.add("(headers)", Headers, phoff, phentsize*phnum, 0)
	}
	if shnum == 0 || shoff <= 0 {
		return l, nil
	}
	if shentsize != entry || shnum > maxSections {
		return nil, fmt.Errorf("%w: %d sections of %d bytes", ErrDamaged, shnum, shentsize)
	}
	l.add("(headers)", Headers, shoff, entry*shnum, 0)
	table, err := in.bytes(shoff, entry*shnum)
	if err != nil {
		return nil, err
	}
	sections := make([]elf.Section64, shnum)
	for i := range sections {
		sections[i] = elfSection(in, table[int64(i)*entry:])
	}
	var names []byte
	if shstrndx < len(sections) {
		s := sections[shstrndx]
		if names, err = in.bytes(int64(s.Off), int64(min(s.Size, 1<<20))); err != nil {
			return nil, err
		}
	}
	strings := map[uint32]bool{}
	for _, s := range sections {
		if elf.SectionType(s.Type) == elf.SHT_SYMTAB && s.Link < uint32(len(sections)) {
			str := sections[s.Link]
			l.syms = symtab{int64(s.Off), int64(s.Size), int64(str.Off), int64(str.Size)}
			strings[s.Link] = true
		}
	}
	for i, s := range sections {
		l.elfPart(string(cstring(names, uint64(s.Name))), s, strings[uint32(i)], in.size)
	}
	return l, nil
}

// elfSection reads an entry of the section table in the form of 64 bits.
func elfSection(in *input, b []byte) elf.Section64 {
	o := in.order
	if in.ptr == 4 {
		return elf.Section64{Name: o.Uint32(b), Type: o.Uint32(b[4:]), Flags: uint64(o.Uint32(b[8:])), Addr: uint64(o.Uint32(b[12:])),
			Off: uint64(o.Uint32(b[16:])), Size: uint64(o.Uint32(b[20:])), Link: o.Uint32(b[24:]), Entsize: uint64(o.Uint32(b[36:]))}
	}
	return elf.Section64{Name: o.Uint32(b), Type: o.Uint32(b[4:]), Flags: o.Uint64(b[8:]), Addr: o.Uint64(b[16:]),
		Off: o.Uint64(b[24:]), Size: o.Uint64(b[32:]), Link: o.Uint32(b[40:]), Entsize: o.Uint64(b[56:])}
}

func (l *layout) elfPart(name string, s elf.Section64, symbolNames bool, size int64) {
	flags, typ := elf.SectionFlag(s.Flags), elf.SectionType(s.Type)
	p := part{Section: Section{Name: name}, addr: s.Addr, loaded: flags&elf.SHF_ALLOC != 0}
	if typ == elf.SHT_NULL || s.Size == 0 || s.Size > 1<<60 {
		return
	}
	if typ == elf.SHT_NOBITS {
		if p.loaded && flags&elf.SHF_TLS == 0 {
			p.Kind, p.Memory, p.Offset = Data, int64(s.Size), min(int64(s.Off), size)
			l.parts = append(l.parts, p)
		}
		return
	}
	if s.Off > uint64(size) {
		return
	}
	p.Offset, p.Size = int64(s.Off), int64(s.Size)
	p.Kind = kindOf(name)
	switch {
	case p.Kind != "":
	case typ == elf.SHT_SYMTAB || symbolNames:
		p.Kind = Symbols
	case typ == elf.SHT_STRTAB && !p.loaded, typ == elf.SHT_GROUP:
		p.Kind = Headers
	case typ == elf.SHT_NOTE:
		p.Kind = Notes
	case typ == elf.SHT_RELA, typ == elf.SHT_REL, typ == elf.SHT_DYNAMIC, typ == elf.SHT_DYNSYM, typ == elf.SHT_STRTAB, typ == elf.SHT_HASH,
		typ == elf.SHT_GNU_HASH, typ == elf.SHT_GNU_VERNEED, typ == elf.SHT_GNU_VERSYM, typ == elf.SHT_GNU_VERDEF,
		name == ".got", name == ".got.plt", name == ".plt", name == ".plt.got", name == ".plt.sec", name == ".interp":
		p.Kind = Linking
	case flags&elf.SHF_EXECINSTR != 0:
		p.Kind = Code
	case flags&elf.SHF_WRITE != 0:
		p.Kind = Data
	case p.loaded:
		p.Kind = ROData
	default:
		p.Kind = Other
	}
	if typ == elf.SHT_RELA && p.loaded {
		l.rela = append(l.rela, p)
	}
	l.parts = append(l.parts, p)
}
