package plan

import (
	"testing"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

func TestVersion(t *testing.T) {
	git := facts.Source{Kind: "dir", Revision: commit, Time: 1700000000}
	with := func(change func(*facts.Source)) facts.Source {
		s := git
		change(&s)
		return s
	}
	for name, x := range map[string]struct {
		module string
		source facts.Source
		asked  string
		want   string
		why    string
		fact   string
	}{
		"tag at HEAD":                 {"example.com/a", with(func(s *facts.Source) { s.Tags = []string{"v1.2.3"} }), "", "v1.2.3", "plan.version.tag", "plan.fact.tag"},
		"highest of several tags":     {"example.com/a", with(func(s *facts.Source) { s.Tags = []string{"v0.308.0", "v3.8.0", "v3.8.0-rc.1"} }), "", "v3.8.0", "plan.version.tag", "plan.fact.major"},
		"tags that are no versions":   {"example.com/a", with(func(s *facts.Source) { s.Tags = []string{"v1.2", "release-9", "1.0.0"} }), "", "v0.0.0-20231114221320-5a25fd1d8570", "plan.version.commit", "plan.fact.commit"},
		"no tag":                      {"example.com/a", git, "", "v0.0.0-20231114221320-5a25fd1d8570", "plan.version.commit", "plan.fact.commit"},
		"no tag, major in the path":   {"example.com/a/v3", git, "", "v3.0.0-20231114221320-5a25fd1d8570", "plan.version.commit", "plan.fact.commit"},
		"no tag in a shallow clone":   {"example.com/a", with(func(s *facts.Source) { s.Shallow = true }), "", "v0.0.0-20231114221320-5a25fd1d8570", "plan.version.commit", "plan.fact.shallow"},
		"module from a proxy":         {"example.com/a", facts.Source{Kind: "module", Ref: "example.com/a@v1.9.0", Revision: commit}, "", "v1.9.0", "plan.version.module", "plan.fact.module"},
		"incompatible module":         {"example.com/a", facts.Source{Kind: "module", Ref: "example.com/a@v28.0.0+incompatible"}, "", "v28.0.0+incompatible", "plan.version.module", "plan.fact.module"},
		"incompatible and dirty":      {"example.com/a", facts.Source{Kind: "module", Ref: "example.com/a@v28.0.0+incompatible", Dirty: true}, "", "v28.0.0+incompatible.dirty", "plan.version.module", "plan.fact.dirty"},
		"asked for":                   {"example.com/a", with(func(s *facts.Source) { s.Tags = []string{"v1.2.3"} }), "2026.11", "2026.11", "plan.version.asked", "plan.fact.asked"},
		"dirty tag":                   {"example.com/a", with(func(s *facts.Source) { s.Tags, s.Dirty = []string{"v1.2.3"}, true }), "", "v1.2.3+dirty", "plan.version.tag", "plan.fact.dirty"},
		"dirty commit":                {"example.com/a", with(func(s *facts.Source) { s.Dirty = true }), "", "v0.0.0-20231114221320-5a25fd1d8570+dirty", "plan.version.commit", "plan.fact.dirty"},
		"dirty and asked for":         {"example.com/a", with(func(s *facts.Source) { s.Dirty = true }), "v9.9.9", "v9.9.9+dirty", "plan.version.asked", "plan.fact.dirty"},
		"archive without a revision":  {"example.com/a", facts.Source{Kind: "dir"}, "", "v0.0.0-unknown", "plan.version.unknown", ""},
		"commit whose time is hidden": {"example.com/a", facts.Source{Kind: "dir", Revision: commit}, "", "v0.0.0-19700101000000-5a25fd1d8570", "plan.version.commit", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := orders()
			f.Module.Path, f.Source = x.module, x.source
			p := mustMake(t, f, config.Config{Version: x.asked})
			d := decision(t, p, "version", "")
			if p.Version != x.want || d.Choice != x.want || d.Why.ID != x.why || x.fact != "" && !hasFact(d, x.fact) {
				t.Errorf("%s because %s, facts %v; want %s because %s, %s", p.Version, d.Why.ID, d.Facts, x.want, x.why, x.fact)
			}
			if p.Source.Dirty != x.source.Dirty {
				t.Errorf("dirty is %v", p.Source.Dirty)
			}
		})
	}
}

func TestVersionThatCannotBeStamped(t *testing.T) {
	for _, v := range []string{"v1\n", "it's \"1\"", " v1"} {
		_, err := Make(orders(), config.Config{Version: v})
		wantFault(t, err, "plan.wrong", "plan.stamp.quote.hint")
	}
}

func TestTime(t *testing.T) {
	for name, x := range map[string]struct {
		source facts.Source
		want   string
		why    string
	}{
		"commit":  {facts.Source{Kind: "dir", Revision: commit, Time: 1700000000}, "2023-11-14T22:13:20Z", "plan.time.commit"},
		"module":  {facts.Source{Kind: "module", Ref: "a.com/b@v1.0.0", Time: 1700000000}, "2023-11-14T22:13:20Z", "plan.time.module"},
		"unknown": {facts.Source{Kind: "dir"}, "1970-01-01T00:00:00Z", "plan.time.unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			f := orders()
			f.Source = x.source
			p := mustMake(t, f, config.Config{})
			d := decision(t, p, "time", "")
			if d.Choice != x.want || d.Why.ID != x.why || p.Source.Time != x.source.Time {
				t.Errorf("%s because %s, want %s because %s", d.Choice, d.Why.ID, x.want, x.why)
			}
			if img := p.Targets[0].Image; img.Created != x.source.Time || img.Labels["org.opencontainers.image.created"] != x.want {
				t.Errorf("image is of %d, %s", img.Created, img.Labels)
			}
		})
	}
}

// TestInstall: a module whose go.mod has lines that count only for the main
// module cannot be built by `go install path@version`.
func TestInstall(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*facts.Facts)
		want   bool
		choice string
	}{
		"plain module": {func(*facts.Facts) {}, true, "go install"},
		"replace":      {func(f *facts.Facts) { f.Module.Replaces = []facts.Replace{{Old: "a.com/b", New: "a.com/c@v1.0.0"}} }, false, "go build"},
		"exclude":      {func(f *facts.Facts) { f.Module.Excludes = []facts.Line{{Value: "a.com/b@v1.0.0"}} }, false, "go build"},
	} {
		t.Run(name, func(t *testing.T) {
			f := orders()
			f.Source = facts.Source{Kind: "module", Ref: "github.com/acme/orders/v2@v2.0.1", Sum: "h1:abc=", SumDB: true}
			x.change(&f)
			p := mustMake(t, f, config.Config{})
			if d := decision(t, p, "source", ""); p.Source.Install != x.want || d.Choice != x.choice {
				t.Errorf("install %v, %s", p.Source.Install, d.Choice)
			}
			if p.Source.Module != "github.com/acme/orders/v2@v2.0.1" || p.Source.Sum != "h1:abc=" || p.Source.URL != "https://github.com/acme/orders" {
				t.Errorf("source %+v", p.Source)
			}
		})
	}
	if p := mustMake(t, orders(), config.Config{}); p.Source.Install || p.Source.Module != "" {
		t.Errorf("a directory is installed: %+v", p.Source)
	}
}

// TestRepositoryURL wants the address from what every copy of a commit has in
// common.
func TestRepositoryURL(t *testing.T) {
	for module, want := range map[string]string{
		"github.com/acme/orders":           "https://github.com/acme/orders",
		"github.com/acme/orders/v2":        "https://github.com/acme/orders",
		"gitee.com/acme/orders/cmd/orders": "https://gitee.com/acme/orders",
		"github.com/acme":                  "",
		"acme.example/orders/api":          "",
		"orders":                           "",
	} {
		for _, remote := range []string{"", "https://github.com/fork/orders"} {
			f := facts.Facts{Source: facts.Source{RemoteURL: remote}, Module: facts.Module{Path: module}}
			if got := repositoryURL(f); got != want {
				t.Errorf("%s, cloned from %q, gives %q, want %q", module, remote, got, want)
			}
		}
	}
}

func TestToolchain(t *testing.T) {
	type in struct{ goLine, toolchain, work, workToolchain, machine, env, asked string }
	for name, x := range map[string]struct {
		in     in
		want   string
		why    string
		reject string
	}{
		"machine is new enough":              {in{goLine: "1.25.0"}, "go1.26.8", "plan.toolchain.machine", "go1.25.0"},
		"machine, language version":          {in{goLine: "1.22"}, "go1.26.8", "plan.toolchain.machine", "go1.22.0"},
		"toolchain line is older":            {in{goLine: "1.24.0", toolchain: "go1.24.5"}, "go1.26.8", "plan.toolchain.machine", "go1.24.5"},
		"toolchain line is newer":            {in{goLine: "1.24.0", toolchain: "go1.27.4"}, "go1.27.4", "plan.toolchain.line", "go1.26.8"},
		"toolchain default says nothing":     {in{goLine: "1.24.0", toolchain: "default"}, "go1.26.8", "plan.toolchain.machine", "go1.24.0"},
		"go line is newer":                   {in{goLine: "1.27.1"}, "go1.27.1", "plan.toolchain.goline", "go1.26.8"},
		"go line is a newer language":        {in{goLine: "1.27"}, "go1.27.0", "plan.toolchain.goline", "go1.26.8"},
		"go.work counts, not go.mod":         {in{goLine: "1.22", work: "1.27.2"}, "go1.27.2", "plan.toolchain.goline", "go1.26.8"},
		"toolchain line of go.work":          {in{goLine: "1.22", toolchain: "go1.99.0", work: "1.22", workToolchain: "go1.27.3"}, "go1.27.3", "plan.toolchain.line", "go1.26.8"},
		"no go line":                         {in{}, "go1.26.8", "plan.toolchain.machine", ""},
		"asked for":                          {in{goLine: "1.24.0", asked: "1.25.7"}, "go1.25.7", "plan.toolchain.asked", "go1.26.8"},
		"asked for with prefix":              {in{goLine: "1.24.0", asked: "go1.25.7"}, "go1.25.7", "plan.toolchain.asked", "go1.26.8"},
		"asked for, before 1.21":             {in{goLine: "1.18", asked: "1.20"}, "go1.20", "plan.toolchain.asked", "go1.26.8"},
		"asked for a release candidate":      {in{goLine: "1.24.0", asked: "1.27rc1"}, "go1.27rc1", "plan.toolchain.asked", "go1.26.8"},
		"GOTOOLCHAIN names one":              {in{goLine: "1.24.0", env: "go1.25.7"}, "go1.25.7", "plan.toolchain.env.named", "go1.26.8"},
		"GOTOOLCHAIN names one, +auto lifts": {in{goLine: "1.26.0", env: "go1.25.7+auto"}, "go1.26.0", "plan.toolchain.env.named", "go1.26.8"},
		"GOTOOLCHAIN=local":                  {in{goLine: "1.26.0", env: "local"}, "go1.26.8", "plan.toolchain.local.machine", ""},
		"GOTOOLCHAIN=local, newer toolchain": {in{goLine: "1.26.0", toolchain: "go1.27.4", env: "local"}, "go1.26.8", "plan.toolchain.local.machine", "go1.27.4"},
		"machine with experiments":           {in{goLine: "1.26.0", machine: "go1.26.8 X:jsonv2"}, "go1.26.8", "plan.toolchain.machine", "go1.26.0"},
		"machine with a vendor's suffix":     {in{goLine: "1.26.0", machine: "go1.26.8-acme"}, "go1.26.8-acme", "plan.toolchain.machine", "go1.26.0"},
		"development build":                  {in{goLine: "1.26.0", machine: "devel go1.28-abc123 Mon"}, "local", "plan.toolchain.devel", ""},
		"toolchain line below its go line":   {in{goLine: "1.27.2", toolchain: "go1.27.1"}, "go1.27.2", "plan.toolchain.goline", "go1.26.8"},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustMake(t, toolchainFacts(x.in.goLine, x.in.toolchain, x.in.work, x.in.workToolchain, x.in.machine, x.in.env), config.Config{Go: x.in.asked})
			d := decision(t, p, "toolchain", "")
			if p.Toolchain != x.want || d.Why.ID != x.why {
				t.Errorf("%s because %s, want %s because %s", p.Toolchain, d.Why.ID, x.want, x.why)
			}
			if x.reject == "" && len(d.Rejected) > 0 || x.reject != "" && !rejects(d, x.reject) {
				t.Errorf("rejected %v, want %q", d.Rejected, x.reject)
			}
			if env := p.Targets[0].Binaries[0].Env["GOTOOLCHAIN"]; env != x.want {
				t.Errorf("GOTOOLCHAIN=%s", env)
			}
		})
	}
	for name, x := range map[string]struct {
		in        in
		msg, hint string
	}{
		"asked for one older than the go line":  {in{goLine: "1.26.0", asked: "1.25.7"}, "plan.toolchain.old", "plan.toolchain.old.hint"},
		"asked for a language version":          {in{goLine: "1.24.0", asked: "1.25"}, "plan.wrong", "plan.toolchain.language.hint"},
		"asked for nonsense":                    {in{goLine: "1.24.0", asked: "latest"}, "plan.wrong", "plan.toolchain.form.hint"},
		"local is too old":                      {in{goLine: "1.27.0", env: "local"}, "plan.toolchain.local", "plan.toolchain.local.hint"},
		"GOTOOLCHAIN names one that is too old": {in{goLine: "1.26.0", env: "go1.25.7"}, "plan.toolchain.env", "plan.toolchain.env.hint"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Make(toolchainFacts(x.in.goLine, x.in.toolchain, x.in.work, x.in.workToolchain, x.in.machine, x.in.env), config.Config{Go: x.in.asked})
			e := wantFault(t, err, x.msg, x.hint)
			if x.msg != "plan.wrong" && e.Pos != at("go.mod", 3) {
				t.Errorf("points at %v, not at the go line", e.Pos)
			}
		})
	}
}

func toolchainFacts(goLine, toolchain, work, workToolchain, machine, env string) facts.Facts {
	f := orders()
	f.Module.Go.Value = goLine
	f.Module.Toolchain = facts.Line{Value: toolchain, Pos: at("go.mod", 4)}
	if work != "" {
		f.Work = &facts.Work{File: "go.work", Go: facts.Line{Value: work, Pos: at("go.work", 1)}, Toolchain: facts.Line{Value: workToolchain, Pos: at("go.work", 2)}}
	}
	if machine != "" {
		f.GoEnv.Version = machine
	}
	if env != "" {
		f.GoEnv.GOTOOLCHAIN = env
	}
	return f
}
