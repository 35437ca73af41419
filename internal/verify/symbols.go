package verify

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/ldso"
)

// symbolCache holds the dynamic symbols of libraries by path. It must not be
// used by several goroutines at once.
type symbolCache struct{ by map[string][]binary.Symbol }

// definitions are the symbols that a process has, each with the versions that
// are defined; "" stands for one without a version.
type definitions map[string][]string

func (d definitions) add(list []binary.Symbol) {
	for _, s := range list {
		if s.Defined && !slices.Contains(d[s.Name], s.Version) {
			d[s.Name] = append(d[s.Name], s.Version)
		}
	}
}

// maxSaid is how many undefined symbols of one object are named.
const maxSaid = 5

// symbols looks for what the program and its libraries want and nobody
// defines. The dynamic linker finds it at the first call, unless it was told
// to bind at the start (ld.so(8), LD_BIND_NOW).
func (j *placement) symbols(ctx context.Context, l *ldso.Loader) error {
	have := definitions{}
	lists := make([][]binary.Symbol, len(l.Objects()))
	for i, o := range l.Objects() {
		list, err := j.symbolsOf(ctx, o)
		if err != nil || list == nil {
			return ctx.Err() // what it has cannot be known
		}
		lists[i] = list
		have.add(list)
	}
	if i := l.Interp(); i != nil {
		list, err := j.symbolsOf(ctx, i)
		if err != nil || list == nil {
			return ctx.Err()
		}
		have.add(list)
	}
	for i, o := range l.Objects() {
		var names []string
		for _, s := range lists[i] {
			if !s.Defined && !s.Weak && !have.defines(s, l.Musl()) {
				names = append(names, withVersion(s))
			}
		}
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		var ev []finding.Evidence
		for _, n := range names[1:min(len(names), maxSaid)] {
			ev = append(ev, finding.Evidence{Text: i18n.M("verify.symbol.too", n)})
		}
		if rest := len(names) - maxSaid; rest > 0 {
			ev = append(ev, finding.Evidence{Text: i18n.M("verify.symbol.more", rest)})
		}
		if l.Musl() && !j.p.file.Musl {
			j.no = j.no || j.p.file.BindNow
			j.report(RuleLibcMixed, i18n.M("verify.libc.symbol", o.Name, names[0], l.Interp().Real), ev...)
			continue
		}
		f := j.report(RuleSymbolUndefined, i18n.M("verify.symbol", o.Name, names[0], j.place.Name), ev...)
		switch {
		case i > 0:
			// Libraries may want what only some programs have to offer.
			f.Advisory = true
		case o.File.BindNow:
			f.Severity, j.no = finding.CannotStart, true
		}
	}
	return nil
}

// defines reports whether a wanted symbol is there. musl looks at names alone;
// glibc takes a definition without version for any. A version of glibc that is
// missing is said elsewhere.
func (d definitions) defines(s binary.Symbol, musl bool) bool {
	versions, ok := d[s.Name]
	return ok && (musl || s.Version == "" || strings.HasPrefix(s.Version, "GLIBC_") ||
		slices.Contains(versions, s.Version) || slices.Contains(versions, ""))
}

func withVersion(s binary.Symbol) string {
	if s.Version == "" {
		return s.Name
	}
	return s.Name + "@" + s.Version
}

// symbolsOf reads the dynamic symbols of an object; nil when they cannot be
// known.
func (j *placement) symbolsOf(ctx context.Context, o *ldso.Object) ([]binary.Symbol, error) {
	if o.Real == "" {
		r, err := j.p.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return binary.DynamicSymbols(ctx, r, r.Size())
	}
	if o.Outside {
		r, err := openDisk(o.Name)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return binary.DynamicSymbols(ctx, r, r.Size())
	}
	cache := j.place.syms
	if list, ok := cache.by[o.Real]; ok {
		return list, nil
	}
	r, err := j.place.Tree.Open(o.Real)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	list, err := binary.DynamicSymbols(ctx, r, r.Size())
	if err != nil {
		return nil, err
	}
	if cache.by == nil {
		cache.by = map[string][]binary.Symbol{}
	}
	cache.by[o.Real] = list
	return list, nil
}

// Open opens the program's file. The caller closes it.
func (p *OpenedProgram) Open() (ldso.File, error) {
	if p.open != nil {
		return p.open()
	}
	return openDisk(p.Path)
}

// openDisk opens a regular file of this disk.
func openDisk(name string) (ldso.File, error) {
	f, err := os.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &os.PathError{Op: "read", Path: name, Err: os.ErrInvalid})
	}
	return file{f, fi.Size()}, nil
}

type file struct {
	*os.File
	size int64
}

// Size is the size in bytes.
func (f file) Size() int64 { return f.size }
