// Package license recognises the licence of a module from the files its
// authors put into it: LICENSE and COPYING at its root, those beside the
// packages that are linked, and SPDX-License-Identifier lines where there is
// no such file. It judges nothing.
//
// # What is read
//
// Texts are matched word by word against those of the SPDX list
// (https://spdx.org/licenses), by github.com/google/licensecheck. Making its
// matcher for all 550 texts takes a second, for those that nearly all modules
// have a twentieth of that; so the large one is made only for a text that the
// small one does not know.
package license

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Bounds, far above what is found in the field.
const (
	maxFile  = 1 << 20  // bytes of a licence file; what follows is not read
	maxHead  = 4 << 10  // bytes of a Go file in which an SPDX line is looked for
	maxFiles = 64       // licence files of one module
	enough   = 75       // percent of a text that must be known licences for it to be recognised
	maxHeads = 8        // Go files of a module that are asked for an SPDX line
	maxReads = 64 << 10 // bytes of a README
)

// File is one file that says what a module's licence is.
type File struct {
	Name    string  // relative to the module's root, with slashes
	Matches []Match // in the order of the text, each ID once
	Percent float64 // of the words, how many belong to a known licence
	// Known says that the file was recognised. It is false as well if the text
	// was only looked at for copyleft and has none.
	Known bool
	// Choice says that the text lets the reader choose one of Matches.
	Choice bool
}

// Match is one licence found in a file.
type Match struct {
	ID   string // SPDX identifier, or an SPDX expression where a header states one
	Line int    // where its text begins, from 1
}

// Options say how much is asked.
type Options struct {
	// Packages are the directories of the linked packages, relative to the
	// module's root, with slashes.
	Packages []string
	// Copyleft asks only for licences that reach to what is linked with them:
	// texts that cannot be one of those are not matched, which is much faster.
	Copyleft bool
}

// Read looks at the module in dir. No file at all gives an empty list.
func Read(dir string, o Options) ([]File, error) {
	dirs := map[string]bool{".": true}
	for _, p := range o.Packages {
		for d := path.Clean(p); d != "." && d != "/" && filepath.IsLocal(d); d = path.Dir(d) {
			dirs[d] = true
		}
	}
	var names []string
	for _, d := range sortedKeys(dirs) {
		es, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(d)))
		if errors.Is(err, fs.ErrNotExist) && d != "." {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			switch {
			case e.Type().IsRegular() && isLicense(e.Name()):
				names = append(names, path.Join(d, e.Name()))
			case e.IsDir() && d == "." && e.Name() == "LICENSES": // https://reuse.software/spec
				names = append(names, inLicenses(dir)...)
			}
		}
	}
	var out []File
	for _, name := range names[:min(len(names), maxFiles)] {
		text, err := head(filepath.Join(dir, filepath.FromSlash(name)), maxFile)
		if err != nil {
			return nil, err
		}
		f := File{Name: name}
		if !o.Copyleft || mayBeCopyleft(text) {
			f.Matches, f.Percent = classify(text, o.Copyleft)
			f.Known = len(f.Matches) > 0 && f.Percent >= enough
			f.Choice = len(f.Matches) > 1 && offersChoice(text)
		}
		out = append(out, f)
	}
	if len(out) == 0 {
		out = spdxLines(dir, o.Packages)
	}
	if len(out) == 0 {
		out = readme(dir, o.Copyleft)
	}
	return out, nil
}

func sortedKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// isLicense reports whether a file of this name holds a licence of the module
// itself: not that of its documentation or of what it carries along.
func isLicense(name string) bool {
	n := strings.ToUpper(name)
	if !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE", "MIT-LICENSE"}, func(p string) bool { return strings.HasPrefix(n, p) }) {
		return false
	}
	switch strings.ToLower(path.Ext(n)) {
	case ".go", ".csv", ".json", ".yaml", ".yml", ".toml", ".xml", ".tmpl", ".tpl", ".py", ".sh", ".js", ".pdf", ".png", ".svg", ".header", ".asc", ".sig":
		return false
	}
	return !slices.ContainsFunc([]string{"THIRD", "3RD", "HEADER", "TEMPLATE", "DOC", "VENDOR", "DEPENDENC", "BOILERPLATE"}, func(p string) bool { return strings.Contains(n, p) })
}

func inLicenses(dir string) []string {
	es, err := os.ReadDir(filepath.Join(dir, "LICENSES"))
	if err != nil {
		return nil // it is only a further place
	}
	var out []string
	for _, e := range es {
		if e.Type().IsRegular() && (path.Ext(e.Name()) == ".txt" || path.Ext(e.Name()) == "") {
			out = append(out, "LICENSES/"+e.Name())
		}
	}
	return out
}

func head(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

var spdx = regexp.MustCompile(`(?m)^[ \t]*(?://|\*|#|/\*)?[ \t]*SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]+?)[ \t]*(?:\*/)?\r?$`)

// spdxLines looks into the first Go files of each package.
func spdxLines(dir string, packages []string) []File {
	var out []File
	seen := map[string]bool{}
	for _, p := range packages {
		es, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil {
			continue
		}
		for _, e := range es {
			if len(out) >= maxHeads {
				return out
			}
			if !e.Type().IsRegular() || path.Ext(e.Name()) != ".go" || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			text, err := head(filepath.Join(dir, filepath.FromSlash(p), e.Name()), maxHead)
			if err != nil {
				continue
			}
			if m := spdx.FindSubmatchIndex(text); m != nil && !seen[string(text[m[2]:m[3]])] {
				id := string(text[m[2]:m[3]])
				seen[id] = true
				out = append(out, File{
					Name: path.Join(p, e.Name()), Percent: 100, Known: true,
					Matches: []Match{{ID: id, Line: 1 + bytes.Count(text[:m[2]], []byte("\n"))}},
				})
			}
			break // one file speaks for its package
		}
	}
	return out
}

// readme is the last resort: small modules have their licence there.
func readme(dir string, quick bool) []File {
	es, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range es {
		if !e.Type().IsRegular() || !strings.HasPrefix(strings.ToUpper(e.Name()), "README") {
			continue
		}
		text, err := head(filepath.Join(dir, e.Name()), maxReads)
		if err != nil || !bytes.Contains(bytes.ToLower(text), []byte("licen")) {
			continue
		}
		if ms, percent := classify(text, quick); len(ms) > 0 {
			return []File{{Name: e.Name(), Matches: ms, Percent: percent, Known: true}}
		}
		// It says something, if not by a text that can be held against others.
		return []File{{Name: e.Name()}}
	}
	return nil
}
