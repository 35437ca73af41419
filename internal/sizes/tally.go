package sizes

import (
	"cmp"
	"runtime/debug"
	"slices"
	"strings"
)

// slot names a package in a tally.
type slot int32

// entry is what a tally knows of a package, or of a thing that is none.
type entry struct {
	name   string
	origin Origin // empty: a Go package, whose module is looked up at the end
	parts  [numParts]int64
}

// The parts of a Package.
const (
	codePart = iota
	tablePart
	typePart
	dataPart
	numParts
)

// tally counts bytes by package.
type tally struct {
	info    *debug.BuildInfo
	slots   map[string]slot
	entries []entry
	last    []byte // the name that was looked up last: neighbours share their package
	lastAt  slot
}

// maxPackages bounds what a file can make the tally hold; Kubernetes has 1,600.
const maxPackages = 1 << 17

func newTally(info *debug.BuildInfo) *tally {
	return &tally{info: info, slots: map[string]slot{}, lastAt: -1}
}

// pkg gives the slot of a package by its path as symbols write it; -1 for none.
func (t *tally) pkg(path []byte) slot {
	if len(path) == 0 {
		return -1
	}
	if t.lastAt >= 0 && string(path) == string(t.last) {
		return t.lastAt
	}
	s, ok := t.slots[string(path)]
	if !ok {
		if len(t.entries) >= maxPackages || len(path) > 1024 {
			return -1
		}
		// Types write the path as it is, symbols with %xx in it.
		name := unescape(string(path))
		if s, ok = t.slots[name]; !ok {
			s = slot(len(t.entries))
			t.entries = append(t.entries, entry{name: strings.ToValidUTF8(name, "?")})
			t.slots[name] = s
		}
		t.slots[string(path)] = s
	}
	t.last, t.lastAt = append(t.last[:0], path...), s
	return s
}

// thing gives the slot of what is no package.
func (t *tally) thing(o Origin, name string) slot {
	key := "\x00" + string(o) + "\x00" + name
	s, ok := t.slots[key]
	if !ok {
		s = slot(len(t.entries))
		t.slots[key] = s
		t.entries = append(t.entries, entry{name: name, origin: o})
	}
	return s
}

func (t *tally) add(s slot, part int, n int64) { t.entries[s].parts[part] += n }

func (t *tally) total() int64 {
	var n int64
	for i := range t.entries {
		n += t.entries[i].size()
	}
	return n
}

func (e *entry) size() int64 {
	var n int64
	for _, p := range e.parts {
		n += p
	}
	return n
}

// modules sums the packages up by module.
func (t *tally) modules() []Module {
	find := newFinder(t.info)
	type key struct {
		name   string
		origin Origin
	}
	at := map[key]int{}
	var out []Module
	for i := range t.entries {
		e := &t.entries[i]
		size := e.size()
		if size == 0 {
			continue
		}
		m, name := Module{Origin: e.origin}, e.name
		if e.origin == "" {
			m, name = find.module(e.name)
		}
		j, ok := at[key{m.Name, m.Origin}]
		if !ok {
			j = len(out)
			at[key{m.Name, m.Origin}] = j
			out = append(out, m)
		}
		out[j].Size += size
		out[j].Packages = append(out[j].Packages, Package{Name: name, Size: size,
			Code: e.parts[codePart], Tables: e.parts[tablePart], Types: e.parts[typePart], Data: e.parts[dataPart]})
	}
	for i := range out {
		slices.SortFunc(out[i].Packages, func(a, b Package) int {
			return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name))
		})
	}
	slices.SortFunc(out, func(a, b Module) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// finder says which module a package belongs to.
type finder struct {
	main    Module
	mainPkg string
	std     Module
	mods    map[string]Module
}

func newFinder(info *debug.BuildInfo) *finder {
	f := &finder{main: Module{Origin: Main}, std: Module{Name: "std", Origin: Std}, mods: map[string]Module{}}
	if info == nil {
		return f
	}
	f.std.Version, f.mainPkg = info.GoVersion, info.Path
	f.main.Name, f.main.Version = info.Main.Path, info.Main.Version
	if f.main.Name != "" {
		f.mods[f.main.Name] = f.main
	}
	for _, d := range info.Deps {
		m := Module{Name: d.Path, Version: d.Version, Origin: Dependency}
		if d.Replace != nil && d.Replace.Version != "" && d.Replace.Version != "(devel)" {
			m.Version = d.Replace.Version
		}
		f.mods[d.Path] = m
	}
	return f
}

// module gives the module of a package, and the package's own path: the
// linker calls that of the program main.
func (f *finder) module(pkg string) (Module, string) {
	if pkg == "main" {
		if f.mainPkg != "" {
			pkg = f.mainPkg
		}
		if m, ok := f.longest(pkg); ok {
			return m, pkg
		}
		return f.main, pkg
	}
	if m, ok := f.longest(pkg); ok {
		return m, pkg
	}
	first, _, _ := strings.Cut(pkg, "/")
	if !strings.Contains(first, ".") {
		return f.std, pkg
	}
	return Module{Origin: Unknown}, pkg
}

// longest gives the module whose path is the longest that pkg begins with.
func (f *finder) longest(pkg string) (Module, bool) {
	for p := pkg; p != ""; {
		if m, ok := f.mods[p]; ok {
			return m, true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			break
		}
		p = p[:i]
	}
	return Module{}, false
}

// goMinor gives N of the Go 1.N that linked the program; the newest known if
// it does not say.
func (t *tally) goMinor() int {
	if t.info != nil {
		if rest, ok := strings.CutPrefix(t.info.GoVersion, "go1."); ok {
			n := 0
			for i := 0; i < len(rest) && rest[i] >= '0' && rest[i] <= '9' && n < 1000; i++ {
				n = 10*n + int(rest[i]-'0')
			}
			return n
		}
	}
	return 26
}
