package facts

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Deps is what the module cache and the vendor directories hold of the
// packages from elsewhere that the repository's programs link on linux/amd64,
// and under WebAssembly if one is built for it.
// Positions in them are module@version/file, those in a vendor directory
// relative to the repository as all others. Only the heads of their files are
// read.
type Deps struct {
	Modules []DepModule `json:"modules,omitempty"` // those that an import leads to, sorted by path and version
	// Packages are those that are reached, by import path. Where the go.mod
	// files of one repository select several versions, the others are under
	// path@version; Repo.Closure finds the right one.
	Packages map[string]*DepPackage `json:"packages,omitempty"`
	// Unknown are the imports that lead to what could not be read, once each:
	// what lies behind them is not known.
	Unknown []Line `json:"unknown,omitempty"`
	// Elsewhere are the tags that a go command of the repository sets and no
	// file above or in std names, but one of those modules in a package that
	// nothing links, with that place.
	Elsewhere map[string]Pos `json:"elsewhere,omitempty"`
	// Searched says that every module that a go.mod requires was there to be
	// searched for them.
	Searched bool `json:"searched,omitempty"`
}

// DepModule is one module from elsewhere.
type DepModule struct {
	Path    string `json:"path"`
	Version string `json:"version"`           // after replacement, with Source
	Source  string `json:"source,omitempty"`  // the module that replaces it, if any
	Missing bool   `json:"missing,omitempty"` // not in the module cache: nothing is known of its packages
}

// DepPackage is one package of such a module.
type DepPackage struct {
	Path   string   `json:"path"`
	Module string   `json:"module"` // path@version, after replacement
	Files  []GoFile `json:"files"`  // without tests and those of other systems
}

// name is how positions begin.
func (m DepModule) name() string { return cmp.Or(m.Source, m.Path) + "@" + m.Version }

// ReadDeps reads what the repository in root, which is repo, takes from
// elsewhere: from its vendor directories, else from modcache, the directory
// that `go env GOMODCACHE` gives. What is not there is noted, not fetched. An
// error means that ctx has ended.
func ReadDeps(ctx context.Context, repo *Repo, root, modcache string) error {
	w := newDepWalk(repo, root, modcache)
	defer w.close()
	for i := range repo.Modules {
		if err := w.module(ctx, &repo.Modules[i]); err != nil {
			return fmt.Errorf("read dependencies: %w", err)
		}
	}
	repo.Deps = w.deps()
	if err := w.seekTags(ctx, repo.Deps); err != nil {
		return fmt.Errorf("read dependencies: %w", err)
	}
	if err := repo.readVendorFiles(ctx, root, modcache); err != nil {
		return err
	}
	missing := 0
	for _, m := range repo.Deps.Modules {
		if m.Missing {
			missing++
		}
	}
	if missing > 0 {
		repo.Notes = append(repo.Notes, Note{Text: i18n.M("facts.note.missing", missing, len(repo.Deps.Modules))})
	}
	return nil
}

// deps makes the document of what was read.
func (w *depWalk) deps() *Deps {
	d := &Deps{Packages: map[string]*DepPackage{}}
	for _, key := range slices.Sorted(maps.Keys(w.read)) {
		p := w.read[key]
		if p == nil || len(p.Files) == 0 {
			continue
		}
		if _, ok := d.Packages[p.Path]; ok {
			_, version, _ := cutLast(p.Module, "@")
			d.Packages[p.Path+"@"+version] = p
		} else {
			d.Packages[p.Path] = p
		}
	}
	d.Modules = slices.SortedFunc(maps.Values(w.modules), func(a, b DepModule) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Source, b.Source))
	})
	for _, p := range slices.Sorted(maps.Keys(w.unknown)) {
		d.Unknown = append(d.Unknown, Line{p, w.unknown[p]})
	}
	return d
}
