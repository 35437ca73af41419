package facts

import (
	"maps"
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
	siteNames   = map[string]map[string]bool{} // package → its names
	siteMethods = map[string][]string{}        // method → packages
	siteFields  = map[string][]string{}        // field → packages
	siteReads   = map[string][]string{}        // field that is read → packages
	siteNeedles = readSiteTable()
)

// readSiteTable fills the maps above and gives, for each package, the bytes of
// which one must be in a file that is worth parsing.
func readSiteTable() map[string][][]byte {
	words := map[string]map[string]bool{}
	for _, a := range siteAsks {
		for _, p := range a.pkgs {
			if words[p] == nil {
				words[p] = map[string]bool{}
			}
			for _, n := range a.names {
				if siteNames[p] == nil {
					siteNames[p] = map[string]bool{}
				}
				siteNames[p][n] = true
				if !a.aside {
					words[p]["."+n] = true
				}
			}
			for _, n := range a.methods {
				siteMethods[n] = append(siteMethods[n], p)
				words[p]["."+n+"("] = true
			}
			for _, n := range a.fields {
				siteFields[n] = append(siteFields[n], p)
				words[p]["."+n] = true
			}
			for _, n := range a.reads {
				siteReads[n] = append(siteReads[n], p)
				words[p]["."+n] = true
			}
		}
	}
	out := map[string][][]byte{}
	for p, ws := range words {
		for _, w := range slices.Sorted(maps.Keys(ws)) {
			out[p] = append(out[p], []byte(w))
		}
	}
	return out
}
