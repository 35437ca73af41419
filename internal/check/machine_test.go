package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestMachine judges settings of a machine, which no repository can hold.
func TestMachine(t *testing.T) {
	file := func(line int, value string) facts.MachineVar {
		return facts.MachineVar{Value: value, Origin: "file", Pos: facts.Pos{File: "/home/u/.config/go/env", Line: line, Column: 1}}
	}
	env := func(value string) facts.MachineVar {
		return facts.MachineVar{Value: value, Origin: "environment", Pos: facts.Pos{File: facts.EnvironmentFile}}
	}
	std := func(value string) facts.MachineVar { return facts.MachineVar{Value: value, Origin: "default"} }
	for _, c := range []struct {
		name string
		vars map[string]facts.MachineVar
		want string
	}{
		{"nothing set", map[string]facts.MachineVar{
			"GOOS": std("linux"), "GOHOSTOS": std("linux"), "GOTOOLCHAIN": std("auto"), "GOVERSION": std("go1.21.0"),
			"GOPRIVATE": std(""), "GONOSUMDB": std("*"), "GOPROXY": std("direct,x"), "GOFLAGS": std(""),
		}, ""},
		{"leftovers", map[string]facts.MachineVar{
			"GOOS": file(1, "plan9"), "GOHOSTOS": std("linux"), "GOARCH": file(2, "amd64"), "GOHOSTARCH": std("amd64"),
			"GOFLAGS": file(3, "-trimpath"), "CGO_ENABLED": env("0"), "GO111MODULE": env("off"),
		}, "ENV010 /home/u/.config/go/env:1:1 stops-build; ENV010 /home/u/.config/go/env:3:1 fails-in-production; ENV014 environment waste"},
		{"checksums and proxies", map[string]facts.MachineVar{
			"GOSUMDB": file(4, "off"), "GOFLAGS": env("-mod=mod"), "GOPROXY": env("direct,https://goproxy.example.com"), "GOINSECURE": env("git.example.com"),
		}, "ENV001 /home/u/.config/go/env:4:1 security; ENV006 environment security; ENV008 environment security; ENV012 environment waste"},
		{"private", map[string]facts.MachineVar{"GOPRIVATE": file(1, "corp.example.com"), "GONOSUMDB": env("x.example.com"), "GONOPROXY": env("none")},
			"ENV009 environment security; ENV013 environment security"},
		{"held back by the environment", map[string]facts.MachineVar{"GOTOOLCHAIN": env("local"), "GOVERSION": std("go1.24.3")}, "GO007 environment stops-build"},
		{"held back by default", map[string]facts.MachineVar{"GOTOOLCHAIN": std("local"), "GOVERSION": std("go1.24.3")}, "GO007 environment stops-build"},
		{"held, but new enough", map[string]facts.MachineVar{"GOTOOLCHAIN": env("local"), "GOVERSION": std("go1.26.0")}, ""},
		{"may go up", map[string]facts.MachineVar{"GOTOOLCHAIN": env("go1.24.0+auto"), "GOVERSION": std("go1.24.3")}, ""},
	} {
		repo := facts.Repo{
			Modules: []facts.RepoModule{{Root: ".", Module: facts.Module{Path: "example.com/app", Go: facts.Line{Value: "1.26", Pos: facts.Pos{File: "go.mod", Line: 3, Column: 1}}}}},
			Machine: &facts.Machine{Vars: c.vars},
		}
		res, err := Run(&repo, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range res.Findings {
			if strings.HasPrefix(f.ID, "ENV") || f.ID == "GO007" {
				got = append(got, fmt.Sprintf("%s %s %s", f.ID, f.Pos, f.Severity))
			}
			if strings.Contains(f.Entity, "/home") {
				t.Errorf("%s: the entity %q names a path of this machine", c.name, f.Entity)
			}
		}
		slices.Sort(got)
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.name, s, c.want)
		}
	}
}
