package license

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/google/licensecheck"
)

// usual are the texts that nearly all modules have.
var usual = []string{
	"0BSD", "AGPL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-2-Clause-Views", "BSD-3-Clause",
	"CC0-1.0", "EPL-2.0", "GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0", "GPL-3.0-only", "GPL-3.0-or-later", "ISC",
	"CommonsClause", "LGPL-2.1", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0",
	"MPL-2.0-no-copyleft-exception", "Parity-7.0.0", "PolyForm-Noncommercial-1.0.0", "PolyForm-Small-Business-1.0.0", "Prosperity-3.0.0", "SSPL-1.0", "Sleepycat", "Unlicense", "Zlib",
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
// percent; quick goes by the usual ones alone. A scanner that cannot be made gives none: the texts come with the
// library, and a test makes both.
func classify(text []byte, quick bool) ([]Match, float64) {
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
		if percent >= enough || quick {
			break
		}
	}
	return excepted(text, best), percent
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
	// The full text of a GNU licence ends with how to apply it to a program,
	// which looks like a notice that has been applied.
	return slices.DeleteFunc(out, func(m Match) bool {
		base := strings.TrimSuffix(strings.TrimSuffix(m.ID, "-or-later"), "-only")
		return base != m.ID && slices.ContainsFunc(out, func(o Match) bool { return o.ID == base })
	})
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

// offers are words by which the top of a text lets its reader choose, in
// lower case.
var offers = [][]byte{
	[]byte("at your option"), []byte("dual-licensed"), []byte("dual licensed"), []byte("dual license"), []byte("either of the"), []byte("under either"), []byte("either license"),
}

func offersChoice(text []byte) bool {
	top := plain(text[:min(len(text), maxTitle)])
	return slices.ContainsFunc(offers, func(w []byte) bool { return bytes.Contains(top, w) })
}

// exceptions are sentences that free a program which links from what the GNU
// licence beside them asks of it, in lower case, and the mark that SPDX gives
// such a licence (https://spdx.org/licenses/exceptions-index.html).
var exceptions = []struct{ sentence, mark string }{
	{"links statically or dynamically to this library without", "-linking-exception"},
	{"regardless of the license terms of these independent modules", "-linking-exception"},
	{"linking this library statically or dynamically with other modules", "-linking-exception"},
}

// excepted marks the GNU licences of a text that has such a sentence.
func excepted(text []byte, ms []Match) []Match {
	if !slices.ContainsFunc(ms, func(m Match) bool { return strings.Contains(m.ID, "GPL-") }) {
		return ms
	}
	all := plain(text)
	for _, e := range exceptions {
		if !bytes.Contains(all, []byte(e.sentence)) {
			continue
		}
		for i, m := range ms {
			if strings.Contains(m.ID, "GPL-") {
				ms[i].ID = strings.TrimSuffix(m.ID, "-or-later") + e.mark
			}
		}
		break
	}
	return ms
}
