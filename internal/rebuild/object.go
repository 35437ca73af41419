package rebuild

import (
	"bytes"
	"context"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	bin "github.com/slipway-build/slipway/internal/binary"
)

// maxObject bounds a program that is taken apart; bytes.
const maxObject = 2 << 30

// section is a part of a program file.
type section struct {
	name  string
	addr  uint64 // in memory; 0 if it is not loaded
	off   uint64 // in the file
	size  uint64 // bytes in the file; 0 for memory that starts as zeros
	mem   uint64 // bytes in memory
	text  bool   // holds instructions
	alloc bool   // is loaded
}

// object is a program taken apart.
type object struct {
	file     *bin.File
	data     []byte
	sections []section
	loaded   []int // indices of the sections with memory
	order    binary.ByteOrder
	ptr      int // bytes
	pcln     []byte
	pclnAddr uint64
	text     uint64 // address that function offsets count from
	module   uint64 // address of runtime.firstmoduledata; 0 unknown
	syms     map[string]uint64
	symSizes map[string]uint64
	comments []string // .comment: the C compilers

	funcs []fn // by address
	files []string

	total  uint64   // bytes of sections so far
	byAddr []string // names of syms; made when first asked
}

// fn is a function of pclntab.
type fn struct {
	name       string
	entry, end uint64
}

// openObject reads the program at path. A foreign file that cannot be taken
// apart gives binary.ErrDamaged or binary.ErrFormat.
func openObject(ctx context.Context, path string) (o *object, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	if fi.Size() > maxObject {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", bin.ErrDamaged, path, int64(maxObject))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	return parseObject(ctx, data)
}

func parseObject(ctx context.Context, data []byte) (o *object, err error) {
	r := bytes.NewReader(data)
	// It looks at counts and sizes before the debug/* packages believe them.
	f, err := bin.Read(ctx, r, int64(len(data)))
	if err != nil {
		return nil, err
	}
	defer func() {
		// The debug/* packages may panic on malformed files, as they say.
		if p := recover(); p != nil {
			o, err = nil, fmt.Errorf("%w: %v", bin.ErrDamaged, p)
		}
	}()
	o = &object{file: f, data: data, order: binary.LittleEndian, ptr: max(f.Bits/8, 4)}
	if f.BigEndian {
		o.order = binary.BigEndian
	}
	switch f.Format {
	case bin.ELF:
		err = o.readELF(r)
	case bin.PE:
		err = o.readPE(r)
	case bin.MachO:
		err = o.readMachO(r)
	default:
		return nil, bin.ErrFormat
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", bin.ErrDamaged, err)
	}
	o.arrange()
	o.readPcln()
	return o, nil
}

// arrange puts the sections in the order of their addresses.
func (o *object) arrange() {
	sort.SliceStable(o.sections, func(i, j int) bool { return o.sections[i].addr < o.sections[j].addr })
	for i, s := range o.sections {
		if s.alloc && s.mem > 0 {
			o.loaded = append(o.loaded, i)
		}
	}
}

func (o *object) readELF(r *bytes.Reader) error {
	ef, err := elf.NewFile(r)
	if err != nil {
		return err
	}
	for _, s := range ef.Sections {
		if s.Type == elf.SHT_NULL {
			continue
		}
		sec := section{
			name: s.Name, addr: s.Addr, off: s.Offset, size: s.FileSize, mem: s.Size,
			text: s.Flags&elf.SHF_EXECINSTR != 0, alloc: s.Flags&elf.SHF_ALLOC != 0,
		}
		if s.Type == elf.SHT_NOBITS {
			sec.size = 0
		}
		o.add(sec)
		if s.Name == ".comment" && s.Type == elf.SHT_PROGBITS {
			for _, c := range strings.Split(string(o.bytes(sec)), "\x00") {
				if c != "" && !slices.Contains(o.comments, c) && len(o.comments) < 8 {
					o.comments = append(o.comments, c)
				}
			}
		}
	}
	for _, s := range ef.Sections {
		if s.Type == elf.SHT_SYMTAB && int(s.Link) < len(ef.Sections) {
			o.elfSymbols(o.inFile(s), o.inFile(ef.Sections[s.Link]))
			break
		}
	}
	return nil
}

// inFile gives what the file holds of an ELF section.
func (o *object) inFile(s *elf.Section) []byte {
	if total := uint64(len(o.data)); s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 || s.Offset > total || s.FileSize > total-s.Offset {
		return nil
	}
	return o.data[s.Offset : s.Offset+s.FileSize]
}

// elfSymbols reads a symbol table. debug/elf would do, but copies a name as
// often as a symbol has it, which lets a small file fill the memory.
func (o *object) elfSymbols(table, names []byte) {
	size := 16
	if o.ptr == 8 {
		size = 24
	}
	budget := 2 * len(names)
	o.symbols(len(table)/size, func(i int) (string, uint64, uint64) {
		e := table[i*size:]
		name := cString(names, uint64(o.order.Uint32(e)))
		if budget -= len(name); budget < 0 {
			return "", 0, 0
		}
		if size == 16 {
			return name, uint64(o.order.Uint32(e[4:])), uint64(o.order.Uint32(e[8:]))
		}
		return name, o.order.Uint64(e[8:]), o.order.Uint64(e[16:])
	})
}

func (o *object) readPE(r *bytes.Reader) error {
	pf, err := pe.NewFile(r)
	if err != nil {
		return err
	}
	var base uint64
	switch h := pf.OptionalHeader.(type) {
	case *pe.OptionalHeader32:
		base = uint64(h.ImageBase)
	case *pe.OptionalHeader64:
		base = h.ImageBase
	}
	for _, s := range pf.Sections {
		o.add(section{
			name: s.Name, addr: base + uint64(s.VirtualAddress), off: uint64(s.Offset), size: min(uint64(s.Size), uint64(max(s.VirtualSize, 1))), mem: uint64(s.VirtualSize),
			text: s.Characteristics&pe.IMAGE_SCN_CNT_CODE != 0, alloc: !strings.HasPrefix(s.Name, ".debug") && !strings.HasPrefix(s.Name, ".zdebug") && s.Name != ".symtab",
		})
	}
	o.symbols(len(pf.Symbols), func(i int) (string, uint64, uint64) {
		s := pf.Symbols[i]
		if s.SectionNumber < 1 || int(s.SectionNumber) > len(pf.Sections) {
			return "", 0, 0
		}
		return s.Name, base + uint64(pf.Sections[s.SectionNumber-1].VirtualAddress) + uint64(s.Value), 0
	})
	return nil
}

func (o *object) readMachO(r *bytes.Reader) error {
	if len(o.file.Slices) > 0 {
		return fmt.Errorf("a file with several programs")
	}
	mf, err := macho.NewFile(r)
	if err != nil {
		return err
	}
	for _, s := range mf.Sections {
		const instructions = 0x80000400 // S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS
		sec := section{name: s.Seg + "," + s.Name, addr: s.Addr, off: uint64(s.Offset), size: s.Size, mem: s.Size, text: s.Flags&instructions != 0, alloc: s.Seg != "__DWARF"}
		if s.Flags&0xff == 1 { // S_ZEROFILL
			sec.size = 0
		}
		o.add(sec)
	}
	if mf.Symtab != nil {
		o.symbols(len(mf.Symtab.Syms), func(i int) (string, uint64, uint64) {
			return strings.TrimPrefix(mf.Symtab.Syms[i].Name, "_"), mf.Symtab.Syms[i].Value, 0
		})
	}
	return nil
}

func (o *object) symbols(n int, at func(int) (name string, addr, size uint64)) {
	o.syms, o.symSizes = make(map[string]uint64, n), make(map[string]uint64, n)
	for i := range n {
		if name, addr, size := at(i); name != "" && addr != 0 {
			o.syms[name], o.symSizes[name] = addr, size
		}
	}
}

// add keeps a section as far as it lies in the file. Sections that lie over one
// another, which no linker makes, do not make a small file a large one.
func (o *object) add(s section) {
	if o.total += s.size; o.total > 2*uint64(len(o.data)) {
		s.size = 0
	}
	if total := uint64(len(o.data)); s.off > total || s.size > total-s.off {
		s.size = 0
	}
	o.sections = append(o.sections, s)
}

// bytes gives what the file holds of a section. One that starts as zeros may
// name a place beyond the file's end.
func (o *object) bytes(s section) []byte {
	if s.size == 0 {
		return nil
	}
	return o.data[s.off : s.off+s.size]
}

// at gives the section that addr lies in, -1 if none.
func (o *object) at(addr uint64) int {
	i := o.below(addr)
	if i >= 0 && addr-o.sections[i].addr < o.sections[i].mem {
		return i
	}
	return -1
}

// near is at for an address that may mark the end of a section, as the
// runtime's own table of sections does.
func (o *object) near(addr uint64) int {
	const gap = 4096
	i := o.below(addr)
	if i < 0 {
		return -1
	}
	if s := o.sections[i]; addr-s.addr >= s.mem && addr-s.addr-s.mem >= gap {
		return -1
	}
	return i
}

// below gives the last section with memory that begins at addr or before, -1
// if there is none.
func (o *object) below(addr uint64) int {
	k := sort.Search(len(o.loaded), func(k int) bool { return o.sections[o.loaded[k]].addr > addr }) - 1
	if k < 0 {
		return -1
	}
	return o.loaded[k]
}

// load gives up to n bytes at addr; fewer at the end of what the file holds.
func (o *object) load(addr uint64, n int) []byte {
	i := o.at(addr)
	if i < 0 {
		return nil
	}
	s := o.sections[i]
	from := addr - s.addr
	if from >= s.size {
		return nil
	}
	b := o.bytes(s)[from:]
	return b[:min(n, len(b))]
}

func (o *object) word(b []byte) uint64 {
	if o.ptr == 4 {
		return uint64(o.order.Uint32(b))
	}
	return o.order.Uint64(b)
}
