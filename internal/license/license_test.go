package license

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"
)

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const mit = `Copyright (c) 2020 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`

const gplNotice = `This program is free software: you can redistribute it and/or modify
it under the terms of the GNU General Public License as published by
the Free Software Foundation, either version 3 of the License, or
(at your option) any later version.

This program is distributed in the hope that it will be useful,
but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
GNU General Public License for more details.
`

// ids renders what was found: name=ID,ID with a question mark for a file that
// was not recognised.
func ids(fs []File) string {
	var out []string
	for _, f := range fs {
		var s []string
		for _, m := range f.Matches {
			s = append(s, m.ID)
		}
		q := ""
		if !f.Known {
			q = "?"
		}
		sep := ","
		if f.Choice {
			sep = "|"
		}
		out = append(out, f.Name+"="+strings.Join(s, sep)+q)
	}
	return strings.Join(out, " ")
}

func TestRead(t *testing.T) {
	agplHeader := "// SPDX-License-Identifier: AGPL-3.0-only\n\npackage p\n"
	for name, x := range map[string]struct {
		files    map[string]string
		packages []string
		want     string
	}{
		"root":            {map[string]string{"LICENSE": mit}, nil, "LICENSE=MIT"},
		"British":         {map[string]string{"Licence.md": mit}, nil, "Licence.md=MIT"},
		"none":            {map[string]string{"a.go": "package a\n"}, []string{"."}, ""},
		"not its own":     {map[string]string{"LICENSE-3rdparty.csv": mit, "license.go": "package a\n", "LICENSE.docs": mit}, []string{"."}, ""},
		"unknown text":    {map[string]string{"LICENSE": "Do what we say and pay us.\n"}, nil, "LICENSE=?"},
		"linked package":  {map[string]string{"LICENSE": mit, "a/b/COPYING": mit, "c/LICENSE": mit}, []string{"a/b"}, "LICENSE=MIT a/b/COPYING=MIT"},
		"header":          {map[string]string{"p/p.go": agplHeader, "p/p_test.go": "package p\n"}, []string{"p"}, "p/p.go=AGPL-3.0-only"},
		"file beats line": {map[string]string{"LICENSE": mit, "p/p.go": agplHeader}, []string{"p"}, "LICENSE=MIT"},
		"expression":      {map[string]string{"p.go": "/* SPDX-License-Identifier: MIT OR Apache-2.0 */\npackage p\n"}, []string{"."}, "p.go=MIT OR Apache-2.0"},
		"readme":          {map[string]string{"README.md": "# x\n\n## License\n\n" + mit}, nil, "README.md=MIT"},
		"named":           {map[string]string{"README.md": "# x\n\n## License\n\nApache License 2.0.\n"}, nil, "README.md=?"},
		"title":           {map[string]string{"LICENSE": "License text copyright (c) 2020 MariaDB\n\"Business Source\nLicense\" … Business  Source License 1.1\n"}, nil, "LICENSE=BUSL-1.1"},
		"exception":       {map[string]string{"LICENSE": "Linking this library statically or dynamically with other modules is making a combined work.\n" + gplNotice}, nil, "LICENSE=GPL-3.0-linking-exception"},
		"choice":          {map[string]string{"LICENSE": "At your option: MIT or GPL.\n" + mit + gplNotice}, nil, "LICENSE=MIT|GPL-3.0-or-later"},
		"reuse":           {map[string]string{"LICENSES/MIT.txt": mit}, nil, "LICENSES/MIT.txt=MIT"},
		"escape":          {map[string]string{"LICENSE": mit}, []string{"../.."}, "LICENSE=MIT"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for n, text := range x.files {
				put(t, dir, n, text)
			}
			fs, err := Read(dir, Options{Packages: x.packages})
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(fs); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
}

// TestCopyleftIsNotMissed: the quick look must take every licence of the
// family to the matcher, and need not take a permissive one.
func TestCopyleftIsNotMissed(t *testing.T) {
	for _, l := range licensecheck.BuiltinLicenses() {
		for _, p := range []string{"AGPL-", "GPL-2", "GPL-3", "SSPL", "CommonsClause", "PolyForm", "Parity", "Prosperity"} {
			if strings.HasPrefix(l.ID, p) && l.LRE != "" && !mayBeCopyleft([]byte(l.LRE)) {
				t.Errorf("%s is passed over", l.ID)
			}
		}
	}
	if mayBeCopyleft([]byte(mit)) {
		t.Error("MIT is looked at for copyleft")
	}
	dir := t.TempDir()
	put(t, dir, "LICENSE", mit)
	if fs, err := Read(dir, Options{Copyleft: true}); err != nil || ids(fs) != "LICENSE=?" {
		t.Errorf("got %s, %v", ids(fs), err)
	}
}

func TestScannersCanBeMade(t *testing.T) {
	for _, s := range []func() (*licensecheck.Scanner, error){small, large} {
		if _, err := s(); err != nil {
			t.Error(err)
		}
	}
	known := licensecheck.BuiltinLicenses()
	for _, id := range usual {
		if !slices.ContainsFunc(known, func(l licensecheck.License) bool { return l.ID == id }) {
			t.Errorf("%s is not among the texts", id)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte(mit))
	f.Add([]byte("\xff\xfeGNU Affero General Public License"))
	f.Add([]byte("<!-- SPDX-License-Identifier: MIT -->"))
	f.Fuzz(func(t *testing.T, text []byte) {
		// The large matcher takes longer to make than a fuzzing process may.
		ms, percent := classify(text, true)
		if percent < 0 || percent > 100 || len(ms) == 0 && percent > 0 {
			t.Errorf("%v, %v percent", ms, percent)
		}
		for _, m := range ms {
			if m.ID == "" || m.Line < 1 {
				t.Errorf("%+v", m)
			}
		}
	})
}
