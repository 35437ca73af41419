package plan

import (
	"go/version"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
)

// guarded are the GODEBUG settings of security and operations whose default
// a go line older than since keeps at its old value, however new the
// toolchain is (go.dev/doc/godebug; src/internal/godebugs/table.go).
var guarded = []struct{ name, old, since string }{
	{"tls10server", "1", "go1.22"},
	{"tlsrsakex", "1", "go1.22"},
	{"tls3des", "1", "go1.23"},
	{"rsa1024min", "0", "go1.24"},
	{"tlsmlkem", "0", "go1.24"},
	{"urlmaxqueryparams", "0", "go1.24"},
	{"httpcookiemaxnum", "0", "go1.24"},
	{"containermaxprocs", "0", "go1.25"},
	{"tlssha1", "1", "go1.25"},
	{"tlssecpmlkem", "0", "go1.26"},
}

// heldBack names the guarded defaults that the go line keeps old under the
// chosen toolchain. Settings the program states itself are its own business.
func heldBack(f facts.Facts, toolchain string) []Fact {
	line := goLine(f)
	own := map[string]bool{}
	settings := slices.Clone(f.Module.Godebug)
	for _, p := range f.Programs {
		settings = append(settings, p.Debug...)
	}
	for _, l := range settings {
		k, v, _ := strings.Cut(l.Value, "=")
		if k == "default" && version.IsValid(v) {
			line = facts.Line{Value: v, Pos: l.Pos}
		}
		own[k] = true
	}
	if line.Value == "" || !version.IsValid(toolchain) {
		return nil
	}
	var names []string
	need := ""
	for _, g := range guarded {
		if version.Compare(version.Lang(line.Value), g.since) < 0 && version.Compare(g.since, version.Lang(toolchain)) <= 0 && !own[g.name] {
			names = append(names, g.name+"="+g.old)
			need = newest(need, g.since)
		}
	}
	if names == nil {
		return nil
	}
	return []Fact{{line.Pos, i18n.M("plan.fact.heldback", strings.TrimPrefix(line.Value, "go"), strings.Join(names, ", "), strings.TrimPrefix(need, "go"))}}
}
