package plan

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
)

var update = flag.Bool("update", false, "rewrite testdata")

func encode(t *testing.T, p Plan) []byte {
	t.Helper()
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestGoldenPlan(t *testing.T) {
	got := encode(t, mustMake(t, orders(), config.Config{}))
	const name = "testdata/orders.plan.json"
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the plan differs from %s; run the test with -update and read the difference:\n%s", name, firstDifference(string(want), string(got)))
	}
	if _, err := Decode(got, name); err != nil {
		t.Errorf("its own JSON is refused: %v", err)
	}
}

// TestSameInputSameBytes turns around every order that facts might come in
// and every map of the configuration.
func TestSameInputSameBytes(t *testing.T) {
	c := config.Config{
		Targets: []string{"linux/amd64", "linux/arm64"},
		Build:   config.Build{CC: map[string]string{"linux/amd64": "gcc", "linux/arm64": "aarch64-linux-gnu-gcc"}, Env: map[string]string{"GOAMD64": "v2", "CGO_CFLAGS": "-O1", "GOARM64": "v8.1"}},
		Image:   config.Image{Entrypoint: []string{"orders"}, Env: map[string]string{"B": "2", "A": "1", "C": "3"}, Labels: map[string]string{"x": "1", "y": "2", "z": "3"}},
	}
	f := sqlite(orders())
	extra := f.Programs[0]
	for _, p := range f.Programs {
		extra = p
		extra.Package, extra.Dir, extra.Name = "github.com/acme/orders/v2/cmd/migrate", "cmd/migrate", "migrate"
		extra.Stamps = []facts.Stamp{{Var: "main.commit", Role: "commit", Pos: at("cmd/migrate/main.go", 5)}}
		f.Programs = append(f.Programs, extra)
	}
	var first []byte
	for i := range 50 {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		g := f
		g.Programs = slices.Clone(f.Programs)
		r.Shuffle(len(g.Programs), func(i, j int) { g.Programs[i], g.Programs[j] = g.Programs[j], g.Programs[i] })
		b := encode(t, mustMake(t, g, c))
		if first == nil {
			first = b
		}
		if string(b) != string(first) {
			t.Fatalf("order %d gives another plan:\n%s\n%s", i, first, b)
		}
	}
}

func TestMakeLeavesItsInputAlone(t *testing.T) {
	f, c := sqlite(orders()), config.Config{Targets: []string{"linux/amd64"}, Build: config.Build{CC: map[string]string{"linux/amd64": "musl-gcc"}, Tags: []string{"debug", "a"}}}
	before, _ := json.Marshal([]any{f, c})
	mustMake(t, f, c)
	if after, _ := json.Marshal([]any{f, c}); string(after) != string(before) {
		t.Errorf("facts or configuration changed:\n%s\n%s", before, after)
	}
}

func TestNeedFacts(t *testing.T) {
	onlyOff := func(f facts.Facts) facts.Facts {
		f.Programs = slices.DeleteFunc(slices.Clone(f.Programs), func(p facts.Program) bool { return p.CgoOn })
		return f
	}
	for name, x := range map[string]struct {
		f       facts.Facts
		c       config.Config
		targets []string
		on      bool
	}{
		"cgo turns out to be needed":    {withCompilers(onlyOff(sqlite(orders())), gcc), config.Config{}, []string{"linux/amd64"}, true},
		"cgo is asked for":              {withCompilers(orders(), gcc, crossGCC), config.Config{Build: config.Build{CGO: "on"}}, []string{"linux/amd64", "linux/arm64"}, true},
		"a target was not read at all":  {orders(), config.Config{Targets: []string{"linux/amd64", "darwin/arm64"}}, []string{"darwin/arm64"}, false},
		"nothing was read, cgo is on":   {withCompilers(facts.Facts{}, gcc), config.Config{Targets: []string{"linux/amd64"}, Build: config.Build{CGO: "on"}}, []string{"linux/amd64"}, true},
		"the graph of a variant counts": {orders(), config.Config{Targets: []string{"linux/arm/v6"}}, []string{"linux/arm/v6"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Make(x.f, x.c)
			e, ok := errors.AsType[*NeedFacts](err)
			if !ok {
				t.Fatalf("error %v, want *NeedFacts", err)
			}
			var got []string
			for _, p := range e.Targets {
				got = append(got, p.String())
			}
			if !slices.Equal(got, x.targets) || e.CgoOn != x.on || !strings.Contains(e.Error(), x.targets[0]) {
				t.Errorf("%v, want %v with cgo %v", e, x.targets, x.on)
			}
		})
	}
}

func withCompilers(f facts.Facts, cs ...facts.Compiler) facts.Facts {
	f.Compilers = cs
	return f
}

func TestExplain(t *testing.T) {
	p := mustMake(t, orders(), config.Config{})
	ds, err := p.Explain("base")
	if err != nil || len(ds) != 1 || ds[0].ID != "base" {
		t.Errorf("base: %+v, %v", ds, err)
	}
	_, err = p.Explain("tolchain")
	if e := wantFault(t, err, "plan.explain.unknown", "plan.nearest"); e.Hint.Args[0] != "toolchain" {
		t.Errorf("hint %s", e.Hint)
	}
	_, err = p.Explain("zzzzzzzzz")
	wantFault(t, err, "plan.explain.unknown", "plan.oneof")
}

// firstDifference gives the first line that differs, of both.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\n-%s\n+%s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, then %d", len(w), len(g))
}

func BenchmarkMake(b *testing.B) {
	f := withCompilers(sqlite(orders()), gcc, crossGCC)
	for b.Loop() {
		if _, err := Make(f, config.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteSVG(b *testing.B) {
	p, err := Make(orders(), config.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := WriteSVG(io.Discard, p, i18n.English); err != nil {
			b.Fatal(err)
		}
	}
}
