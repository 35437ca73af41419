package license

import (
	"bytes"
	"slices"
	"sync"

	"github.com/google/licensecheck"
)

// usual are the texts that nearly all modules have.
var usual = []string{
	"0BSD", "AGPL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-2-Clause-Views", "BSD-3-Clause",
	"CC0-1.0", "EPL-2.0", "GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0", "GPL-3.0-only", "GPL-3.0-or-later", "ISC",
	"LGPL-2.1", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0",
	"MPL-2.0-no-copyleft-exception", "SSPL-1.0", "Unlicense", "Zlib",
}

var small = sync.OnceValues(func() (*licensecheck.Scanner, error) {
	ls := slices.DeleteFunc(licensecheck.BuiltinLicenses(), func(l licensecheck.License) bool { return !slices.Contains(usual, l.ID) })
	return licensecheck.NewScanner(ls)
})

var large = sync.OnceValues(func() (*licensecheck.Scanner, error) {
	return licensecheck.NewScanner(licensecheck.BuiltinLicenses())
})

// titled are licences that are younger than the list of the library. Their
// title stands at the top of their text.
var titled = []struct{ title, id string }{
	{"business source license 1.1", "BUSL-1.1"},
	{`"business source license" is a trademark of mariadb`, "BUSL-1.1"},
	{"elastic license 2.0", "Elastic-2.0"},
	{"functional source license, version 1.1", "FSL-1.1"},
}

// maxTitle is how far from the top a title may stand, in bytes.
const maxTitle = 1500

// classify gives the licences of a text and how much of it they are, in
// percent. A scanner that cannot be made gives none: the texts come with the
// library, and a test makes both.
func classify(text []byte) ([]Match, float64) {
	top := plain(text[:min(len(text), maxTitle)])
	for _, t := range titled {
		if bytes.Contains(top, []byte(t.title)) {
			return []Match{{ID: t.id, Line: 1}}, 100
		}
	}
	best, percent := []Match(nil), 0.0
	for _, scanner := range []func() (*licensecheck.Scanner, error){small, large} {
		s, err := scanner()
		if err != nil {
			continue
		}
		c := s.Scan(text)
		if ms := matches(text, c); len(ms) > 0 && c.Percent >= percent {
			best, percent = ms, c.Percent
		}
		if percent >= enough {
			break
		}
	}
	return best, percent
}

func matches(text []byte, c licensecheck.Coverage) []Match {
	// A text may link to licences that are not its own.
	words := slices.ContainsFunc(c.Match, func(m licensecheck.Match) bool { return !m.IsURL })
	var out []Match
	for _, m := range c.Match {
		if (!m.IsURL || !words) && !slices.ContainsFunc(out, func(o Match) bool { return o.ID == m.ID }) {
			out = append(out, Match{ID: m.ID, Line: 1 + bytes.Count(text[:m.Start], []byte("\n"))})
		}
	}
	return out
}

// copyleft are words of which one stands in every licence that reaches to
// what is linked with it, in lower case.
var copyleft = [][]byte{
	[]byte("general public license"), []byte("server side public"), []byte("business source"), []byte("elastic license"),
	[]byte("functional source"), []byte("the right to sell the software"), []byte("polyform"), []byte("parity"), []byte("prosperity"), []byte("sleepycat"), []byte("gpl"),
}

func mayBeCopyleft(text []byte) bool {
	low := plain(text)
	return slices.ContainsFunc(copyleft, func(w []byte) bool { return bytes.Contains(low, w) })
}

// plain is a text in lower case on one line.
func plain(text []byte) []byte {
	return bytes.ToLower(bytes.Join(bytes.Fields(text), []byte(" ")))
}
