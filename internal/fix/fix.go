// Package fix carries out the edits that findings hold. All edits of a
// finding are made or none of them; where two findings want the same text,
// the first by position has it and the other is left for the next run.
//
// A file keeps its mode, its line endings and every byte that no edit names.
// It is replaced by rename, so that a reader never meets half of it. Nothing
// is written outside of the repository, nor through a link inside of it.
package fix

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// maxFile is the largest file that is edited, in bytes.
const maxFile = 16 << 20

// Plan is what would be done.
type Plan struct {
	Fixed []finding.Finding
	Left  []Left
	Files []File // sorted by path
}

// Left is a finding with edits that cannot be made.
type Left struct {
	Finding finding.Finding `json:"finding"`
	Reason  i18n.Message    `json:"reason"`
}

// File is one file that changes.
type File struct {
	Path string // slash-separated, relative to the repository

	old     string
	mode    fs.FileMode
	lines   []string // with their endings
	spans   []span   // the edits, which do not overlap
	changes []change // what they make of the lines
}

// span is an edit with its place in the file.
type span struct {
	start, end int // bytes
	line       int // from 0
	column     int // from 0
	old, text  string
}

// change replaces a line, its ending included.
type change struct {
	line int // from 0
	text string
}

// Make works out what to do about the findings in the repository at dir. It
// reads the files that they name and changes nothing.
func Make(dir string, found []finding.Finding) (Plan, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Plan{}, fmt.Errorf("open repository: %w", err)
	}
	defer root.Close()
	found = slices.Clone(found)
	finding.Sort(found)
	var p Plan
	files := map[string]*File{}
	for _, f := range found {
		if len(f.Edits) == 0 {
			continue
		}
		reason, err := p.take(root, files, f)
		switch {
		case err != nil:
			return Plan{}, err
		case reason.IsZero():
			p.Fixed = append(p.Fixed, f)
		default:
			p.Left = append(p.Left, Left{f, reason})
		}
	}
	for _, f := range files {
		if f.settle(); len(f.changes) > 0 {
			p.Files = append(p.Files, *f)
		}
	}
	slices.SortFunc(p.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return p, nil
}

// take adds the edits of f to files, or says why they cannot be made.
func (p *Plan) take(root *os.Root, files map[string]*File, f finding.Finding) (i18n.Message, error) {
	added := map[*File][]span{}
	for _, e := range f.Edits {
		file := files[e.Pos.File]
		if file == nil {
			reason := refuse(root, e.Pos.File)
			if !reason.IsZero() {
				return reason, nil
			}
			var err error
			if file, err = open(root, e.Pos.File); err != nil {
				return i18n.Message{}, err
			}
			files[e.Pos.File] = file
		}
		s, ok := file.place(e)
		if !ok {
			return i18n.M("fix.left.differs", e.Pos), nil
		}
		for _, other := range file.spans {
			if s.meets(other) && s != other { // the very same edit serves both
				return i18n.M("fix.left.overlaps", e.Pos), nil
			}
		}
		for _, other := range added[file] {
			if s.meets(other) {
				return i18n.M("fix.left.overlaps", e.Pos), nil
			}
		}
		added[file] = append(added[file], s)
	}
	for file, spans := range added {
		for _, s := range spans {
			if !slices.Contains(file.spans, s) {
				file.spans = append(file.spans, s)
			}
		}
	}
	return i18n.Message{}, nil
}

// refuse says why the file is none to write to; zero if it is one.
func refuse(root *os.Root, name string) i18n.Message {
	if name == "" || !filepath.IsLocal(filepath.FromSlash(name)) || slices.Contains(strings.Split(name, "/"), ".git") {
		return i18n.M("fix.left.outside", name)
	}
	for at := name; at != "."; at = path.Dir(at) {
		fi, err := root.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return i18n.M("fix.left.gone", name)
		case err != nil:
			return i18n.M("fix.left.outside", name)
		case at != name && !fi.IsDir(), at == name && !fi.Mode().IsRegular():
			return i18n.M("fix.left.link", at)
		case fi.Size() > maxFile && at == name:
			return i18n.M("fix.left.large", name, maxFile)
		}
	}
	return i18n.Message{}
}

func open(root *os.Root, name string) (*File, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return &File{Path: name, old: string(b), mode: fi.Mode().Perm(), lines: lines}, nil
}

// place finds the text that an edit replaces; false if it does not stand there.
func (f *File) place(e finding.Edit) (span, bool) {
	i, column := e.Pos.Line-1, e.Pos.Column-1
	if i < 0 || i >= len(f.lines) || column < 0 {
		return span{}, false
	}
	text, _ := ending(f.lines[i])
	if column > len(text) || !strings.HasPrefix(text[column:], e.Old) || strings.Contains(e.Old, "\n") || e.Old == e.New {
		return span{}, false
	}
	start := column
	for _, l := range f.lines[:i] {
		start += len(l)
	}
	return span{start: start, end: start + len(e.Old), line: i, column: column, old: e.Old, text: e.New}, true
}

// meets reports whether two edits want the same text, or an insertion would
// not know on which side of the other it goes.
func (s span) meets(o span) bool {
	if s.start == s.end || o.start == o.end {
		return s.start <= o.end && o.start <= s.end
	}
	return s.start < o.end && o.start < s.end
}

// settle turns the edits into changes of lines.
func (f *File) settle() {
	slices.SortFunc(f.spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for i := 0; i < len(f.spans); {
		n := f.spans[i].line
		before, end := ending(f.lines[n])
		var b strings.Builder
		at := 0
		for ; i < len(f.spans) && f.spans[i].line == n; i++ {
			s := f.spans[i]
			b.WriteString(before[at:s.column])
			b.WriteString(strings.ReplaceAll(strings.ReplaceAll(s.text, "\r\n", "\n"), "\n", cmp.Or(end, "\n")))
			at = s.column + len(s.old)
		}
		b.WriteString(before[at:])
		after := b.String() + end
		if strings.TrimSpace(after) == "" && strings.TrimSpace(before) != "" {
			after = ""
		}
		f.changes = append(f.changes, change{n, after})
	}
}

// ending parts a line from its line break.
func ending(line string) (text, end string) {
	for _, end := range []string{"\r\n", "\n"} {
		if text, ok := strings.CutSuffix(line, end); ok {
			return text, end
		}
	}
	return line, ""
}

// New is the content of the file with the changes.
func (f File) New() string {
	var b strings.Builder
	at := 0
	for _, c := range f.changes {
		for _, l := range f.lines[at:c.line] {
			b.WriteString(l)
		}
		b.WriteString(c.text)
		at = c.line + 1
	}
	for _, l := range f.lines[at:] {
		b.WriteString(l)
	}
	return b.String()
}
