package rebuild

import (
	"bytes"
	"context"
	"debug/elf"
	"debug/gosym"
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
	sort.SliceStable(o.sections, func(i, j int) bool { return o.sections[i].addr < o.sections[j].addr })
	o.readPcln()
	return o, nil
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
	if o.file.Symbols {
		// Its error says that there are none, or that they are damaged.
		syms, _ := ef.Symbols()
		o.symbols(len(syms), func(i int) (string, uint64, uint64) { return syms[i].Name, syms[i].Value, syms[i].Size })
	}
	return nil
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

// add keeps a section as far as it lies in the file.
func (o *object) add(s section) {
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
	i := sort.Search(len(o.sections), func(i int) bool { return o.sections[i].addr > addr })
	for i--; i >= 0; i-- {
		if s := o.sections[i]; s.alloc && addr-s.addr < s.mem {
			return i
		}
		if o.sections[i].mem > 0 && o.sections[i].alloc {
			break
		}
	}
	return -1
}

// near is at for an address that may mark the end of a section, as the
// runtime's own table of sections does.
func (o *object) near(addr uint64) int {
	if i := o.at(addr); i >= 0 {
		return i
	}
	const gap = 4096
	i := sort.Search(len(o.sections), func(i int) bool { return o.sections[i].addr > addr })
	for i--; i >= 0; i-- {
		if s := o.sections[i]; s.alloc && s.mem > 0 {
			if addr-s.addr-s.mem < gap {
				return i
			}
			return -1
		}
	}
	return -1
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

// readPcln reads the table of functions; without one there are none.
func (o *object) readPcln() {
	for _, s := range o.sections {
		if strings.HasSuffix(s.name, "gopclntab") {
			o.pcln, o.pclnAddr = o.bytes(s), s.addr
			break
		}
	}
	if o.pcln == nil {
		o.findPcln()
	}
	if len(o.pcln) < 16 {
		o.pcln = nil
		return
	}
	o.text = o.textStart()
	o.readFuncs()
}

// findPcln looks for the table where it has no section of its own.
func (o *object) findPcln() {
	for _, s := range o.sections {
		if s.text || !s.alloc {
			continue
		}
		b := o.bytes(s)
		for at := 0; at < len(b); {
			i := bytes.Index(b[at:], []byte("\xff\xff\xff\x00\x00"))
			if i < 0 {
				break
			}
			at += i
			if p := at - 1; p >= 0 && (b[p] == 0xf1 || b[p] == 0xf0 || b[p] == 0xfa) && at+7 <= len(b) && (b[p+7] == 4 || b[p+7] == 8) {
				o.pcln, o.pclnAddr = b[p:], s.addr+uint64(p)
				return
			}
			at++
		}
	}
}

// textStart gives the address that pclntab counts from: the symbol, what the
// runtime's own moduledata says (word 22, after the header and six slices), or
// the start of the first text section.
func (o *object) textStart() uint64 {
	found, named := o.syms["runtime.text"]
	want := make([]byte, o.ptr)
	if o.ptr == 4 {
		o.order.PutUint32(want, uint32(o.pclnAddr))
	} else {
		o.order.PutUint64(want, o.pclnAddr)
	}
	for _, s := range o.sections {
		if s.text || !s.alloc || s.size == 0 {
			continue
		}
		b := o.bytes(s)
		for at := 0; at+24*o.ptr <= len(b); at += o.ptr {
			if !bytes.Equal(b[at:at+o.ptr], want) {
				continue
			}
			word := func(i int) uint64 { return o.word(b[at+i*o.ptr:]) }
			if text := word(22); word(20) >= text && word(20) < word(21) && o.at(text) >= 0 && o.sections[o.at(text)].text {
				o.module = s.addr + uint64(at)
				if !named {
					found = text
				}
				return found
			}
		}
	}
	if named {
		return found
	}
	for _, s := range o.sections {
		if s.text && (s.name == ".text" || s.name == "__TEXT,__text") {
			return s.addr
		}
	}
	return 0
}

func (o *object) readFuncs() {
	defer func() {
		if recover() != nil { // gosym on a damaged table
			o.funcs, o.files = nil, nil
		}
	}()
	t, err := gosym.NewTable(nil, gosym.NewLineTable(o.pcln, o.text))
	if err != nil {
		return
	}
	for i := range t.Funcs {
		f := &t.Funcs[i]
		if f.Sym != nil && f.End > f.Entry {
			o.funcs = append(o.funcs, fn{f.Name, f.Entry, f.End})
		}
	}
	for name := range t.Files {
		o.files = append(o.files, name)
	}
	slices.Sort(o.files)
}

// funcAt gives the index of the function that addr lies in, -1 if none.
func (o *object) funcAt(addr uint64) int {
	i := sort.Search(len(o.funcs), func(i int) bool { return o.funcs[i].entry > addr }) - 1
	if i < 0 || addr >= o.funcs[i].end {
		return -1
	}
	return i
}
