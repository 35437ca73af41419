package facts

// Deps is what the module cache holds of the packages from elsewhere that the
// repository's programs link. Positions in them are module@version/file.
type Deps struct {
	Modules  []DepModule            `json:"modules,omitempty"`  // what the go.mod files select, sorted by path and version
	Packages map[string]*DepPackage `json:"packages,omitempty"` // by import path; only those that are reached
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
	Module string   `json:"module"`
	Files  []GoFile `json:"files"`
}
