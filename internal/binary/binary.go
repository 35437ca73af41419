// Package binary opens a finished program and says what it is: its format and
// platform, what it needs to start (interpreter, shared libraries, the version
// of the C library), how it is hardened, what the go command wrote into it, and
// which Go functions are linked in. It reads headers and small tables, never
// the whole file, and judges nothing.
//
// What it reads may come from anyone. The debug/* packages it stands on are
// not made for hostile input (see the section Security of their
// documentation), so package binary looks at the counts and sizes first, hides
// the tables nobody asked for, and bounds how much is read in all.
//
// It knows nothing of plans and images.
package binary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Format is the container format of a program.
type Format string

// The formats that are read.
const (
	ELF   Format = "elf"
	PE    Format = "pe"
	MachO Format = "mach-o"
	Wasm  Format = "wasm"
)

// Type is what kind of file it is.
type Type string

// The types.
const (
	Exec   Type = "exec"   // a program at a fixed address
	PIE    Type = "pie"    // a program that runs at any address
	Shared Type = "shared" // a library
	Object Type = "object" // an input of the linker, or a core dump
)

// RELRO says how much of the dynamic linker's data is read-only once the
// program runs.
type RELRO string

// The levels of RELRO.
const (
	NoRELRO      RELRO = ""
	PartialRELRO RELRO = "partial"
	FullRELRO    RELRO = "full" // all symbols are bound at start
)

// File is what a program says of itself. It holds no open file.
type File struct {
	Path   string `json:"path,omitempty"`
	Size   int64  `json:"size"` // bytes
	Format Format `json:"format"`
	OS     string `json:"os,omitempty"`   // as GOOS; empty when the file does not say
	Arch   string `json:"arch,omitempty"` // as GOARCH; empty when Go has no name for it
	// Machine is the format's own name of the processor. With Bits and
	// BigEndian it decides whether one ELF file can be loaded by another.
	Machine   string `json:"machine,omitempty"`
	Bits      int    `json:"bits,omitempty"` // 32 or 64
	BigEndian bool   `json:"bigEndian,omitempty"`
	Type      Type   `json:"type,omitempty"`

	Interp  string   `json:"interp,omitempty"`  // PT_INTERP, LC_LOAD_DYLINKER
	Needed  []string `json:"needed,omitempty"`  // DT_NEEDED, imported DLLs, LC_LOAD_DYLIB; in the file's order
	RPath   []string `json:"rpath,omitempty"`   // DT_RPATH, LC_RPATH; not expanded
	RunPath []string `json:"runPath,omitempty"` // DT_RUNPATH; not expanded
	SoName  string   `json:"soName,omitempty"`  // DT_SONAME, LC_ID_DYLIB
	// NoDefaultLib is DF_1_NODEFLIB: the loader's own directories are not searched.
	NoDefaultLib bool `json:"noDefaultLib,omitempty"`

	// GlibcNeeded is the highest version of the GNU C library that a symbol
	// asks for, such as "2.34", and GlibcSymbol one symbol that does.
	GlibcNeeded string `json:"glibcNeeded,omitempty"`
	GlibcSymbol string `json:"glibcSymbol,omitempty"`
	// GlibcOffered is the highest version the file itself defines; only the
	// GNU C library's own files have it.
	GlibcOffered string `json:"glibcOffered,omitempty"`
	Musl         bool   `json:"musl,omitempty"` // it is started by, or linked against, musl

	Symbols bool  `json:"symbols,omitempty"` // has a symbol table
	DWARF   bool  `json:"dwarf,omitempty"`   // has debug information
	NX      bool  `json:"nx,omitempty"`      // the stack is declared not executable
	RELRO   RELRO `json:"relro,omitempty"`   // ELF only
	BindNow bool  `json:"bindNow,omitempty"` // ELF: all symbols are bound at start

	// ExecStack says that the stack is asked to be executable, WritableCode
	// that a segment is writable and executable at once, and TextRel that the
	// loader must write into code. All three are of ELF files.
	ExecStack    bool `json:"execStack,omitempty"`
	WritableCode bool `json:"writableCode,omitempty"`
	TextRel      bool `json:"textRel,omitempty"`

	// Go is what the go command wrote into the program; nil when it is no Go
	// program, or one without it.
	Go        *debug.BuildInfo `json:"go,omitempty"`
	GoBuildID string           `json:"goBuildID,omitempty"`

	// Slices are the programs in a fat Mach-O file; the fields above are then
	// those of the first.
	Slices []File `json:"slices,omitempty"`

	funcNames []byte // NUL-delimited names of pclntab; nil unknown
}

// Errors of Read.
var (
	ErrFormat  = errors.New("not an ELF, PE, Mach-O or wasm file")
	ErrDamaged = errors.New("damaged file")
)

// Open reads the program at path. A file that is no program, or a damaged one,
// is a *fault.Error.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open binary: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open binary: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("open binary: %w", &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")})
	}
	b, err := Read(context.Background(), f, fi.Size())
	switch {
	case errors.Is(err, ErrFormat):
		return nil, fault.UsageError(i18n.M("binary.format", path), i18n.M("binary.format.hint"))
	case errors.Is(err, ErrDamaged):
		e := fault.UsageError(i18n.M("binary.damaged", path), i18n.M("binary.damaged.hint"))
		e.Cause = err
		return nil, e
	case err != nil:
		return nil, fmt.Errorf("read binary %s: %w", path, err)
	}
	b.Path = path
	return b, nil
}

// Read reads the program of size bytes in r. Its error is ErrFormat,
// ErrDamaged, one of r, or the cause of ctx.
func Read(ctx context.Context, r io.ReaderAt, size int64) (f *File, err error) {
	g := &guard{ctx: ctx, r: r, size: size, budget: 4*size + 1<<20}
	defer func() {
		// The debug/* packages may panic on malformed files, as they say.
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("%w: %v", ErrDamaged, p)
		}
		if g.err != nil {
			f, err = nil, g.err
		}
	}()
	f, err = read(g, size)
	if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return f, err
}

func read(g io.ReaderAt, size int64) (*File, error) {
	var magic [8]byte
	if n, _ := g.ReadAt(magic[:], 0); n < len(magic) {
		return nil, ErrFormat
	}
	f := &File{Size: size}
	var err error
	switch m := magic[:]; {
	case bytes.HasPrefix(m, []byte("\x7fELF")):
		err = f.readELF(g)
	case bytes.HasPrefix(m, []byte("MZ")):
		err = f.readPE(g)
	case bytes.HasPrefix(m, []byte("\xfe\xed\xfa")), bytes.HasPrefix(m[1:], []byte("\xfa\xed\xfe")):
		err = f.readMachO(g)
	case bytes.HasPrefix(m, []byte("\xca\xfe\xba\xbe")), bytes.HasPrefix(m, []byte("\xca\xfe\xba\xbf")):
		err = f.readFat(g)
	case bytes.Equal(m, []byte("\x00asm\x01\x00\x00\x00")):
		f.Format, f.Arch, f.Bits, f.Machine, f.Type = Wasm, "wasm", 32, "wasm", Exec
	default:
		return nil, ErrFormat
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// setting gives a build setting, or "".
func (f *File) setting(key string) string {
	v, _ := f.Setting(key)
	return v
}

// Setting gives a setting of the Go build information, such as GOARCH or
// -tags, and whether it stands there.
func (f *File) Setting(key string) (string, bool) {
	if f.Go == nil {
		return "", false
	}
	for _, s := range f.Go.Settings {
		if s.Key == key {
			return s.Value, true
		}
	}
	return "", false
}
