package sizes

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
)

// part is a Section with where it is loaded.
type part struct {
	Section
	addr uint64 // meaningful if loaded
	// loaded says that the program sees it at addr.
	loaded bool
}

// symtab says where symbols stand.
type symtab struct {
	off, n   int64 // bytes, or number of entries where the format says so
	str, len int64 // names
}

// layout is the file as parts that follow one another without holes.
type layout struct {
	parts []part
	syms  symtab
	// numbered are the addresses of the sections of a PE file, by number.
	numbered []uint64
	rela     []part // tables of relocations that hold values the file leaves zero
}

const (
	maxSections = 8192
	// holes up to this many bytes are what alignment leaves, to pages of 64 KiB
	maxPadding = 64 << 10
)

func readLayout(in *input, f binary.Format) (*layout, error) {
	var l *layout
	var err error
	switch f {
	case binary.ELF:
		l, err = readELF(in)
	case binary.PE:
		l, err = readPE(in)
	case binary.MachO:
		l, err = readMachO(in)
	default:
		return nil, ErrFormat
	}
	if err != nil {
		return nil, err
	}
	l.close(in)
	return l, nil
}

// close sorts the parts, cuts what overlaps and names the holes.
func (l *layout) close(in *input) {
	slices.SortStableFunc(l.parts, func(a, b part) int {
		// Where two begin at one place the smaller one is the more precise.
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size))
	})
	size := in.whole
	at := int64(0)
	var out []part
	hole := func(to int64) {
		if to <= at {
			return
		}
		s := Section{Name: "(padding)", Kind: Padding, Offset: at, Size: to - at}
		if to-at > maxPadding || to == size && to-at > 4096 {
			s.Name, s.Kind = "(other)", Other
		}
		out = append(out, part{Section: s})
		at = to
	}
	for _, p := range l.parts {
		if p.Size > 0 {
			p.Size = min(p.Size, max(0, size-p.Offset))
			if cut := min(at-p.Offset, p.Size); cut > 0 {
				p.Offset, p.Size = p.Offset+cut, p.Size-cut
				p.addr += uint64(cut)
			}
			if p.Size > 0 {
				hole(p.Offset)
				at = p.Offset + p.Size
			}
		}
		if p.Size > 0 || p.Memory > 0 {
			out = append(out, p)
		}
	}
	hole(size)
	l.parts = out
}

// add makes a part of n bytes at off; loaded at addr if that is not 0.
func (l *layout) add(name string, kind Kind, off, n int64, addr uint64) {
	l.parts = append(l.parts, part{Section: Section{Name: name, Kind: kind, Offset: off, Size: n}, addr: addr, loaded: addr != 0})
}

// file gives where in the file an address lies, and how many bytes follow it
// in the same part.
func (l *layout) file(addr uint64) (off, n int64, ok bool) {
	p := l.at(addr)
	if p == nil {
		return 0, 0, false
	}
	d := int64(addr - p.addr)
	return p.Offset + d, p.Size - d, true
}

// at gives the loaded part that holds an address in the file; nil none.
func (l *layout) at(addr uint64) *part {
	for i := range l.parts {
		p := &l.parts[i]
		if p.loaded && p.Size > 0 && addr >= p.addr && addr-p.addr < uint64(p.Size) {
			return p
		}
	}
	return nil
}

// kindOf tells the kind of a section by its name, as linkers use them; "" if
// the name says nothing.
func kindOf(name string) Kind {
	switch {
	case strings.HasPrefix(name, ".debug_"), strings.HasPrefix(name, ".zdebug_"), strings.HasPrefix(name, "__debug_"), strings.HasPrefix(name, "__zdebug_"), name == "__apple_names":
		return Debug
	case strings.HasPrefix(name, ".note."), strings.HasPrefix(name, ".go.buildinfo"), name == "__go_buildinfo", strings.HasPrefix(name, ".go.fipsinfo"), name == "__go_fipsinfo", name == ".comment", name == ".gnu_debuglink":
		return Notes
	case strings.HasSuffix(name, "gopclntab"), strings.HasSuffix(name, ".typelink"), strings.HasSuffix(name, ".itablink"), name == "__typelink", name == "__itablink", name == ".go.module", name == "__go_module", name == ".eh_frame", name == ".eh_frame_hdr", name == ".gcc_except_table", name == "__unwind_info", name == "__eh_frame", name == ".pdata", name == ".xdata":
		return Tables
	}
	return ""
}
