package sizes

import (
	"cmp"
	"slices"
)

// Diff says what makes one program larger or smaller than another.
type Diff struct {
	Before   int64    `json:"before"` // bytes of the file
	After    int64    `json:"after"`
	Modules  []Change `json:"modules"`            // what differs, the largest difference first
	Sections []Change `json:"sections,omitempty"` // by name, the same way
}

// Change is a module, package or section that differs, in size or version.
type Change struct {
	Name          string   `json:"name,omitempty"`
	Origin        Origin   `json:"origin,omitempty"` // of a module
	BeforeVersion string   `json:"beforeVersion,omitempty"`
	AfterVersion  string   `json:"afterVersion,omitempty"`
	Before        int64    `json:"before"` // bytes; 0 not there
	After         int64    `json:"after"`
	Packages      []Change `json:"packages,omitempty"` // of a module
}

// Growth is how many bytes it is larger afterwards.
func (c Change) Growth() int64 { return c.After - c.Before }

// Compare says what is different in b, against a.
func Compare(a, b *Report) *Diff {
	d := &Diff{Before: a.Size, After: b.Size}
	type key struct {
		name   string
		origin Origin
	}
	of := func(m Module) key {
		if m.Origin == Main || m.Origin == Dependency {
			// A module may be the program's own here and a dependency there.
			return key{name: m.Name}
		}
		return key{m.Name, m.Origin}
	}
	old, left := map[key]Module{}, map[key]bool{}
	for _, m := range a.Modules {
		old[of(m)], left[of(m)] = m, true
	}
	for _, m := range b.Modules {
		was := old[of(m)]
		delete(left, of(m))
		d.module(was, m)
	}
	for _, m := range a.Modules {
		if left[of(m)] {
			d.module(m, Module{Name: m.Name, Origin: m.Origin})
		}
	}
	sortChanges(d.Modules)
	d.Sections = changes(sectionSizes(a), sectionSizes(b))
	return d
}

func (d *Diff) module(was, is Module) {
	c := Change{Name: is.Name, Origin: is.Origin, BeforeVersion: was.Version, AfterVersion: is.Version, Before: was.Size, After: is.Size}
	sizes := func(m Module) map[string]int64 {
		out := map[string]int64{}
		for _, p := range m.Packages {
			out[p.Name] += p.Size
		}
		return out
	}
	c.Packages = changes(sizes(was), sizes(is))
	if len(c.Packages) > 0 || c.BeforeVersion != c.AfterVersion {
		d.Modules = append(d.Modules, c)
	}
}

func sectionSizes(r *Report) map[string]int64 {
	out := map[string]int64{}
	for _, s := range r.Sections {
		out[s.Name] += s.Size
	}
	return out
}

// changes gives what differs between two lists of sizes.
func changes(was, is map[string]int64) []Change {
	var out []Change
	for name, n := range is {
		if was[name] != n {
			out = append(out, Change{Name: name, Before: was[name], After: n})
		}
	}
	for name, n := range was {
		if _, ok := is[name]; !ok {
			out = append(out, Change{Name: name, Before: n})
		}
	}
	sortChanges(out)
	return out
}

// sortChanges puts the largest differences first, whichever way they go.
func sortChanges(list []Change) {
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(cmp.Compare(max(b.Growth(), -b.Growth()), max(a.Growth(), -a.Growth())), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Name, b.Name))
	})
}
