package cli

import (
	"cmp"
	"context"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/sizes"
	"github.com/slipway-build/slipway/internal/verify"
)

// sizeFlags say what is wanted of where the bytes come from.
type sizeFlags struct {
	rows    int // of each table; 0: no tables
	treemap string
	against string
}

// sizeStage says where the bytes of the programs come from.
func (a *app) sizeStage(fs *pflag.FlagSet) verifyStage {
	var f sizeFlags
	fs.IntVar(&f.rows, "size", 0, a.say(i18n.M("verify.flag.size")))
	fs.Lookup("size").NoOptDefVal = "20"
	fs.StringVar(&f.treemap, "treemap", "", a.say(i18n.M("verify.flag.treemap")))
	fs.StringVar(&f.against, "against", "", a.say(i18n.M("verify.flag.against")))
	return func(ctx context.Context, v *verification) error {
		if f.rows < 0 {
			return fault.UsageError(i18n.M("verify.size.rows", f.rows), i18n.M("verify.size.rows.hint"))
		}
		if f.rows == 0 && f.treemap == "" && f.against == "" && v.flags.format != "html" {
			return nil
		}
		return a.runSizes(ctx, v, &f)
	}
}

func (a *app) runSizes(ctx context.Context, v *verification, f *sizeFlags) error {
	var other *sizes.Report
	if f.against != "" {
		name, err := a.otherProgram(f.against)
		if err != nil {
			return err
		}
		if other, err = verify.ReadProgramSizes(ctx, name); err != nil {
			return err
		}
	}
	shown := map[string]bool{} // digests: a ship holds a program both as a file and in its image
	for _, s := range v.subjects {
		for _, opened := range s.All() {
			rep, err := opened.ReadSizes(ctx)
			if err != nil {
				return err
			}
			p := &v.report.Programs[opened.At]
			if rep == nil {
				continue
			}
			p.Sizes = rep
			if other != nil {
				p.Growth = sizes.Compare(other, rep)
			}
			if shown[p.Digest] {
				continue
			}
			shown[p.Digest] = true
			if f.rows > 0 {
				v.more = append(v.more, a.sizeTables(p.Name, rep, f.rows))
			}
			if other != nil {
				v.more = append(v.more, a.growthTable(p.Name, f.against, p.Growth, cmp.Or(f.rows, 20)))
			}
		}
	}
	if f.treemap == "" {
		return nil
	}
	if drawn := len(shown); drawn != 1 {
		return fault.UsageError(i18n.M("verify.treemap.one", drawn), i18n.M("verify.treemap.one.hint"))
	}
	i := slices.IndexFunc(v.report.Programs, func(p verify.Program) bool { return p.Sizes != nil })
	p := &v.report.Programs[i]
	return writeFile(f.treemap, func(w io.Writer) error {
		_, err := a.treemap(filepath.Base(p.Name), p.Sizes).Draw().WriteTo(w)
		return err
	})
}

// sizeTables are the tables of --size for one program.
func (a *app) sizeTables(name string, r *sizes.Report, rows int) *report.Table {
	t := &report.Table{Sections: true, Columns: []report.Column{
		{Title: i18n.M("verify.size.what", name)},
		{Title: i18n.M("verify.size.code"), Right: true, Spare: true},
		{Title: i18n.M("verify.size.tables"), Right: true, Spare: true},
		{Title: i18n.M("verify.size.types"), Right: true, Spare: true},
		{Title: i18n.M("verify.size.data"), Right: true, Spare: true},
		{Title: i18n.M("verify.size.bytes"), Right: true},
		{Title: i18n.M("verify.size.share"), Right: true},
	}}
	all := float64(r.Size)
	row := func(name string, p sizes.Package) {
		t.Rows = append(t.Rows, []string{name, dash(p.Code), dash(p.Tables), dash(p.Types), dash(p.Data), grouped(p.Size), percent(float64(p.Size) / all)})
	}
	t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.modules"))})
	var rest, total sizes.Package
	var packages []sizes.Package
	more := 0
	for i, m := range r.Modules {
		s := sumOf(m.Packages)
		addTo(&total, s)
		// The program's own module is what its author asks for first.
		if i < rows || m.Origin == sizes.Main {
			row(a.moduleName(m), s)
		} else {
			addTo(&rest, s)
			more++
		}
		if goModule(m.Origin) {
			packages = append(packages, m.Packages...)
		}
	}
	if more > 0 {
		row(a.say(i18n.M("verify.size.more", more)), rest)
	}
	row(a.say(i18n.M("verify.size.total")), total)
	t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.packages"))})
	slices.SortStableFunc(packages, func(x, y sizes.Package) int { return cmp.Compare(y.Size, x.Size) })
	for _, p := range packages[:min(rows, len(packages))] {
		row(p.Name, p)
	}
	if len(packages) > rows {
		row(a.say(i18n.M("verify.size.more", len(packages)-rows)), sumOf(packages[rows:]))
	}
	t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.sections"))})
	list := r.BySize()
	restBytes := int64(0)
	for i, s := range list {
		if i < rows {
			t.Rows = append(t.Rows, []string{s.Name, "", "", "", "", grouped(s.Size), percent(float64(s.Size) / all)})
		} else {
			restBytes += s.Size
		}
	}
	if len(list) > rows {
		t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.more", len(list)-rows)), "", "", "", "", grouped(restBytes), percent(float64(restBytes) / all)})
	}
	t.Notes = append(t.Notes, i18n.M("verify.size.note"))
	if !r.Symbols {
		t.Notes = append(t.Notes, i18n.M("verify.size.stripped"))
	}
	return t
}

// growthTable is the table of --against.
func (a *app) growthTable(name, other string, d *sizes.Diff, rows int) *report.Table {
	t := &report.Table{Sections: true, Columns: []report.Column{
		{Title: i18n.M("verify.growth.what", name, other)},
		{Title: i18n.M("verify.growth.before"), Right: true, Spare: true},
		{Title: i18n.M("verify.growth.after"), Right: true},
		{Title: i18n.M("verify.growth.difference"), Right: true},
	}}
	row := func(name string, c sizes.Change) {
		t.Rows = append(t.Rows, []string{name, grouped(c.Before), grouped(c.After), signed(c.Growth())})
	}
	t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.modules"))})
	var packages []sizes.Change
	var rest sizes.Change
	for i, c := range d.Modules {
		m := sizes.Module{Name: c.Name, Origin: c.Origin, Version: cmp.Or(c.AfterVersion, c.BeforeVersion)}
		label := a.moduleName(m)
		if c.BeforeVersion != c.AfterVersion && c.BeforeVersion != "" && c.AfterVersion != "" {
			label = c.Name + " " + c.BeforeVersion + " → " + c.AfterVersion
		}
		if i < rows {
			row(label, c)
		} else {
			rest.Before, rest.After = rest.Before+c.Before, rest.After+c.After
		}
		if goModule(c.Origin) {
			packages = append(packages, c.Packages...)
		}
	}
	if n := len(d.Modules) - rows; n > 0 {
		row(a.say(i18n.M("verify.size.more", n)), rest)
	}
	row(a.say(i18n.M("verify.size.total")), sizes.Change{Before: d.Before, After: d.After})
	slices.SortStableFunc(packages, func(x, y sizes.Change) int {
		return cmp.Compare(max(y.Growth(), -y.Growth()), max(x.Growth(), -x.Growth()))
	})
	if len(packages) > 0 {
		t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.packages"))})
	}
	for _, c := range packages[:min(rows, len(packages))] {
		row(c.Name, c)
	}
	if len(d.Sections) > 0 {
		t.Rows = append(t.Rows, []string{a.say(i18n.M("verify.size.sections"))})
	}
	for _, c := range d.Sections[:min(rows, len(d.Sections))] {
		row(c.Name, c)
	}
	return t
}

func goModule(o sizes.Origin) bool {
	return o == sizes.Main || o == sizes.Dependency || o == sizes.Std
}

// moduleName is what a person calls a module.
func (a *app) moduleName(m sizes.Module) string { return compare.ModuleName(m, a.lang) }

func sumOf(list []sizes.Package) sizes.Package {
	var s sizes.Package
	for _, p := range list {
		addTo(&s, p)
	}
	return s
}

func addTo(s *sizes.Package, p sizes.Package) {
	s.Size, s.Code, s.Tables, s.Types, s.Data = s.Size+p.Size, s.Code+p.Code, s.Tables+p.Tables, s.Types+p.Types, s.Data+p.Data
}

// grouped writes a number with its thousands apart: 7,934,402.
func grouped(n int64) string {
	s := strconv.FormatInt(max(n, -n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if n < 0 {
		s = "-" + s
	}
	return s
}

func signed(n int64) string {
	if n > 0 {
		return "+" + grouped(n)
	}
	return grouped(n)
}

func dash(n int64) string {
	if n == 0 {
		return "–"
	}
	return grouped(n)
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

// shortPath is enough of an import path to know it by: without a version and
// what stands before the last element.
func shortPath(p string) string {
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p))
	}
	return base
}
