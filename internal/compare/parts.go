package compare

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/sizes"
)

// The limits of what is shown of where the bytes come from; the document has
// all of it.
const (
	shownModules = 7 // the largest; the others are one
	shownPairs   = 6 // of programs whose growth is shown
	shownChanges = 6 // of each pair
)

// kinds are what sections are for, in the order they are shown.
var kinds = []sizes.Kind{sizes.Code, sizes.Tables, sizes.ROData, sizes.Data, sizes.Debug, sizes.Symbols}

func kindName(k sizes.Kind) i18n.Message {
	switch k {
	case sizes.Code:
		return i18n.M("compare.kind.code")
	case sizes.Tables:
		return i18n.M("compare.kind.tables")
	case sizes.ROData:
		return i18n.M("compare.kind.rodata")
	case sizes.Data:
		return i18n.M("compare.kind.data")
	case sizes.Debug:
		return i18n.M("compare.kind.debug")
	case sizes.Symbols:
		return i18n.M("compare.kind.symbols")
	}
	return i18n.M("compare.kind.other")
}

// ModuleName is what a person calls an origin of bytes.
func ModuleName(m sizes.Module, l i18n.Lang) string {
	if m.Name != "" && m.Origin != sizes.Std {
		return strings.TrimSpace(m.Name + " " + m.Version)
	}
	says := i18n.M("verify.origin.unknown")
	switch m.Origin {
	case sizes.Main:
		says = i18n.M("verify.origin.main")
	case sizes.Std:
		says = i18n.M("verify.origin.std", cmp.Or(m.Version, "Go"))
	case sizes.Foreign:
		says = i18n.M("verify.origin.c")
	case sizes.Embedded:
		says = i18n.M("verify.origin.embedded")
	case sizes.Strings:
		says = i18n.M("verify.origin.strings")
	case sizes.Shared:
		says = i18n.M("verify.origin.shared")
	case sizes.DebugInfo:
		says = i18n.M("verify.origin.debug")
	case sizes.SymbolData:
		says = i18n.M("verify.origin.symbols")
	case sizes.Format:
		says = i18n.M("verify.origin.format")
	}
	return says.In(l)
}

// shares are the pieces of each program: by section or by module.
type shares struct {
	title i18n.Message
	names []string
	cells []int
	bytes [][]float64 // one row for each of cells
}

// parted are the cells of which it is known where their bytes come from, each
// program once.
func (r *Result) parted() []int {
	return slices.DeleteFunc(r.Sized(), func(i int) bool { return r.Cells[i].Size.Parts == nil })
}

// byKind shares the bytes out by what sections are for.
func (r *Result) byKind(l i18n.Lang) *shares {
	s := &shares{title: i18n.M("compare.parts.sections"), cells: r.parted()}
	for _, k := range kinds {
		s.names = append(s.names, kindName(k).In(l))
	}
	s.names = append(s.names, kindName(sizes.Other).In(l))
	for _, i := range s.cells {
		row := make([]float64, len(s.names))
		for _, section := range r.Cells[i].Size.Parts.Sections {
			k := slices.Index(kinds, section.Kind)
			if k < 0 {
				k = len(kinds)
			}
			row[k] += float64(section.Size)
		}
		s.bytes = append(s.bytes, row)
	}
	return s.used()
}

// byModule shares them out by who put them there: those that take most of any
// program, and the others together.
func (r *Result) byModule(l i18n.Lang) *shares {
	s := &shares{title: i18n.M("compare.parts.modules"), cells: r.parted()}
	type origin struct {
		name   string
		origin sizes.Origin
	}
	of := func(m sizes.Module) origin { // whatever its version is
		if m.Origin == sizes.Main || m.Origin == sizes.Dependency {
			return origin{name: m.Name}
		}
		return origin{origin: m.Origin}
	}
	most := map[origin]int64{}
	named := map[origin]sizes.Module{}
	for _, i := range s.cells {
		for _, m := range r.Cells[i].Size.Parts.Modules {
			most[of(m)] = max(most[of(m)], m.Size)
			m.Version = ""
			named[of(m)] = m
		}
	}
	var order []origin
	for o := range most {
		order = append(order, o)
	}
	slices.SortFunc(order, func(a, b origin) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a.name, b.name), cmp.Compare(a.origin, b.origin))
	})
	order = order[:min(len(order), shownModules)]
	for _, o := range order {
		s.names = append(s.names, ModuleName(named[o], l))
	}
	s.names = append(s.names, i18n.M("compare.parts.rest").In(l))
	for _, i := range s.cells {
		row := make([]float64, len(s.names))
		for _, m := range r.Cells[i].Size.Parts.Modules {
			k := slices.Index(order, of(m))
			if k < 0 {
				k = len(order)
			}
			row[k] += float64(m.Size)
		}
		s.bytes = append(s.bytes, row)
	}
	return s.used()
}

// used leaves out what no program has; nil if nothing is left.
func (s *shares) used() *shares {
	for k := len(s.names) - 1; k >= 0; k-- {
		if slices.ContainsFunc(s.bytes, func(row []float64) bool { return row[k] > 0 }) {
			continue
		}
		s.names = slices.Delete(s.names, k, k+1)
		for i := range s.bytes {
			s.bytes[i] = slices.Delete(s.bytes[i], k, k+1)
		}
	}
	if len(s.names) == 0 {
		return nil
	}
	return s
}

// parts is the table of one way to share the bytes out.
func (t Text) parts(s *shares, l i18n.Lang) *report.Table {
	if s == nil {
		return nil
	}
	table := &report.Table{Columns: []report.Column{{Title: s.title}}}
	for _, n := range s.names {
		table.Columns = append(table.Columns, report.Column{Title: i18n.M("compare.column.bar", n), Right: true})
	}
	for k, i := range s.cells {
		row := []string{t.plain(t.Result.label(&t.Cells[i], l, true))}
		for _, v := range s.bytes[k] {
			row = append(row, t.value(BinaryRaw, v, v > 0))
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// growth says what makes one program larger than another that differs from it
// on one axis.
type growth struct {
	what string
	diff *sizes.Diff
}

func (r *Result) growths(l i18n.Lang) []growth {
	var out []growth
	for _, c := range r.Comparisons {
		if c.Metric != BinaryRaw || !c.Differs || len(out) == shownPairs {
			continue
		}
		a, b := &r.Cells[c.From], &r.Cells[c.To]
		if a.Size.Parts == nil || b.Size.Parts == nil {
			continue
		}
		out = append(out, growth{i18n.M("compare.growth.pair", r.label(b, l, true), r.label(a, l, true)).In(l), sizes.Compare(a.Size.Parts, b.Size.Parts)})
	}
	return out
}

// changes are the rows of a growth: what differs most, the rest, and the sum.
func (g growth) changes(l i18n.Lang) [][]string {
	row := func(name string, before, after int64) []string {
		sign := "+"
		if after < before {
			sign = "−"
		}
		return []string{name, BinaryRaw.Format(float64(before)), BinaryRaw.Format(float64(after)), sign + BinaryRaw.Format(float64(max(after-before, before-after)))}
	}
	var out [][]string
	var before, after int64
	for i, c := range g.diff.Modules {
		if i >= shownChanges {
			before, after = before+c.Before, after+c.After
			continue
		}
		version := cmp.Or(c.AfterVersion, c.BeforeVersion)
		if c.BeforeVersion != "" && c.AfterVersion != "" && c.BeforeVersion != c.AfterVersion {
			version = c.BeforeVersion + " → " + c.AfterVersion
		}
		out = append(out, row(ModuleName(sizes.Module{Name: c.Name, Origin: c.Origin, Version: version}, l), c.Before, c.After))
	}
	if before != after {
		out = append(out, row(i18n.M("compare.parts.rest").In(l), before, after))
	}
	return append(out, row(i18n.M("compare.growth.all").In(l), g.diff.Before, g.diff.After))
}

// grown is the table of what makes programs larger or smaller.
func (t Text) grown(l i18n.Lang) *report.Table {
	table := &report.Table{Sections: true, Columns: []report.Column{
		{Title: i18n.M("compare.growth.what")}, {Title: i18n.M("compare.growth.before"), Right: true},
		{Title: i18n.M("compare.growth.after"), Right: true}, {Title: i18n.M("compare.growth.difference"), Right: true},
	}}
	for _, g := range t.growths(l) {
		table.Rows = append(table.Rows, []string{t.plain(g.what)})
		for _, row := range g.changes(l) {
			for i := range row {
				row[i] = t.plain(row[i])
			}
			table.Rows = append(table.Rows, row)
		}
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return table
}
