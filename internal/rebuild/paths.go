package rebuild

import (
	"path"
	"strings"

	"golang.org/x/mod/module"
)

// places are the directories whose names a program carries when it was built
// without -trimpath: in its line table, in its DWARF, and for runtime.GOROOT.
type places struct {
	goroot   string // "" unknown or trimmed
	modcache string
	main     string // directory of the main module, for a checkout
}

// placesOf reads them from the names of source files. mods are the modules as
// path@version, main the path of the main module and pkg of the main package.
func placesOf(files []string, mods []module.Version, mainModule, mainPkg string) places {
	var p places
	suffixes := map[string]bool{}
	for _, m := range mods {
		ep, err1 := module.EscapePath(m.Path)
		ev, err2 := module.EscapeVersion(m.Version)
		if err1 == nil && err2 == nil {
			suffixes[ep+"@"+ev] = true
		}
	}
	for _, f := range files {
		if p.goroot == "" {
			if root, ok := strings.CutSuffix(f, "/src/runtime/proc.go"); ok {
				p.goroot = root
			}
		}
		if at := strings.IndexByte(f, '@'); p.modcache == "" && at >= 0 && abs(f) {
			end := strings.IndexByte(f[at:], '/')
			if end < 0 {
				continue
			}
			for s := f[:at+end]; ; {
				i := strings.IndexByte(s, '/')
				if i < 0 {
					break
				}
				s = s[i+1:]
				if suffixes[s] {
					p.modcache = strings.TrimSuffix(f[:at+end], "/"+s)
					break
				}
			}
		}
	}
	p.main = mainDir(files, p, mainModule, mainPkg)
	return p
}

// mainDir finds the directory of the main module: a file that lies neither in
// GOROOT nor in the module cache, in a directory named as the package is
// within the module.
func mainDir(files []string, p places, mainModule, mainPkg string) string {
	rel := strings.Trim(strings.TrimPrefix(mainPkg, mainModule), "/")
	best := ""
	for _, f := range files {
		if !abs(f) || p.goroot != "" && strings.HasPrefix(f, p.goroot+"/") || p.modcache != "" && strings.HasPrefix(f, p.modcache+"/") {
			continue
		}
		dir := path.Dir(f)
		if rel != "" {
			d, ok := strings.CutSuffix(dir, "/"+rel)
			if !ok {
				continue
			}
			dir = d
		}
		// Of a package at the module's root the shortest directory is it.
		if best == "" || len(dir) < len(best) {
			best = dir
		}
	}
	return best
}

func abs(f string) bool {
	return strings.HasPrefix(f, "/") || len(f) > 2 && f[1] == ':' && (f[2] == '/' || f[2] == '\\')
}

// rewrites gives the compiler's -trimpath argument that turns our places into
// those of the original; empty if none differs.
func rewrites(ours, theirs places) string {
	var out []string
	for _, r := range [][2]string{{ours.main, theirs.main}, {ours.modcache, theirs.modcache}, {ours.goroot, theirs.goroot}} {
		if r[0] != "" && r[1] != "" && r[0] != r[1] {
			out = append(out, r[0]+"=>"+r[1])
		}
	}
	return strings.Join(out, ";")
}
