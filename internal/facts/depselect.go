package facts

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// selection is what one go.mod takes from elsewhere. From go 1.17 on a tidy
// go.mod lists every module of which a package is linked
// (https://go.dev/ref/mod#graph-pruning), so that no other file need be read.
// What an older one selects is not known.
type selection struct {
	local   localModules
	mods    map[string]DepModule // by module path
	vendor  string               // directory of the vendor directory in use, "" none
	partial bool                 // go.mod does not list every module, nor then their versions
}

// selectionOf gives what module is built from.
func (r *Repo) selectionOf(module *RepoModule) *selection {
	if module == nil {
		return &selection{}
	}
	s := &selection{local: r.localModules(module), mods: map[string]DepModule{}}
	members := []*RepoModule{module}
	var replaces []Replace
	top := module
	if r.Work != nil && slices.ContainsFunc(r.Work.Uses, func(u Line) bool { return path.Clean(u.Value) == module.Root }) {
		replaces = append(replaces, r.Work.Replaces...) // the first that matches counts
		for _, u := range r.Work.Uses {
			if m := r.ModuleAt(path.Clean(u.Value)); m != nil && m.Root == path.Clean(u.Value) && m != module {
				members = append(members, m)
			}
		}
		top = r.ModuleAt(".")
	}
	for _, m := range members {
		s.partial = s.partial || minorOf(m.Go.Value) < 17 && len(m.Requires) > 0
		replaces = append(replaces, m.Replaces...)
		for _, q := range m.Requires {
			if old, ok := s.mods[q.Path]; !ok || semver.Compare(q.Version, old.Version) > 0 {
				s.mods[q.Path] = DepModule{Path: q.Path, Version: q.Version}
			}
		}
	}
	if top != nil && len(top.VendorModules) > 0 {
		s.vendor = path.Join(top.Root, "vendor")
		s.mods = map[string]DepModule{}
		for _, v := range top.VendorModules {
			s.mods[v.Path] = DepModule{Path: v.Path, Version: v.Version}
		}
		s.partial = false
		return s // the replacements are in the directory already
	}
	if s.partial {
		s.mods = map[string]DepModule{}
		return s
	}
	for p, m := range s.mods {
		for _, rp := range replaces {
			if rp.Old != p && rp.Old != p+"@"+m.Version {
				continue
			}
			if rp.Local {
				m.Missing = true // a directory; one of this repository is among local
			} else {
				m.Source, m.Version, _ = cutLast(rp.New, "@")
			}
			break
		}
		for _, x := range module.Excludes {
			m.Missing = m.Missing || m.Source == "" && x.Value == p+"@"+m.Version // which one takes its place is not in go.mod
		}
		s.mods[p] = m
	}
	return s
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// each calls yield for the modules that may hold a package, the longest path
// first, until it gives false.
func (s *selection) each(importPath string, yield func(DepModule) bool) {
	for p := importPath; ; {
		if m, ok := s.mods[p]; ok && !yield(m) {
			return
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return
		}
		p = p[:i]
	}
}

// isStd reports whether an import path is one of the standard library, which
// alone has paths without a dot in their first element, or C.
func isStd(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// find gives the package of deps that an import means, nil if it is not known.
func (s *selection) find(deps *Deps, importPath string) *DepPackage {
	if isStd(importPath) && len(s.mods) > 0 {
		if _, ok := s.mods[importPath]; !ok {
			return nil
		}
	}
	var found *DepPackage
	s.each(importPath, func(m DepModule) bool {
		for _, key := range [...]string{importPath, importPath + "@" + m.Version} {
			if p := deps.Packages[key]; p != nil && p.Module == m.name() {
				found = p
				return false
			}
		}
		return true
	})
	return found
}
