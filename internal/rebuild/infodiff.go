package rebuild

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
)

// infoCauses compares what the go command wrote into two programs, in the order
// in which one difference explains the next.
func infoCauses(a, b *binary.File) []Cause {
	var out []Cause
	add := func(k CauseKind, name, x, y string) {
		if x != y {
			out = append(out, Cause{Kind: k, Name: name, A: x, B: y})
		}
	}
	add(CauseFormat, "", platformOf(a), platformOf(b))
	switch {
	case a.Go == nil && b.Go == nil:
		return out
	case a.Go == nil || b.Go == nil:
		return append(out, Cause{Kind: CauseFormat, Name: "build info", A: fmt.Sprint(a.Go != nil), B: fmt.Sprint(b.Go != nil)})
	}
	add(CauseToolchain, "", a.Go.GoVersion, b.Go.GoVersion)
	add(CauseModule, "path", a.Go.Path, b.Go.Path)
	vcs := out[:0:0]
	keys := []string{}
	seen := map[string]bool{}
	for _, s := range append(append([]debug.BuildSetting{}, a.Go.Settings...), b.Go.Settings...) {
		if !seen[s.Key] {
			seen[s.Key] = true
			keys = append(keys, s.Key)
		}
	}
	for _, k := range keys {
		x, inA := a.Setting(k)
		y, inB := b.Setting(k)
		if x == y && inA == inB {
			continue
		}
		c := Cause{Kind: CauseSetting, Name: k, A: shown(x, inA), B: shown(y, inB)}
		switch {
		case strings.HasPrefix(k, "vcs"):
			c.Kind = CauseVCS
			vcs = append(vcs, c)
			continue
		case k == "-ldflags":
			c.Kind = CauseLdflags
		}
		out = append(out, c)
	}
	add(CauseModule, a.Go.Main.Path, moduleOf(&a.Go.Main), moduleOf(&b.Go.Main))
	deps := map[string][2]string{}
	var order []string
	for i, bi := range []*debug.BuildInfo{a.Go, b.Go} {
		for _, d := range bi.Deps {
			pair, ok := deps[d.Path]
			if !ok {
				order = append(order, d.Path)
			}
			pair[i] = moduleOf(d)
			deps[d.Path] = pair
		}
	}
	for _, p := range order {
		add(CauseDep, p, deps[p][0], deps[p][1])
	}
	return append(out, vcs...)
}

func platformOf(f *binary.File) string {
	return fmt.Sprintf("%s %s/%s", f.Format, f.OS, f.Arch)
}

func moduleOf(m *debug.Module) string {
	s := strings.TrimSpace(m.Version + " " + m.Sum)
	if m.Replace != nil {
		s += " => " + strings.TrimSpace(m.Replace.Path+" "+m.Replace.Version+" "+m.Replace.Sum)
	}
	return s
}

// shown tells a setting that is not there from an empty one.
func shown(v string, there bool) string {
	if !there {
		return "(not set)"
	}
	return v
}
