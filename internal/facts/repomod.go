package facts

import (
	"path"
	"strings"

	"golang.org/x/mod/modfile"
)

// readRepoModule reads a go.mod. If it has an error the go command would stop
// at, err says so and the module holds what could be read all the same.
func readRepoModule(name string, src []byte) (RepoModule, error) {
	m := RepoModule{Root: path.Dir(name)}
	f, err := modfile.Parse(name, src, nil)
	if err != nil {
		var lax error
		if f, lax = modfile.ParseLax(name, src, nil); lax != nil {
			return m, err
		}
	}
	if f.Module == nil {
		return m, modfile.ErrorList{{Filename: name, Err: errNoModule}}
	}
	m.Module = moduleOf(f, name)
	if m.Root != "." {
		m.Dir = m.Root
	}
	for _, r := range f.Require {
		m.Requires = append(m.Requires, Require{r.Mod.Path, r.Mod.Version, r.Indirect, linePos(name, r.Syntax)})
	}
	return m, err
}

// readSums reads go.sum; a line that is none is passed over.
func readSums(name, src string) []SumLine {
	var out []SumLine
	n := 0
	for l := range strings.Lines(src) {
		n++
		if f := strings.Fields(l); len(f) == 3 && strings.Contains(f[2], ":") {
			out = append(out, SumLine{f[0], f[1], f[2], Pos{File: name, Line: n, Column: 1}})
		}
	}
	return out
}

// readVendorModules reads vendor/modules.txt: "# path version" begins a
// module, "## explicit" beneath says that go.mod requires it.
func readVendorModules(name, src string) []VendorModule {
	var out []VendorModule
	n := 0
	for l := range strings.Lines(src) {
		n++
		if rest, ok := strings.CutPrefix(l, "## "); ok {
			if len(out) > 0 && strings.Contains(rest, "explicit") {
				out[len(out)-1].Explicit = true
			}
			continue
		}
		rest, ok := strings.CutPrefix(l, "# ")
		if !ok {
			continue
		}
		f := strings.Fields(rest)
		switch {
		case len(f) == 0:
		case len(f) >= 2 && f[1] == "=>": // a replacement that is not used
		case len(f) == 1:
			out = append(out, VendorModule{Path: f[0], Pos: Pos{File: name, Line: n, Column: 1}})
		default:
			out = append(out, VendorModule{Path: f[0], Version: f[1], Pos: Pos{File: name, Line: n, Column: 1}})
		}
	}
	return out
}

// ImportPath gives the import path of a directory of the module; without a
// module, the directory.
func (m *RepoModule) ImportPath(dir string) string {
	switch {
	case m == nil:
		return dir
	case dir == m.Root:
		return m.Path
	case m.Root == ".":
		return m.Path + "/" + dir
	}
	return m.Path + "/" + strings.TrimPrefix(dir, m.Root+"/")
}
