package facts

import (
	"bytes"
	"slices"
)

// siteAsk is what rules want to see of one package, or of several that do the
// same. A file is parsed as a whole only if it imports one of Pkgs and holds
// one of the names.
type siteAsk struct {
	pkgs    []string // import paths
	names   []string // types, functions, variables: pkg.Name
	methods []string // x.Name(…) in files that import one of pkgs
	fields  []string // x.Name = … in files that import one of pkgs
	reads   []string // x.Name in any other place in files that import one of pkgs
	aside   bool     // wanted of files that are parsed anyway, and no reason to parse one
}

// siteAsks is the table of sites, by family of rules.
var siteAsks = slices.Concat(imageSites, webSites, tlsSites, lockSites, wasmSites, k8sSites)

var (
	siteNames    = map[string]map[string]bool{} // package → its names
	siteMethods  = map[string][]string{}        // method → packages
	siteFields   = map[string][]string{}        // field → packages
	siteReads    = map[string][]string{}        // field that is read → packages
	sitePackages = map[string]bool{}
	siteWords    = readSiteTable()
)

// siteWord is a way in which a word that stands behind a dot makes a file that
// imports pkg worth parsing.
type siteWord struct {
	pkg   string
	named bool // only behind the package's name
	call  bool // only before a parenthesis
}

// asksFor reports whether the file imports a package of the tables and holds
// one of the names that they ask for.
func asksFor(g *GoFile, src []byte) bool {
	names := map[string]string{} // import path → name in this file
	for _, im := range g.Imports {
		if sitePackages[im.Path] {
			names[im.Path] = importName(im)
		}
	}
	for at := 0; len(names) > 0; {
		i := bytes.IndexByte(src[at:], '.')
		if i < 0 {
			return false
		}
		dot := at + i
		end := dot + 1
		for end < len(src) && wordByte(src[end]) {
			end++
		}
		for _, w := range siteWords[string(src[dot+1:end])] {
			pkg, ok := names[w.pkg]
			switch {
			case !ok, w.call && (end == len(src) || src[end] != '('):
			case !w.named || behind(src[:dot], pkg):
				return true
			}
		}
		at = end
	}
	return false
}

// behind reports whether the last word of src is pkg.
func behind(src []byte, pkg string) bool {
	q, ok := bytes.CutSuffix(src, []byte(pkg))
	return ok && (len(q) == 0 || !wordByte(q[len(q)-1]))
}

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// readSiteTable fills the maps above and gives, for each word, where it makes
// a file worth parsing.
func readSiteTable() map[string][]siteWord {
	out := map[string][]siteWord{}
	for _, a := range siteAsks {
		for _, p := range a.pkgs {
			sitePackages[p] = true
			want := func(n string, w siteWord) {
				if w.pkg = p; !slices.Contains(out[n], w) {
					out[n] = append(out[n], w)
				}
			}
			for _, n := range a.names {
				if siteNames[p] == nil {
					siteNames[p] = map[string]bool{}
				}
				siteNames[p][n] = true
				if !a.aside {
					want(n, siteWord{named: true})
				}
			}
			for _, n := range a.methods {
				siteMethods[n] = append(siteMethods[n], p)
				want(n, siteWord{call: true})
			}
			for _, n := range a.fields {
				siteFields[n] = append(siteFields[n], p)
				want(n, siteWord{})
			}
			for _, n := range a.reads {
				siteReads[n] = append(siteReads[n], p)
				want(n, siteWord{})
			}
		}
	}
	return out
}
