package plan

import (
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// decidePrograms names the programs, by package:
//
//	name in slipway.yaml and one program | that
//	one of several, or no name           | last element of the import path, without /v2 or .v2
//
// Two programs of one name would overwrite each other.
func decidePrograms(subjects []subject, c config.Config) (map[string]string, Decision, error) {
	var all []facts.Program
	for _, s := range subjects {
		all = append(all, s.programs...)
	}
	slices.SortStableFunc(all, func(a, b facts.Program) int { return strings.Compare(a.Package, b.Package) })
	all = slices.CompactFunc(all, func(a, b facts.Program) bool { return a.Package == b.Package })

	d := Decision{ID: "programs", Why: i18n.M("plan.programs.path")}
	names := map[string]string{}
	byName := map[string]string{}
	var list []string
	for _, p := range all {
		name := programName(p.Package)
		if last := p.Package[strings.LastIndexByte(p.Package, '/')+1:]; last != name {
			d.reject(last, i18n.M("plan.programs.no.major"))
		}
		if c.Name != "" && len(all) == 1 {
			d.reject(name, i18n.M("plan.programs.no.asked"))
			name = c.Name[strings.LastIndexByte(c.Name, '/')+1:]
			d.Why = i18n.M("plan.programs.asked")
			d.Facts = append(d.Facts, asked("name", c.Name))
		}
		if !validFileName(name) {
			return nil, d, fault.UsageError(i18n.M("plan.programs.bad", name, p.Package), i18n.M("plan.programs.bad.hint"))
		}
		key := strings.ToLower(name) // the file systems of macOS and Windows do not tell case
		if other, taken := byName[key]; taken {
			return nil, d, fault.UsageError(i18n.M("plan.programs.clash", p.Package, other, name), i18n.M("plan.programs.clash.hint"))
		}
		byName[key], names[p.Package] = p.Package, name
		list = append(list, name)
		d.Facts = append(d.Facts, Fact{p.Pos, i18n.M("plan.fact.main", p.Package)})
	}
	d.Choice = strings.Join(list, ", ")
	return names, d, nil
}

// programName is the last element of an import path that is not its major
// version: github.com/x/y/v2 is y, gopkg.in/y.v2 is y.
func programName(pkg string) string {
	if prefix, _, ok := module.SplitPathVersion(pkg); ok && prefix != "" {
		pkg = prefix
	}
	return pkg[strings.LastIndexByte(pkg, '/')+1:]
}

// validFileName reports whether name can stand for a file on every system.
func validFileName(name string) bool {
	return name != "" && name != "." && name != ".." && name[0] != '-' && len(name) <= 200 &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) })
}

// fileName adds the ending that the target expects.
func fileName(name string, p Platform) string {
	switch {
	case p.OS == "windows":
		return name + ".exe"
	case p.Arch == "wasm":
		return name + ".wasm"
	}
	return name
}
