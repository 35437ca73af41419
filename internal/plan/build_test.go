package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

func TestCgoAndLinkage(t *testing.T) {
	stub := func(f facts.Facts) facts.Facts {
		for i := range f.Programs {
			f.Programs[i].Cgo[0].Stub = &facts.Line{Value: "requires cgo to work. This is a stub", Pos: at("github.com/mattn/go-sqlite3@v1.14.32/static_mock.go", 17)}
		}
		return f
	}
	optional := func(f facts.Facts) facts.Facts {
		f = sqlite(f)
		for i := range f.Programs {
			f.Programs[i].Cgo[0].Required = false
		}
		return f
	}
	on := func(f facts.Facts) facts.Facts {
		f.Programs = slices.Clone(f.Programs)
		for i := range f.Programs {
			f.Programs[i].CgoOn = true
		}
		return f
	}
	noC := func(f facts.Facts) facts.Facts {
		f = on(f)
		for i := range f.Programs {
			f.Programs[i].StdCgo = nil
		}
		return f
	}
	amd64 := []string{"linux/amd64"}
	type want struct {
		cgo, why, linkage, because string
		ldflags                    string
	}
	for name, x := range map[string]struct {
		f    facts.Facts
		c    config.Config
		want want
	}{
		"only std uses C":          {orders(), config.Config{}, want{"off", "plan.cgo.std", "static", "plan.linkage.nocgo", ""}},
		"nothing uses C":           {withStd(orders()), config.Config{}, want{"off", "plan.cgo.unused", "static", "plan.linkage.nocgo", ""}},
		"a package falls back":     {optional(orders()), config.Config{}, want{"off", "plan.cgo.optional", "static", "plan.linkage.nocgo", ""}},
		"a package needs C":        {withCompilers(sqlite(orders()), gcc), config.Config{}, want{"on", "plan.cgo.required", "dynamic", "plan.linkage.glibc", ""}},
		"a package with a stub":    {withCompilers(stub(sqlite(orders())), gcc), config.Config{}, want{"on", "plan.cgo.required", "dynamic", "plan.linkage.glibc", ""}},
		"a stub, cgo off":          {stub(sqlite(orders())), config.Config{Build: config.Build{CGO: "off"}}, want{"off", "plan.cgo.asked.off", "static", "plan.linkage.nocgo", ""}},
		"musl compiler found":      {withCompilers(sqlite(orders()), muslGCC), config.Config{}, want{"on", "plan.cgo.required", "static", "plan.linkage.musl", "-linkmode external -extldflags -static"}},
		"musl compiler configured": {sqlite(orders()), config.Config{Targets: amd64, Build: config.Build{CC: map[string]string{"linux/amd64": "zig cc -target x86_64-linux-musl"}}}, want{"on", "plan.cgo.required", "static", "plan.linkage.musl", "-extldflags -static"}},
		"musl and own extldflags":  {withCompilers(sqlite(orders()), muslGCC), config.Config{Build: config.Build{Ldflags: []string{"-extldflags '-Wl,-z,now'"}}}, want{"on", "plan.cgo.required", "static", "plan.linkage.musl", "-extldflags '-static -Wl,-z,now'"}},
		"cgo on, std uses C":       {withCompilers(on(orders()), gcc), config.Config{Build: config.Build{CGO: "on"}}, want{"on", "plan.cgo.asked.on", "dynamic", "plan.linkage.glibc", ""}},
		"cgo on, netgo":            {withCompilers(on(orders()), gcc), config.Config{Build: config.Build{CGO: "on", Tags: []string{"netgo"}}}, want{"on", "plan.cgo.asked.on", "static", "plan.linkage.noc", ""}},
		"cgo on, nothing uses C":   {withCompilers(noC(orders()), gcc), config.Config{Build: config.Build{CGO: "on"}}, want{"on", "plan.cgo.asked.on", "static", "plan.linkage.noc", ""}},
		"glibc, static asked for":  {withCompilers(sqlite(orders()), gcc), config.Config{Build: config.Build{Ldflags: []string{"-linkmode external", "-extldflags=-static"}}}, want{"on", "plan.cgo.required", "static", "plan.linkage.asked", "-linkmode external -extldflags=-static"}},
		// C39: without an external linker, -static does nothing for net.
		"glibc, static without effect": {withCompilers(on(orders()), gcc), config.Config{Build: config.Build{CGO: "on", Ldflags: []string{"-extldflags -static"}}}, want{"on", "plan.cgo.asked.on", "dynamic", "plan.linkage.glibc", "-extldflags -static"}},
		"useless extldflags":           {orders(), config.Config{Build: config.Build{Ldflags: []string{`-extldflags "-static"`}}}, want{"off", "plan.cgo.std", "static", "plan.linkage.nocgo", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustMake(t, x.f, x.c)
			c, l := decision(t, p, "cgo", "linux/amd64"), decision(t, p, "linkage", "linux/amd64")
			b := p.Targets[0].Binaries[0]
			if c.Choice != x.want.cgo || c.Why.ID != x.want.why {
				t.Errorf("cgo %s because %s", c.Choice, c.Why.ID)
			}
			if string(b.Linkage) != x.want.linkage || l.Choice != x.want.linkage || l.Why.ID != x.want.because {
				t.Errorf("%s because %s", b.Linkage, l.Why.ID)
			}
			if got := flagValue(b, "-ldflags"); !strings.Contains(got, x.want.ldflags) || x.want.ldflags == "" && strings.Contains(got, "extldflags") {
				t.Errorf("-ldflags=%s", got)
			}
			if b.Env["CGO_ENABLED"] != binaryDigit(x.want.cgo == "on") || (b.Env["CC"] != "") != (x.want.cgo == "on") {
				t.Errorf("environment %v", b.Env)
			}
			if kind := p.Targets[0].Image.Base.Kind; (kind == Closure) != (b.Linkage == Dynamic) {
				t.Errorf("a %s program on a %s base", b.Linkage, kind)
			}
		})
	}
	t.Run("C is needed and switched off", func(t *testing.T) {
		_, err := Make(sqlite(orders()), config.Config{Build: config.Build{CGO: "off"}})
		if e := wantFault(t, err, "plan.cgo.off.needed", "plan.cgo.off.needed.hint"); e.Pos.Line != 30 {
			t.Errorf("points at %v", e.Pos)
		}
	})
	t.Run("no compiler for a target asked for", func(t *testing.T) {
		_, err := Make(withCompilers(sqlite(orders()), gcc), config.Config{Targets: []string{"linux/amd64", "linux/arm64"}})
		e := wantFault(t, err, "plan.cgo.nocompiler.for", "plan.cgo.nocompiler.hint")
		if s := e.Error() + e.Hint.String(); !strings.Contains(s, "github.com/acme/orders/v2 → github.com/mattn/go-sqlite3") || !strings.Contains(s, "gcc-aarch64-linux-gnu") {
			t.Errorf("says %s", s)
		}
	})
	t.Run("no compiler at all", func(t *testing.T) {
		_, err := Make(sqlite(orders()), config.Config{})
		wantFault(t, err, "plan.cgo.nocompiler.for", "plan.cgo.nocompiler.hint")
		_, err = Make(on(orders()), config.Config{Build: config.Build{CGO: "on"}})
		wantFault(t, err, "plan.cgo.nocompiler", "plan.cgo.nocompiler.hint")
	})
	t.Run("default targets shrink to those with a compiler", func(t *testing.T) {
		p := mustMake(t, withCompilers(sqlite(orders()), gcc), config.Config{})
		if d := decision(t, p, "targets", ""); len(p.Targets) != 1 || d.Choice != "linux/amd64" || !rejects(d, "linux/arm64") {
			t.Errorf("%+v", d)
		}
	})
	t.Run("the host comes first", func(t *testing.T) {
		cross := gcc
		cross.CC = "x86_64-linux-gnu-gcc"
		f := withCompilers(sqlite(orders()), cross, crossGCC)
		f.GoEnv.HostArch = "arm64"
		if d := decision(t, mustMake(t, f, config.Config{}), "targets", ""); d.Choice != "linux/arm64, linux/amd64" {
			t.Errorf("%+v", d)
		}
	})
	t.Run("the stub is quoted", func(t *testing.T) {
		d := decision(t, mustMake(t, stub(sqlite(orders())), config.Config{Build: config.Build{CGO: "off"}}), "cgo", "")
		if !hasFact(d, "plan.fact.stub") {
			t.Errorf("%+v", d.Facts)
		}
	})
	t.Run("external linking without cgo", func(t *testing.T) {
		_, err := Make(orders(), config.Config{Build: config.Build{Ldflags: []string{"-linkmode=external"}}})
		wantFault(t, err, "plan.wrong", "plan.ldflags.external.hint")
	})
}

func withStd(f facts.Facts) facts.Facts {
	f.Programs = slices.Clone(f.Programs)
	for i := range f.Programs {
		f.Programs[i].StdCgo = nil
	}
	return f
}

// flagValue gives the value of a flag of go build.
func flagValue(b Binary, flag string) string {
	for _, a := range b.Args {
		if v, ok := strings.CutPrefix(a, flag+"="); ok {
			return v
		}
	}
	return ""
}

func TestTags(t *testing.T) {
	for name, x := range map[string]struct {
		tags []string
		arg  string
		fact string
	}{
		"none":                  {nil, "", ""},
		"known":                 {[]string{"debug"}, "debug", "plan.fact.tag.known"},
		"of the library":        {[]string{"netgo"}, "netgo", "plan.fact.tag.std"},
		"typo":                  {[]string{"debgu"}, "debgu", "plan.fact.tag.near"},
		"unknown":               {[]string{"enterprise"}, "enterprise", "plan.fact.tag.unknown"},
		"a set, sorted":         {[]string{"timetzdata", "debug"}, "debug,timetzdata", "plan.fact.tag.known"},
		"other scripts, dotted": {[]string{"größe", "a.b_1"}, "a.b_1,größe", "plan.fact.tag.unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustMake(t, orders(), config.Config{Build: config.Build{Tags: x.tags}})
			if got := flagValue(p.Targets[0].Binaries[0], "-tags"); got != x.arg {
				t.Errorf("-tags=%s, want %s", got, x.arg)
			}
			if d := decision(t, p, "tags", ""); x.fact != "" && !hasFact(d, x.fact) {
				t.Errorf("facts %+v, want %s", d.Facts, x.fact)
			}
		})
	}
	for tag, hint := range map[string]string{
		"a+b": "plan.tags.list.hint", "a,b": "plan.tags.list.hint", "a b": "plan.tags.list.hint", "a && b": "plan.tags.list.hint", "a||b": "plan.tags.list.hint",
		"!a": "plan.tags.not.hint", "a,!b": "plan.tags.not.hint", "(a)": "plan.tags.not.hint",
		"": "plan.tags.form.hint", " ": "plan.tags.form.hint", "a-b": "plan.tags.form.hint", "a/b": "plan.tags.form.hint",
		"cgo": "plan.tags.instead.hint", "linux": "plan.tags.instead.hint", "arm64": "plan.tags.instead.hint", "unix": "plan.tags.instead.hint", "go1.21": "plan.tags.instead.hint",
	} {
		_, err := Make(orders(), config.Config{Build: config.Build{Tags: []string{tag}}})
		e := wantFault(t, err, "plan.tags.bad", hint)
		if tag == "a+b" && e.Hint.Args[0] != "a, b" {
			t.Errorf("the right form of a+b is said to be %q", e.Hint.Args[0])
		}
	}
	_, err := Make(orders(), config.Config{Build: config.Build{Tags: []string{"a", "a"}}})
	wantFault(t, err, "plan.tags.twice", "plan.tags.twice.hint")
}

func TestStripAndStamps(t *testing.T) {
	head := func(f *facts.Facts) {
		for i := range f.Programs {
			f.Programs[i].Stamps = []facts.Stamp{
				{Var: "main.commit", Role: "commit", Pos: at("main.go", 13)}, {Var: "main.date", Role: "date", Pos: at("main.go", 14)}, {Var: "main.version", Role: "version", Pos: at("main.go", 12)},
			}
		}
	}
	for name, x := range map[string]struct {
		change       func(*facts.Facts)
		b            config.Build
		ldflags      string
		strip, debug bool
	}{
		"default":             {nil, config.Build{}, "-s -w -X main.version=v2.4.0", true, false},
		"strip off":           {nil, config.Build{Strip: "off"}, "-X main.version=v2.4.0", false, false},
		"debug":               {nil, config.Build{Debug: "on"}, "-X main.version=v2.4.0", true, true},
		"all roles":           {head, config.Build{}, "-s -w -X main.commit=" + commit + " -X main.date=2023-11-14T22:13:20Z -X main.version=v2.4.0", true, false},
		"no time, no date":    {func(f *facts.Facts) { head(f); f.Source.Time = 0 }, config.Build{}, "-s -w -X main.commit=" + commit + " -X main.version=v2.4.0", true, false},
		"none":                {func(f *facts.Facts) { f.Programs[0].Stamps, f.Programs[1].Stamps = nil, nil }, config.Build{}, "-s -w", true, false},
		"configured":          {nil, config.Build{Stamp: map[string]string{"github.com/acme/orders/v2/internal/v.Full": "{version} ({commit})"}}, "-s -w -X 'github.com/acme/orders/v2/internal/v.Full=v2.4.0 (" + commit + ")'", true, false},
		"main by import path": {nil, config.Build{Stamp: map[string]string{"github.com/acme/orders/v2.version": "x"}}, "-s -w -X main.version=x", true, false},
		"quotes":              {nil, config.Build{Stamp: map[string]string{"main.motto": "it's fine"}}, `-s -w -X "main.motto=it's fine"`, true, false},
		"empty value":         {nil, config.Build{Stamp: map[string]string{"main.motto": ""}}, `-s -w -X main.motto=`, true, false},
		"own flags":           {nil, config.Build{Ldflags: []string{"-s -w -X main.a=b", "-checklinkname=0", "-X", "'main.c=d e'"}}, "-s -w -X main.version=v2.4.0 -X main.a=b -checklinkname=0 -X 'main.c=d e'", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := orders()
			if x.change != nil {
				x.change(&f)
			}
			b := mustMake(t, f, config.Config{Build: x.b}).Targets[0].Binaries[0]
			if got := flagValue(b, "-ldflags"); got != x.ldflags || b.Strip != x.strip || b.Debug != x.debug {
				t.Errorf("-ldflags=%s strip %v debug %v\nwant %s", got, b.Strip, b.Debug, x.ldflags)
			}
		})
	}
	for name, x := range map[string]struct {
		b    config.Build
		hint string
	}{
		"variable without package":  {config.Build{Stamp: map[string]string{"version": "x"}}, "plan.stamp.var.hint"},
		"variable without a name":   {config.Build{Stamp: map[string]string{"github.com/a": "x"}}, "plan.stamp.var.hint"},
		"unknown placeholder":       {config.Build{Stamp: map[string]string{"main.v": "{tag}"}}, "plan.stamp.placeholder.hint"},
		"open placeholder":          {config.Build{Stamp: map[string]string{"main.v": "{version"}}, "plan.stamp.placeholder.hint"},
		"both kinds of quotes":      {config.Build{Stamp: map[string]string{"main.v": `it's "x"`}}, "plan.stamp.quote.hint"},
		"two lines":                 {config.Build{Stamp: map[string]string{"main.v": "a\nb"}}, "plan.stamp.quote.hint"},
		"open quote":                {config.Build{Ldflags: []string{"-X 'main.a=b"}}, "plan.ldflags.quote.hint"},
		"not a flag":                {config.Build{Ldflags: []string{"main.a=b"}}, "plan.ldflags.flag.hint"},
		"flag without its value":    {config.Build{Ldflags: []string{"-X"}}, "plan.ldflags.value.hint"},
		"flag of the go command":    {config.Build{Ldflags: []string{"-buildmode=pie"}}, "plan.ldflags.own.hint"},
		"strip flags against debug": {config.Build{Debug: "on", Ldflags: []string{"-s"}}, "plan.strip.debug.hint"},
		"debug without strip":       {config.Build{Debug: "on", Strip: "off"}, "plan.debug.unstripped.hint"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Make(orders(), config.Config{Build: x.b})
			wantFault(t, err, "plan.wrong", x.hint)
		})
	}
	f := orders()
	f.Source = facts.Source{Kind: "dir"}
	_, err := Make(f, config.Config{Build: config.Build{Stamp: map[string]string{"main.c": "{commit}"}}})
	wantFault(t, err, "plan.wrong", "plan.stamp.unknown.hint")
}

func TestModAndWorkspace(t *testing.T) {
	vendor := &facts.Vendor{Pos: at("vendor/modules.txt", 0)}
	work := &facts.Work{File: "../go.work", Go: facts.Line{Value: "1.26.0", Pos: at("../go.work", 1)}}
	for name, x := range map[string]struct {
		change func(*facts.Facts)
		mod    string
		why    string
		work   string
	}{
		"plain":              {func(*facts.Facts) {}, "readonly", "plan.mod.readonly", "off"},
		"vendor":             {func(f *facts.Facts) { f.Vendor = vendor }, "vendor", "plan.mod.vendor", "off"},
		"vendor, go 1.13":    {func(f *facts.Facts) { f.Vendor = vendor; f.Module.Go.Value = "1.13" }, "readonly", "plan.mod.readonly", "off"},
		"vendor, no go line": {func(f *facts.Facts) { f.Vendor = vendor; f.Module.Go.Value = "" }, "vendor", "plan.mod.vendor", "off"},
		"workspace":          {func(f *facts.Facts) { f.Work = work }, "readonly", "plan.mod.readonly", ""},
		"workspace, vendor":  {func(f *facts.Facts) { f.Work, f.Vendor = work, vendor }, "readonly", "plan.mod.work", ""},
		"GOWORK": {func(f *facts.Facts) {
			f.Work = &facts.Work{File: "/w/go.work", FromEnv: true, Go: work.Go}
		}, "readonly", "plan.mod.readonly", "/w/go.work"},
	} {
		t.Run(name, func(t *testing.T) {
			f := orders()
			x.change(&f)
			p := mustMake(t, f, config.Config{})
			b, d := p.Targets[0].Binaries[0], decision(t, p, "mod", "")
			if flagValue(b, "-mod") != x.mod || d.Why.ID != x.why || b.Env["GOWORK"] != x.work {
				t.Errorf("%v because %s, GOWORK=%q", b.Args, d.Why.ID, b.Env["GOWORK"])
			}
		})
	}
}

func TestFIPS(t *testing.T) {
	for v, want := range map[string][3]string{ // setting: GOFIPS140 in build info, -tags there, base
		"":                {"", "debug", "assembled"},
		"off":             {"", "debug", "assembled"},
		"latest":          {"latest", "debug", "assembled"},
		"certified":       {"", "", "assembled"},
		"v1.0.0":          {"", "debug,fips140v1.0", "assembled"},
		"v1.0.0-c2097c7c": {"v1.0.0-c2097c7c", "debug,fips140v1.0", "assembled"},
	} {
		p := mustMake(t, orders(), config.Config{Build: config.Build{FIPS: v, Tags: []string{"debug"}}})
		b := p.Targets[0].Binaries[0]
		if expected(b, "GOFIPS140") != want[0] || expected(b, "-tags") != want[1] || string(p.Targets[0].Image.Base.Kind) != want[2] {
			t.Errorf("%q: expects %v on %s", v, b.Expect, p.Targets[0].Image.Base.Kind)
		}
		if env := b.Env["GOFIPS140"]; env != v && (v != "" || env != "off") {
			t.Errorf("%q: GOFIPS140=%s", v, env)
		}
	}
	for name, x := range map[string]struct {
		f         facts.Facts
		c         config.Config
		msg, hint string
	}{
		"typo":        {orders(), config.Config{Build: config.Build{FIPS: "latset"}}, "plan.wrong", "plan.nearest"},
		"old release": {toolchainFacts("1.22", "", "", "", "", ""), config.Config{Go: "1.23.4", Build: config.Build{FIPS: "latest"}}, "plan.fips.old", "plan.fips.old.hint"},
		"purego":      {orders(), config.Config{Build: config.Build{FIPS: "latest", Tags: []string{"purego"}}}, "plan.wrong", "plan.fips.purego.hint"},
		"platform":    {forTarget(orders(), "windows/386"), config.Config{Targets: []string{"windows/386"}, Build: config.Build{FIPS: "latest"}}, "plan.fips.target", "plan.fips.target.hint"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Make(x.f, x.c)
			wantFault(t, err, x.msg, x.hint)
		})
	}
}

func expected(b Binary, key string) string {
	for _, e := range b.Expect {
		if e.Key == key {
			return e.Value
		}
	}
	return ""
}

func TestBuildEnv(t *testing.T) {
	f := withCompilers(sqlite(orders()), gcc, crossGCC)
	p := mustMake(t, f, config.Config{Build: config.Build{Env: map[string]string{"GOAMD64": "v3", "CGO_CFLAGS": "-O3", "PKG_CONFIG_PATH": "/opt/lib/pkgconfig", "GOEXPERIMENT": "jsonv2"}}})
	amd, arm := p.Targets[0].Binaries[0].Env, p.Targets[1].Binaries[0].Env
	for k, v := range map[string]string{
		"GOAMD64": "v3", "CGO_CFLAGS": "-O3", "CGO_CXXFLAGS": "-O2 -g", "CC": "gcc", "CXX": "g++", "PKG_CONFIG_PATH": "/opt/lib/pkgconfig",
		"GOEXPERIMENT": "jsonv2", "GOFLAGS": "", "GODEBUG": "", "GO111MODULE": "on", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1700000000",
	} {
		if got, ok := amd[k]; !ok || got != v {
			t.Errorf("%s=%q, want %q", k, got, v)
		}
	}
	if p.Targets[0].Platform.String() != "linux/amd64/v3" || arm["CC"] != "aarch64-linux-gnu-gcc" || arm["GOARM64"] != "v8.0" || arm["GOAMD64"] != "" {
		t.Errorf("%s, %v", p.Targets[0].Platform, arm)
	}
	for k, hint := range map[string]string{
		"GOOS": "plan.env.instead.hint", "CC": "plan.env.instead.hint", "GOFLAGS": "plan.env.instead.hint",
		"PATH": "plan.env.owned.hint", "GODEBUG": "plan.env.owned.hint", "GOARM46": "plan.nearest", "GOZZZZZZZ": "plan.env.unknown.hint",
	} {
		_, err := Make(orders(), config.Config{Build: config.Build{Env: map[string]string{k: "x"}}})
		msg := "plan.env.owned"
		if strings.HasPrefix(k, "GOARM46") || strings.HasPrefix(k, "GOZ") {
			msg = "plan.env.unknown"
		}
		wantFault(t, err, msg, hint)
	}
	b := mustMake(t, orders(), config.Config{Build: config.Build{Gcflags: []string{"-N -l", "all=-spectre=all"}}}).Targets[0].Binaries[0]
	if !slices.Contains(b.Args, "-gcflags=github.com/acme/orders/v2/...=-N -l") || b.Args[len(b.Args)-1] != "-gcflags=all=-spectre=all" {
		t.Errorf("%q", b.Args)
	}
}
