package rebuild

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/slipway-build/slipway/internal/binary"
)

// Bounds of what a Diff lists; the counts beside the lists are complete.
const (
	maxListed = 20
	maxText   = 160 // bytes of one value of data
)

// Diff is what two programs differ in, section by section and function by
// function.
type Diff struct {
	Verdict  Verdict       `json:"verdict"`
	Sections []SectionDiff `json:"sections,omitempty"` // those that differ, in the first program's order

	// Functions are counted by name; operands that only say where something
	// lies are no difference.
	Functions  int      `json:"functions"` // that both programs have
	Changed    []string `json:"changed,omitempty"`
	Added      []string `json:"added,omitempty"`   // only the second has
	Removed    []string `json:"removed,omitempty"` // only the first has
	NumChanged int      `json:"numChanged"`
	NumAdded   int      `json:"numAdded"`
	NumRemoved int      `json:"numRemoved"`
	// Moved is how many functions are the same but for such operands.
	Moved int `json:"moved"`
	// CodeBytes is how many bytes of other code than Go's differ.
	CodeBytes int64 `json:"codeBytes,omitempty"`

	Data    []DataDiff `json:"data,omitempty"` // what differs beside code, addresses and stamps
	NumData int        `json:"numData"`
}

// SectionDiff is one section that differs.
type SectionDiff struct {
	Name  string `json:"name"`
	SizeA int64  `json:"sizeA"` // bytes; -1: there is no such section
	SizeB int64  `json:"sizeB"`
	// Bytes is how many bytes differ, or the difference in size if that is more.
	Bytes int64 `json:"bytes"`
	First int64 `json:"first"` // offset in the section of the first that does
}

// DataDiff is a datum that differs, as text where it is text.
type DataDiff struct {
	Section string `json:"section"`
	Offset  int64  `json:"offset"`           // in the section of the first program
	Symbol  string `json:"symbol,omitempty"` // if the symbol table names it
	A       string `json:"a"`
	B       string `json:"b"`
}

// Files compares two programs. It judges by what stands in them alone, so what
// it calls the same differs at most in stamps and addresses.
func Files(ctx context.Context, a, b string) (*Result, error) {
	r := &Result{Name: a, Verdict: Identical, Cache: "none"}
	var err error
	if r.Want, err = fileDigest(a); err != nil {
		return nil, err
	}
	if r.Got, err = fileDigest(b); err != nil {
		return nil, err
	}
	if r.Want == r.Got {
		return r, nil
	}
	x, err := openObject(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("take %s apart: %w", a, err)
	}
	y, err := openObject(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("take %s apart: %w", b, err)
	}
	d := diffObjects(x, y)
	r.Proof, r.Diff, r.Verdict = "compared", d, d.Verdict
	r.Causes = append(infoCauses(x.file, y.file), fileCauses(x, y)...)
	r.Causes = append(r.Causes, toolCauses(x, y)...)
	r.Causes = append(r.Causes, buildIDCauses(x.file, y.file)...)
	r.Causes = append(r.Causes, d.causes()...)
	slices.SortStableFunc(r.Causes, func(a, b Cause) int { return cmp.Compare(rank(a.Kind), rank(b.Kind)) })
	return r, nil
}

var causeOrder = []CauseKind{
	CauseFormat, CauseToolchain, CauseSetting, CauseContent, CauseModule, CauseDep, CauseVCS, CauseLdflags, CausePath,
	CauseCompiler, CauseLinker, CauseBuildID, CauseCode, CauseData, CauseConfig,
}

func rank(k CauseKind) int { return slices.Index(causeOrder, k) }

// fileCauses compares what nothing records: strip, and the places of sources.
func fileCauses(a, b *object) []Cause {
	var out []Cause
	if a.file.Symbols != b.file.Symbols || a.file.DWARF != b.file.DWARF {
		out = append(out, Cause{Kind: CauseLdflags, Name: "-s -w", A: stripWord(a.file), B: stripWord(b.file)})
	}
	if a.file.Go == nil || b.file.Go == nil {
		return out
	}
	p, q := placesOf(a.files, modulesOf(a.file.Go), a.file.Go.Main.Path, a.file.Go.Path), placesOf(b.files, modulesOf(b.file.Go), b.file.Go.Main.Path, b.file.Go.Path)
	for _, c := range [][3]string{{"GOROOT", p.goroot, q.goroot}, {"GOMODCACHE", p.modcache, q.modcache}, {"source", p.main, q.main}} {
		if c[1] != c[2] {
			out = append(out, Cause{Kind: CausePath, Name: c[0], A: c[1], B: c[2]})
		}
	}
	return out
}

func stripWord(f *binary.File) string {
	switch {
	case f.Symbols && f.DWARF:
		return "symbols, DWARF"
	case f.Symbols:
		return "symbols"
	case f.DWARF:
		return "DWARF"
	}
	return "stripped"
}

// toolCauses compares the traces of the C compiler and of the linker.
func toolCauses(a, b *object) []Cause {
	var out []Cause
	if x, y := strings.Join(a.comments, "; "), strings.Join(b.comments, "; "); x != y {
		out = append(out, Cause{Kind: CauseCompiler, A: x, B: y})
	}
	if a.file.Interp != b.file.Interp {
		out = append(out, Cause{Kind: CauseLinker, Name: "interpreter", A: a.file.Interp, B: b.file.Interp})
	}
	if x, y := strings.Join(a.file.Needed, " "), strings.Join(b.file.Needed, " "); x != y {
		out = append(out, Cause{Kind: CauseLinker, Name: "libraries", A: x, B: y})
	}
	if a.file.GlibcNeeded != b.file.GlibcNeeded {
		out = append(out, Cause{Kind: CauseLinker, Name: "glibc", A: a.file.GlibcNeeded, B: b.file.GlibcNeeded})
	}
	if a.file.Type != b.file.Type {
		out = append(out, Cause{Kind: CauseLinker, Name: "type", A: string(a.file.Type), B: string(b.file.Type)})
	}
	return out
}

// causes gives the parts of a program that differ as last causes.
func (d *Diff) causes() []Cause {
	var out []Cause
	if n := d.NumChanged + d.NumAdded + d.NumRemoved; n > 0 || d.CodeBytes > 0 {
		names := slices.Concat(d.Changed, d.Added, d.Removed)
		out = append(out, Cause{Kind: CauseCode, Name: strings.Join(names[:min(3, len(names))], ", "), A: fmt.Sprint(n)})
	}
	for i, x := range d.Data {
		if i == 3 {
			break
		}
		out = append(out, Cause{Kind: CauseData, Name: cmp.Or(x.Symbol, x.Section), A: x.A, B: x.B})
	}
	return out
}

func diffObjects(a, b *object) *Diff {
	d := &Diff{}
	c := &comparison{a: a, b: b, d: d}
	c.m = newMatcher(c)
	c.maskStamps()
	c.sections()
	if a.file.Format != b.file.Format || a.file.Arch != b.file.Arch {
		d.Verdict = DifferentCode
		return d
	}
	aligned := c.text()
	c.restOfCode()
	aligned = c.dataParts() && aligned
	switch {
	case d.NumChanged+d.NumAdded+d.NumRemoved+d.NumData > 0 || d.CodeBytes > 0:
		d.Verdict = DifferentCode
	case !aligned:
		d.Verdict = Unknown
	default:
		d.Verdict = SameCode
	}
	return d
}

// comparison is two programs while they are compared.
type comparison struct {
	a, b *object
	d    *Diff
	m    *matcher
	runs int // differences of data so far
	// Stamps are byte ranges of the files that are compared by themselves.
	stampsA, stampsB []span
	byName           map[string]section // of the second program; made when first asked
}

// span is a range of a file or section.
type span struct{ from, to uint64 }

func (s span) has(off uint64) bool { return off >= s.from && off < s.to }

func within(list []span, off uint64) bool {
	return slices.ContainsFunc(list, func(s span) bool { return s.has(off) })
}

// other gives the section of the second program that goes with one of the
// first: the first of the same name, as in both there is one of each.
func (c *comparison) other(s section) (section, bool) {
	if c.byName == nil {
		c.byName = map[string]section{}
		for _, t := range c.b.sections {
			if _, ok := c.byName[t.name]; !ok {
				c.byName[t.name] = t
			}
		}
	}
	t, ok := c.byName[s.name]
	return t, ok
}

// maskStamps finds the build ID and the build information in the files.
func (c *comparison) maskStamps() {
	c.stampsA, c.stampsB = stampSpans(c.a), stampSpans(c.b)
}

func stampSpans(o *object) []span {
	var out []span
	// A stamp is long and stands in few places; what is short or everywhere is
	// none, and would be compared with every datum.
	const shortest, most = 8, 64
	every := func(what []byte) {
		for at := 0; len(what) >= shortest && len(out) < most; {
			i := bytes.Index(o.data[at:], what)
			if i < 0 {
				return
			}
			out = append(out, span{uint64(at + i), uint64(at + i + len(what))})
			at += i + len(what)
		}
	}
	every([]byte(o.file.GoBuildID))
	if o.file.Go != nil {
		every([]byte(modInfoData(o.file.Go)))
	}
	// The copy for debug/buildinfo begins with a mark and the version of Go.
	for i, s := range out {
		head := o.data[max(0, int(s.from)-256):s.from]
		if at := bytes.LastIndex(head, []byte("\xff Go buildinf:")); at >= 0 {
			out[i].from -= uint64(len(head) - at)
		}
	}
	for _, s := range o.sections {
		switch s.name {
		case ".note.gnu.build-id", ".note.go.buildid", ".go.buildinfo", "__DATA,__go_buildinfo", ".gnu_debuglink", ".comment":
			out = append(out, span{s.off, s.off + s.size})
		}
	}
	return out
}

// sections lists the sections that differ.
func (c *comparison) sections() {
	inB := map[string][]section{}
	for _, s := range c.b.sections {
		inB[s.name] = append(inB[s.name], s)
	}
	for _, s := range c.a.sections {
		rest := inB[s.name]
		if len(rest) == 0 {
			c.d.Sections = append(c.d.Sections, SectionDiff{s.name, int64(s.size), -1, int64(s.size), 0})
			continue
		}
		t := rest[0]
		inB[s.name] = rest[1:]
		x, y := c.a.bytes(s), c.b.bytes(t)
		if n, first := countDiff(x, y); n > 0 {
			c.d.Sections = append(c.d.Sections, SectionDiff{s.name, int64(s.size), int64(t.size), n, first})
		}
	}
	for _, s := range c.b.sections {
		if slices.ContainsFunc(inB[s.name], func(t section) bool { return t.off == s.off }) {
			c.d.Sections = append(c.d.Sections, SectionDiff{s.name, -1, int64(s.size), int64(s.size), 0})
		}
	}
}

// countDiff gives how many bytes differ and where the first does.
func countDiff(x, y []byte) (n, first int64) {
	if bytes.Equal(x, y) {
		return 0, 0
	}
	first = -1
	m := min(len(x), len(y))
	for i := range m {
		if x[i] != y[i] {
			if first < 0 {
				first = int64(i)
			}
			n++
		}
	}
	if first < 0 {
		first = int64(m)
	}
	return max(n+int64(max(len(x), len(y))-m), 1), first
}

func modulesOf(bi *debug.BuildInfo) []module.Version {
	mods := []module.Version{{Path: bi.Main.Path, Version: bi.Main.Version}}
	for _, d := range bi.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		mods = append(mods, module.Version{Path: d.Path, Version: d.Version})
	}
	return mods
}
