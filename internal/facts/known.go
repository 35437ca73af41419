package facts

import "path/filepath"

// Known is what others have published or declared about the modules that the
// repository takes from elsewhere.
type Known struct {
	Licenses []ModuleLicense `json:"licenses,omitempty"` // of the repository's own modules and of those in Deps that are not missing
	// Advisories are the known vulnerabilities of the modules that are required
	// and of Go itself; nil if no database was asked.
	Advisories *Advisories `json:"advisories,omitempty"`
	Published  []Published `json:"published,omitempty"` // what the module cache tells of required modules, sorted
}

// Advisories is what a database of vulnerabilities said.
type Advisories struct {
	List []Advisory `json:"list,omitempty"` // sorted by ID and module
}

// ModuleLicense is what the files of a module say about its licence.
type ModuleLicense struct {
	Module string        `json:"module"` // DepModule.Name, or Root of one of the repository
	Files  []LicenseFile `json:"files,omitempty"`
	// Partly is set if the texts were only looked at for licences that reach to
	// what is linked with them.
	Partly bool `json:"partly,omitempty"`
}

// LicenseFile is a file that states a licence.
type LicenseFile struct {
	Pos     Pos      `json:"pos"`               // where its text begins
	IDs     []string `json:"ids,omitempty"`     // SPDX identifiers, or one expression
	Percent float64  `json:"percent,omitempty"` // of the words that belong to these
	Known   bool     `json:"known,omitempty"`   // recognised
	Choice  bool     `json:"choice,omitempty"`  // one of IDs may be chosen
}

// Name is path@version after replacement: how DepPackage.Module and the
// positions in the module begin.
func (m DepModule) Name() string { return m.name() }

// Selected gives the modules from elsewhere that m is built from, after
// replacement, by the path that imports have.
func (r *Repo) Selected(m *RepoModule) map[string]DepModule { return r.selectionOf(m).mods }

// DepPackageOf gives the package from elsewhere that an import of m's programs
// means, nil if it is not known.
func (r *Repo) DepPackageOf(m *RepoModule) func(importPath string) *DepPackage {
	if r.Deps == nil {
		return func(string) *DepPackage { return nil }
	}
	s := r.selectionOf(m)
	return func(p string) *DepPackage { return s.find(r.Deps, p) }
}

// DirOf gives the directory of a module from elsewhere and what positions in
// it begin with. root is the repository's, modcache as for ReadDeps.
func (r *Repo) DirOf(m DepModule, root, modcache string) (dir, pos string, ok bool) {
	for i := range r.Modules {
		for _, v := range r.Modules[i].VendorModules {
			if v.Path == m.Path && v.Version == m.Version {
				p := filepath.Join(r.Modules[i].Root, "vendor", m.Path)
				return filepath.Join(root, p), filepath.ToSlash(p), true
			}
		}
	}
	d, err := escapedDir(m)
	return filepath.Join(modcache, filepath.FromSlash(d)), m.name(), err == nil && !m.Missing && modcache != ""
}
