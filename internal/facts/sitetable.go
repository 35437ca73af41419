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
	sitePackages = map[string]*sitePackage{}
	siteWords    = readSiteTable()
)

// sitePackage is what is asked for of one package, in short.
type sitePackage struct{ marks, aside siteMarks }

// siteWord is a way in which a word that stands behind a dot makes a file that
// imports pkg worth parsing.
type siteWord struct {
	pkg   string
	named bool // only behind the package's name
	call  bool // only before a parenthesis
	aside bool // only in a file that is parsed anyway
}

// siteImports are the packages of the tables that a file imports, with the
// names by which it knows them.
type siteImports struct {
	names map[string]string
	marks *siteMarks // of the words that are asked for in these packages
	most  *siteMarks // with those that are only of interest aside
}

// siteMarks has, for each first letter, a bit for each length of a word: most
// names in a file are none of the table's by these alone.
type siteMarks [26]uint64

func (m *siteMarks) add(word string) { m[word[0]-'A'] |= 1 << len(word) }

func (m *siteMarks) has(word []byte) bool {
	return len(word) > 0 && len(word) < 64 && word[0] >= 'A' && word[0] <= 'Z' && m[word[0]-'A']&(1<<len(word)) != 0
}

func (g *GoFile) siteImports() siteImports {
	s := siteImports{}
	for _, im := range g.Imports {
		p := sitePackages[im.Path]
		if p == nil {
			continue
		}
		if s.names == nil {
			s = siteImports{map[string]string{}, &siteMarks{}, &siteMarks{}}
		}
		s.names[im.Path] = importName(im)
		for i := range p.marks {
			s.marks[i] |= p.marks[i]
			s.most[i] |= p.marks[i] | p.aside[i]
		}
	}
	return s
}

// in reports whether Go code holds one of the names that the tables ask for;
// aside counts those that are no reason to parse a file.
func (s siteImports) in(src []byte, aside bool) bool {
	marks := s.marks
	if aside {
		marks = s.most
	}
	if marks == nil || *marks == (siteMarks{}) {
		return false
	}
	for at := 0; ; {
		i := bytes.IndexByte(src[at:], '.')
		if i < 0 {
			return false
		}
		dot := at + i
		end := dot + 1
		for end < len(src) && wordByte(src[end]) {
			end++
		}
		at = end
		if !marks.has(src[dot+1 : end]) {
			continue
		}
		for _, w := range siteWords[string(src[dot+1:end])] {
			pkg, ok := s.names[w.pkg]
			switch {
			case !ok, w.aside && !aside, w.call && (end == len(src) || src[end] != '('):
			case !w.named || behind(src[:dot], pkg):
				return true
			}
		}
	}
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
			if sitePackages[p] == nil {
				sitePackages[p] = &sitePackage{}
			}
			want := func(n string, w siteWord) {
				if w.aside = a.aside; a.aside {
					sitePackages[p].aside.add(n)
				} else {
					sitePackages[p].marks.add(n)
				}
				if w.pkg = p; !slices.Contains(out[n], w) {
					out[n] = append(out[n], w)
				}
			}
			for _, n := range a.names {
				if siteNames[p] == nil {
					siteNames[p] = map[string]bool{}
				}
				siteNames[p][n] = true
				want(n, siteWord{named: true})
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
