package cli

import (
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/chart"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/sizes"
)

// Colours of the picture by where bytes come from.
const (
	colourMain = iota
	colourEmbedded
	colourDependency
	colourShared
	colourStd
	colourForeign
	colourDebug
	colourUnknown
)

func originColour(o sizes.Origin) int {
	switch o {
	case sizes.Main:
		return colourMain
	case sizes.Embedded:
		return colourEmbedded
	case sizes.Dependency:
		return colourDependency
	case sizes.Strings, sizes.Shared, sizes.Format:
		return colourShared
	case sizes.Std:
		return colourStd
	case sizes.Foreign:
		return colourForeign
	case sizes.DebugInfo, sizes.SymbolData:
		return colourDebug
	}
	return colourUnknown
}

// treemap draws where the bytes of a program come from.
func (a *app) treemap(name string, r *sizes.Report) chart.Treemap {
	say := func(n int64) string { return size(n) + " (" + percent(float64(n)/float64(r.Size)) + ")" }
	t := chart.Treemap{
		Title: a.say(i18n.M("verify.treemap.title", name, report.Bytes(r.Size))),
		Note:  a.say(i18n.M("verify.treemap.note")),
		Names: []string{
			a.say(i18n.M("verify.origin.main")), a.say(i18n.M("verify.origin.embedded")), a.say(i18n.M("verify.origin.dependency")),
			a.say(i18n.M("verify.origin.shared")), a.say(i18n.M("verify.treemap.std")), a.say(i18n.M("verify.origin.c")),
			a.say(i18n.M("verify.treemap.debug")), a.say(i18n.M("verify.origin.unknown")),
		},
		Format: func(v float64) string { return size(int64(v)) },
		Rest: func(n int, cells bool) string {
			return a.say(i18n.M("verify.size.more", n))
		},
	}
	var desc []string
	for i, m := range r.Modules {
		label := a.moduleName(m)
		tip := label + ": " + say(m.Size)
		if i < 12 {
			desc = append(desc, tip)
		}
		g := chart.Group{Label: label, Tip: tip, Colour: originColour(m.Origin)}
		if m.Origin == sizes.Main || m.Origin == sizes.Dependency {
			g.Label, g.Short = m.Name, shortPath(m.Name)
		}
		for _, p := range m.Packages {
			g.Cells = append(g.Cells, a.treemapCell(m, p, say))
		}
		t.Groups = append(t.Groups, g)
	}
	t.Desc = strings.Join(desc, "; ")
	return t
}

func (a *app) treemapCell(m sizes.Module, p sizes.Package, say func(int64) string) chart.Cell {
	c := chart.Cell{Label: p.Name, Short: shortPath(p.Name), Value: float64(p.Size)}
	if rest, ok := strings.CutPrefix(p.Name, m.Name+"/"); ok && m.Name != "" {
		c.Label = rest
	}
	if p.Name == "" || !goModule(m.Origin) {
		c.Label, c.Short = strings.Trim(p.Name, "()"), ""
		if p.Name == "" {
			c.Label = a.moduleName(m)
		}
	}
	parts := []string{p.Name + ": " + say(p.Size)}
	for _, x := range []struct {
		name i18n.Message
		n    int64
	}{
		{i18n.M("verify.size.code"), p.Code}, {i18n.M("verify.size.tables"), p.Tables}, {i18n.M("verify.size.types"), p.Types}, {i18n.M("verify.size.data"), p.Data},
	} {
		if x.n > 0 && goModule(m.Origin) {
			parts = append(parts, a.say(x.name)+" "+size(x.n))
		}
	}
	c.Tip = strings.TrimPrefix(strings.Join(parts, ", "), ": ")
	return c
}

// size writes bytes for a picture, where little room is: 7.4 MB, 812 kB, 1.2 kB.
func size(n int64) string {
	switch {
	case n >= report.MB:
		return report.Bytes(n)
	case n >= 10_000:
		return strconv.FormatInt((n+500)/1000, 10) + " kB"
	case n >= 1000:
		return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + " kB"
	}
	return strconv.FormatInt(n, 10) + " B"
}
