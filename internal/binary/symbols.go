package binary

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
)

// Symbol is an entry of an ELF file's dynamic symbol table.
type Symbol struct {
	Name    string
	Version string // such as GLIBC_2.34; empty: none
	Defined bool   // the file has it; otherwise it wants it
	Weak    bool   // wanted, and not missed when nobody has it
	// Hidden says that the definition is found only by who names its version.
	Hidden bool
}

// maxDynSymbols bounds how many dynamic symbols are read: the largest C++
// libraries have some 200,000.
const maxDynSymbols = 1 << 20

// DynamicSymbols reads the dynamic symbols of the ELF file of size bytes in r:
// what it takes from others, and what others may take from it. A file without
// such a table gives none. Errors are those of Read.
func DynamicSymbols(ctx context.Context, r io.ReaderAt, size int64) (list []Symbol, err error) {
	g := &guard{ctx: ctx, r: r, size: size, budget: 4*size + 1<<20}
	defer func() {
		if p := recover(); p != nil {
			list, err = nil, fmt.Errorf("%w: %v", ErrDamaged, p)
		}
		if g.err != nil {
			list, err = nil, g.err
		}
	}()
	if err := checkELF(g, size); err != nil {
		return nil, err
	}
	ef, err := elf.NewFile(g)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	for _, s := range ef.Sections {
		if s.Type != elf.SHT_DYNSYM && s.Type != elf.SHT_STRTAB && s.Type != elf.SHT_GNU_VERSYM {
			continue
		}
		if !inside(s.Offset, s.FileSize, size) || s.Flags&elf.SHF_COMPRESSED != 0 || s.Type == elf.SHT_DYNSYM && s.Size/16 > maxDynSymbols {
			return nil, damaged("section %s", s.Name)
		}
	}
	syms, err := ef.DynamicSymbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	for _, s := range syms {
		bind := elf.ST_BIND(s.Info)
		if s.Name == "" || bind == elf.STB_LOCAL {
			continue
		}
		d := Symbol{Name: s.Name, Version: s.Version, Defined: s.Section != elf.SHN_UNDEF, Weak: bind == elf.STB_WEAK}
		if d.Defined {
			if v := elf.ST_VISIBILITY(s.Other); v == elf.STV_HIDDEN || v == elf.STV_INTERNAL {
				continue
			}
			d.Hidden = s.VersionIndex.IsHidden()
		}
		list = append(list, d)
	}
	return list, nil
}
