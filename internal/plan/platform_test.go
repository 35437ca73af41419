package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

func TestTargets(t *testing.T) {
	for name, x := range map[string]struct {
		targets []string
		env     map[string]string
		want    string
		variant string // variable and value in the recipe of the first
	}{
		"default":              {nil, nil, "linux/amd64, linux/arm64", "GOAMD64=v1"},
		"v1 is the default":    {[]string{"linux/amd64/v1"}, nil, "linux/amd64", "GOAMD64=v1"},
		"amd64 v3":             {[]string{"linux/amd64/v3"}, nil, "linux/amd64/v3", "GOAMD64=v3"},
		"amd64 v3 by variable": {[]string{"linux/amd64"}, map[string]string{"GOAMD64": "v3"}, "linux/amd64/v3", "GOAMD64=v3"},
		"v8 is the default":    {[]string{"linux/arm64/v8"}, nil, "linux/arm64", "GOARM64=v8.0"},
		"arm64 v9":             {[]string{"linux/arm64/v9"}, nil, "linux/arm64/v9.0", "GOARM64=v9.0"},
		"arm64 with options":   {[]string{"linux/arm64"}, map[string]string{"GOARM64": "v8.2,lse"}, "linux/arm64/v8.2", "GOARM64=v8.2,lse"},
		"arm is v7":            {[]string{"linux/arm"}, nil, "linux/arm/v7", "GOARM=7"},
		"arm v6":               {[]string{"linux/arm/v6"}, nil, "linux/arm/v6", "GOARM=6"},
		"arm soft float":       {[]string{"linux/arm"}, map[string]string{"GOARM": "5,softfloat"}, "linux/arm/v5", "GOARM=5,softfloat"},
		"same twice":           {[]string{"linux/arm64", "linux/arm64/v8", "linux/arm64/v8.0"}, nil, "linux/arm64", "GOARM64=v8.0"},
		"no variants":          {[]string{"linux/riscv64"}, map[string]string{"GORISCV64": "rva22u64"}, "linux/riscv64", "GORISCV64=rva22u64"},
		"not linux":            {[]string{"windows/amd64", "darwin/arm64", "wasip1/wasm"}, nil, "windows/amd64, darwin/arm64, wasip1/wasm", "GOAMD64=v1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := orders()
			for _, s := range x.targets {
				parts := strings.SplitN(s, "/", 3)
				f = forTarget(f, parts[0]+"/"+parts[1])
			}
			p := mustMake(t, f, config.Config{Targets: x.targets, Build: config.Build{Env: x.env}})
			if d := decision(t, p, "targets", ""); d.Choice != x.want {
				t.Errorf("%s, want %s", d.Choice, x.want)
			}
			k, v, _ := strings.Cut(x.variant, "=")
			if got := p.Targets[0].Binaries[0].Env[k]; got != v {
				t.Errorf("%s=%s, want %s", k, got, v)
			}
			for _, target := range p.Targets {
				b := target.Binaries[0]
				if (target.Image != nil) != (target.Platform.OS == "linux") {
					t.Errorf("%s: image %v", target.Platform, target.Image)
				}
				if want := map[string]string{"windows": "orders.exe", "wasip1": "orders.wasm"}[target.Platform.OS]; want != "" && b.Name != want {
					t.Errorf("%s: the program is called %s", target.Platform, b.Name)
				}
				if (b.Linkage == Native) != (target.Platform.OS != "linux") {
					t.Errorf("%s: linkage %s", target.Platform, b.Linkage)
				}
			}
		})
	}
	for s, want := range map[string][2]string{ // error, and the suggestion in the hint
		"linux/amd":       {"plan.targets.unknown", "linux/amd64"},
		"linux/x86_64":    {"plan.targets.unknown", "linux/amd64"},
		"macos/aarch64":   {"plan.targets.unknown", "darwin/arm64"},
		"linux":           {"plan.targets.unknown", "linux/amd64"},
		"linux/armv7":     {"plan.targets.unknown", "linux/arm/v7"},
		"wasi/wasm":       {"plan.targets.unknown", "wasip1/wasm"},
		"Linux/AMD64":     {"plan.targets.unknown", "linux/amd64"},
		"":                {"plan.targets.unknown", ""},
		"a/b/c/d":         {"plan.targets.unknown", ""},
		"linux/amd64/v9":  {"plan.targets.variant", "v1, v2, v3, v4"},
		"linux/arm/v8":    {"plan.targets.variant", "v7, v6, v5"},
		"linux/386/sse2":  {"plan.targets.novariant", "GO386"},
		"linux/s390x/z13": {"plan.targets.novariant", ""},
	} {
		_, err := Targets(orders(), config.Config{Targets: []string{s}})
		hint := "plan.nearest"
		switch {
		case want[0] == "plan.targets.variant":
			hint = "plan.oneof"
		case want[1] == "GO386":
			hint = "plan.targets.novariant.env.hint"
		case want[0] == "plan.targets.novariant":
			hint = "plan.targets.novariant.hint"
		case want[1] == "":
			hint = "plan.targets.list.hint"
		}
		if e := wantFault(t, err, want[0], hint); want[1] != "" && e.Hint.Args[0] != want[1] {
			t.Errorf("%s: suggests %q, want %q", s, e.Hint.Args, want[1])
		}
	}
	_, err := Targets(orders(), config.Config{Targets: []string{"linux/amd64/v2"}, Build: config.Build{Env: map[string]string{"GOAMD64": "v3"}}})
	wantFault(t, err, "plan.targets.conflict", "plan.targets.conflict.hint")
	_, err = Targets(orders(), config.Config{Targets: []string{"linux/arm"}, Build: config.Build{Env: map[string]string{"GOARM": "8"}}})
	if e := wantFault(t, err, "plan.wrong", "plan.oneof"); e.Hint.Args[0] != "7, 6, 5" {
		t.Errorf("GOARM may be %s", e.Hint.Args)
	}
	if got := Wanted(config.Config{}); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("wanted %v", got)
	}
}

func TestProgramNames(t *testing.T) {
	for pkg, want := range map[string]string{
		"github.com/nats-io/nats-server/v2":         "nats-server",
		"github.com/caddyserver/caddy/v2/cmd/caddy": "caddy",
		"github.com/prometheus/prometheus":          "prometheus",
		"gopkg.in/tool.v3":                          "tool",
		"example.com":                               "example.com",
		"orders":                                    "orders",
		"example.com/v1":                            "v1", // not a major version: that begins with v2
	} {
		if got := programName(pkg); got != want {
			t.Errorf("%s is called %s, want %s", pkg, got, want)
		}
	}
	several := func(pkgs ...string) facts.Facts {
		f := orders()
		one := f.Programs[0]
		f.Programs = nil
		for _, p := range pkgs {
			one.Package = p
			f.Programs = append(f.Programs, one)
		}
		return f
	}
	amd64 := []string{"linux/amd64"}
	_, err := Make(several("a.com/x/cmd/api", "a.com/y/cmd/API"), config.Config{Targets: amd64})
	wantFault(t, err, "plan.programs.clash", "plan.programs.clash.hint")
	_, err = Make(several("a.com/x/cmd/api", "a.com/x/cmd/worker"), config.Config{Targets: amd64})
	if e := wantFault(t, err, "plan.entrypoint.several", "plan.entrypoint.several.hint"); !strings.Contains(e.Error(), "api, worker") {
		t.Errorf("says %s", e)
	}
	p := mustMake(t, several("a.com/x/cmd/api", "a.com/x/cmd/worker"), config.Config{Targets: amd64, Name: "shop", Image: config.Image{Entrypoint: []string{"worker", "-v"}}})
	img := p.Targets[0].Image
	if img.Name != "shop" || !slices.Equal(img.Entrypoint, []string{"/usr/local/bin/worker", "-v"}) || p.Targets[0].Binaries[0].Name != "api" {
		t.Errorf("%+v", img)
	}
	p = mustMake(t, several("a.com/x/v2"), config.Config{Targets: amd64, Name: "shop"})
	if b := p.Targets[0].Binaries[0]; b.Name != "shop" {
		t.Errorf("the only program is called %s", b.Name)
	}
}
