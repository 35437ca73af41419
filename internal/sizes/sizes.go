// Package sizes says where the bytes of a program come from: which section
// holds them, and which module and package put them there. It reads ELF, PE
// and Mach-O files, stripped or not, and no source.
//
// # What is known, and from where
//
// Machine code comes from the table of functions that every Go program carries
// for its stack traces (pclntab), so it is known of stripped programs too. The
// same table says which part of itself each function takes: its name, its
// record, its tables of lines and of live variables. Type descriptions are
// found by following them from the list that reflection uses. Variables and
// constants are known only from a symbol table. Embedded files are found by
// the checksums that package embed keeps beside them.
//
// # What is not
//
// The Go linker writes equal strings once, and equal tables once, for whoever
// uses them: what nobody in particular owns is shown as shared. What cannot be
// told is shown as unknown, and never shared out by guessing. So the sums are
// true: the bytes of all sections, and those of all modules, are the file's
// size exactly.
//
// The package judges nothing and knows nothing of images and of findings.
package sizes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/slipway-build/slipway/internal/binary"
)

// Report says where the bytes of one file come from.
type Report struct {
	Size int64 `json:"size"` // bytes of the file; the sum of Sections and that of Modules
	// Memory is what the program is given at its start beyond what the file
	// holds: variables that begin as zero. Bytes.
	Memory   int64     `json:"memory"`
	Sections []Section `json:"sections"` // by place in the file, without holes
	Modules  []Module  `json:"modules"`  // largest first
	// Symbols says that a symbol table told whose variables are whose; without
	// one they are unknown.
	Symbols bool `json:"symbols"`
}

// Section is a part of the file.
type Section struct {
	Name   string `json:"name"` // the file's own; in parentheses what has no name there
	Kind   Kind   `json:"kind"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`             // bytes in the file
	Memory int64  `json:"memory,omitempty"` // bytes of memory beyond those
}

// Kind is what a part of the file is for.
type Kind string

// The kinds of parts.
const (
	Code    Kind = "code"
	Tables  Kind = "tables" // of functions and lines, for stack traces and the garbage collector
	ROData  Kind = "rodata" // constants, types, strings
	Data    Kind = "data"
	Debug   Kind = "debug"   // DWARF
	Symbols Kind = "symbols" // the symbol table and the names in it
	Linking Kind = "linking" // for the loader: relocations, imports
	Notes   Kind = "notes"   // build information, build IDs, signatures
	Headers Kind = "headers" // of the format
	Padding Kind = "padding" // between sections
	Other   Kind = "other"
)

// Origin is what kind of thing a Module is.
type Origin string

// The origins. All but the first three are no Go modules: their Name is empty,
// and their Packages are sections, directories or nothing.
const (
	Main       Origin = "main"
	Dependency Origin = "dependency"
	Std        Origin = "std"
	Foreign    Origin = "c"        // code that Go did not compile, with its data
	Embedded   Origin = "embedded" // files of package embed, by directory
	Strings    Origin = "strings"  // constant strings, each written once for all who use it
	Shared     Origin = "shared"   // types and tables that no package owns alone
	DebugInfo  Origin = "debug"
	SymbolData Origin = "symbols"
	Format     Origin = "format" // headers, padding and what the loader needs
	Unknown    Origin = "unknown"
)

// Module is one origin of bytes.
type Module struct {
	Name     string    `json:"name,omitempty"` // path; empty for what is no module
	Version  string    `json:"version,omitempty"`
	Origin   Origin    `json:"origin"`
	Size     int64     `json:"size"`               // bytes; the sum of Packages
	Packages []Package `json:"packages,omitempty"` // largest first
}

// Package is one package, section or directory of a Module. Its parts add up
// to its size.
type Package struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`             // bytes
	Code   int64  `json:"code,omitempty"`   // machine code
	Tables int64  `json:"tables,omitempty"` // what stack traces and the garbage collector need for the code
	Types  int64  `json:"types,omitempty"`  // type descriptions
	Data   int64  `json:"data,omitempty"`   // variables and constants; of no package: anything
}

// ErrFormat says that a file is of no format that has sections.
var ErrFormat = errors.New("not an ELF, PE or Mach-O file")

// ErrDamaged says that the file contradicts itself.
var ErrDamaged = errors.New("damaged file")

// Read says where the bytes of the program in r come from. f is what package
// binary read from the same r. Of a Mach-O file for several processors the
// first program is looked into.
//
// Its error is ErrFormat, ErrDamaged, one of r, or the cause of ctx.
func Read(ctx context.Context, r io.ReaderAt, f *binary.File) (*Report, error) {
	in := &input{ctx: ctx, r: r, size: f.Size, whole: f.Size}
	l, err := readLayout(in, f.Format)
	if err != nil {
		return nil, err
	}
	t := newTally(f.Go)
	a := &attribution{in: in, layout: l, tally: t}
	if err := a.run(f); err != nil {
		return nil, fmt.Errorf("attribute bytes: %w", err)
	}
	rep := &Report{Size: f.Size, Symbols: a.symbols, Modules: t.modules()}
	var sum int64
	for _, s := range l.parts {
		rep.Memory += s.Memory
		sum += s.Size
		if s.Size > 0 || s.Memory > 0 {
			rep.Sections = append(rep.Sections, s.Section)
		}
	}
	if total := t.total(); sum != f.Size || total != f.Size {
		return nil, fmt.Errorf("attribute bytes: sections have %d bytes and modules %d of %d", sum, total, f.Size)
	}
	return rep, nil
}

// BySize gives the sections with those first that take most of the file.
func (r *Report) BySize() []Section {
	out := slices.Clone(r.Sections)
	slices.SortStableFunc(out, func(a, b Section) int { return cmp.Compare(b.Size, a.Size) })
	return out
}
