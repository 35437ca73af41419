package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
)

// webFiles gives the files that users run and that hold something about
// serving HTTP.
func webFiles(r *facts.Repo, has func(*facts.Web) bool) []*facts.GoFile {
	var out []*facts.GoFile
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; g.Web != nil && has(g.Web) && !g.Generated && shipped(g) {
			out = append(out, g)
		}
	}
	return out
}

// webPrograms gives the programs that users run of which match takes a file.
func webPrograms(r *facts.Repo, match func(*facts.GoFile) bool) []facts.MainPackage {
	any := false
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; (len(g.Sites) > 0 || g.Web != nil) && match(g) {
			any = true
			break
		}
	}
	if !any {
		return nil // most repositories: their programs need not be worked out
	}
	return slices.DeleteFunc(slices.Clone(r.Mains()), func(p facts.MainPackage) bool {
		return !slices.ContainsFunc(p.Files, match) || p.Module == nil ||
			!shipped(&facts.GoFile{Dir: p.Dir, Path: p.Dir + "/main.go", Module: "."})
	})
}

func hasSite(g *facts.GoFile, names ...string) bool {
	return slices.ContainsFunc(g.Sites, func(s facts.Site) bool { return slices.Contains(names, s.What) })
}

// goSeconds reads a duration as Go code writes it, such as 5*time.Second.
func goSeconds(text string) (float64, bool) {
	units := map[string]float64{"time.Nanosecond": 1e-9, "time.Microsecond": 1e-6, "time.Millisecond": 1e-3, "time.Second": 1, "time.Minute": 60, "time.Hour": 3600}
	total, unit := 1.0, false
	for f := range strings.SplitSeq(text, "*") {
		if u, ok := units[f]; ok && !unit {
			total, unit = total*u, true
			continue
		}
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, false
		}
		total *= n
	}
	if !unit {
		total *= 1e-9
	}
	return total, true
}
