package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

const commit = "5a25fd1d857012345678901234567890abcdef12"

// orders are the facts of a small HTTP service, read for the default targets
// without cgo on a linux/amd64 machine with Go 1.26.8.
func orders() facts.Facts {
	f := facts.Facts{
		SchemaVersion: facts.SchemaVersion,
		Source: facts.Source{
			Kind: "dir", VCS: "git", Revision: commit, Time: 1700000000, Tags: []string{"v2.4.0"},
			TagsFrom: "clone", RemoteURL: "git@github.com:acme/orders.git",
		},
		Module: facts.Module{
			Path: "github.com/acme/orders/v2", Pos: at("go.mod", 1), HasGoSum: true,
			Go: facts.Line{Value: "1.26.0", Pos: at("go.mod", 3)},
		},
		GoEnv: facts.GoEnv{GOROOT: "/usr/lib/go", Version: "go1.26.8", HostOS: "linux", HostArch: "amd64", GOTOOLCHAIN: "auto"},
	}
	for _, target := range []string{"linux/amd64", "linux/arm64"} {
		f.Programs = append(f.Programs, facts.Program{
			Package: "github.com/acme/orders/v2", Dir: ".", Name: "orders", Pos: at("main.go", 1), Target: target,
			Packages: 210, StdCgo: []string{"net"},
			Needs: []facts.Need{
				{Kind: facts.NeedRoots, Certainty: facts.Uses, What: "http.Client", Pos: at("upstream.go", 31), More: 2, Symbols: []string{"crypto/x509.loadSystemRoots"}},
				{Kind: facts.NeedTemp, Certainty: facts.Uses, What: "os.CreateTemp", Pos: at("report.go", 20)},
				{Kind: facts.NeedZones, Certainty: facts.Uses, What: "time.LoadLocation", Pos: at("main.go", 44)},
			},
			Stamps: []facts.Stamp{{Var: "main.version", Role: "version", Pos: at("main.go", 12)}},
			Ports:  []facts.Port{{Port: 8080, Pos: at("main.go", 60)}},
			Tags:   []facts.Tag{{Name: "debug", Pos: at("debug.go", 1)}},
		})
	}
	return f
}

// sqlite adds a package that needs C to every program of f, read with and
// without cgo.
func sqlite(f facts.Facts) facts.Facts {
	c := facts.Cgo{
		Package: "github.com/mattn/go-sqlite3", Pos: at("github.com/mattn/go-sqlite3@v1.14.32/sqlite3.go", 30), Required: true,
		Chain: []facts.Step{{Package: f.Module.Path}, {Package: "github.com/mattn/go-sqlite3", Pos: at("store.go", 8)}},
	}
	f.Programs = slices.Clone(f.Programs)
	for i := range f.Programs {
		f.Programs[i].Cgo = append(slices.Clone(f.Programs[i].Cgo), c)
	}
	for _, p := range f.Programs {
		p.CgoOn = true
		p.StdCgo = []string{"net", "runtime/cgo"}
		f.Programs = append(f.Programs, p)
	}
	return f
}

var (
	gcc      = facts.Compiler{Target: "linux/amd64", CC: "gcc", CXX: "g++", From: "path"}
	crossGCC = facts.Compiler{Target: "linux/arm64", CC: "aarch64-linux-gnu-gcc", CXX: "aarch64-linux-gnu-g++", From: "path"}
	muslGCC  = facts.Compiler{Target: "linux/amd64", CC: "x86_64-linux-musl-gcc", Musl: true, From: "path"}
)

func at(file string, line int) fault.Pos { return fault.Pos{File: file, Line: line} }

// forTarget gives the facts of orders for one other platform.
func forTarget(f facts.Facts, target string) facts.Facts {
	p := f.Programs[0]
	p.Target = target
	f.Programs = append(slices.Clone(f.Programs), p)
	return f
}

func mustMake(t *testing.T, f facts.Facts, c config.Config) Plan {
	t.Helper()
	p, err := Make(f, c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	speaks(t, p)
	return p
}

// speaks fails unless every message of the plan has words in both languages.
func speaks(t *testing.T, p Plan) {
	t.Helper()
	check := func(d Decision, m i18n.Message) {
		for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
			if s := m.In(l); s == "" || strings.HasPrefix(s, "plan.") || strings.Contains(s, "{0}") || strings.Contains(s, "{1}") {
				t.Errorf("%s: message %q says %q in %s", d.ID, m.ID, s, l)
			}
		}
		if m.In(i18n.English) == m.In(i18n.Chinese) {
			t.Errorf("%s: %s is the same in both languages", d.ID, m.ID)
		}
	}
	for _, d := range p.Decisions {
		if d.ID == "" || d.Choice == "" {
			t.Errorf("decision %+v is incomplete", d)
		}
		check(d, d.Why)
		for _, f := range d.Facts {
			check(d, f.Text)
		}
		for _, r := range d.Rejected {
			check(d, r.Why)
			if r.Choice == "" || r.Choice == d.Choice {
				t.Errorf("%s: rejects %q and chooses %q", d.ID, r.Choice, d.Choice)
			}
		}
	}
}

// decision gives the only decision of an ID, for a target where one is named.
func decision(t *testing.T, p Plan, id, target string) Decision {
	t.Helper()
	var found []Decision
	for _, d := range p.Decisions {
		if d.ID == id && (d.Target == target || d.Target == "") {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d decisions %s for %q", len(found), id, target)
	}
	return found[0]
}

// wantFault fails unless err is a usage error whose message and hint have
// these IDs.
func wantFault(t *testing.T, err error, msg, hint string) *fault.Error {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("error %v, want a *fault.Error %s", err, msg)
	}
	if e.Msg.ID != msg || e.Hint.ID != hint || e.Code != fault.Usage {
		t.Errorf("error %s (%s), hint %s (%s), code %d; want %s, %s", e.Msg.ID, e, e.Hint.ID, e.Hint, e.Code, msg, hint)
	}
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		if s := e.Msg.In(l) + e.Hint.In(l); strings.Contains(s, "plan.") || strings.Contains(s, "{0}") {
			t.Errorf("error says %q in %s", s, l)
		}
	}
	return e
}

func hasFact(d Decision, id string) bool {
	return slices.ContainsFunc(d.Facts, func(f Fact) bool { return f.Text.ID == id })
}

func rejects(d Decision, choice string) bool {
	return slices.ContainsFunc(d.Rejected, func(a Alternative) bool { return a.Choice == choice })
}
