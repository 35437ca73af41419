package build

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

const checkedSource = `package main

import "time"

func main() {
	_, err := time.LoadLocation("Asia/Shanghai")
	println(err == nil)
}
`

// programs builds checkedSource once for each environment and arguments.
type programs struct {
	dir   string
	paths map[string]string
}

func newPrograms(t *testing.T) *programs {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"main.go": checkedSource, "go.mod": "module example.com/zone\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &programs{dir, map[string]string{}}
}

func (ps *programs) build(t *testing.T, env, args string) string {
	t.Helper()
	key := env + " " + args
	if p := ps.paths[key]; p != "" {
		return p
	}
	out := filepath.Join(ps.dir, fmt.Sprintf("zone%d", len(ps.paths)))
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-trimpath", "-o", out}, strings.Fields(args)...), ".")...)
	cmd.Dir = ps.dir
	cmd.Env = append(append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"), strings.Fields(env)...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, b)
	}
	ps.paths[key] = out
	return out
}

// checkedPlan is a plan that the program built with -ldflags=-s keeps.
func checkedPlan() (plan.Plan, plan.Target, plan.Binary) {
	b := plan.Binary{
		Package: "example.com/zone", Name: "zone", Linkage: plan.Static, Strip: true,
		Args:  []string{"-trimpath"},
		Env:   map[string]string{"CGO_ENABLED": "0"},
		Needs: []facts.NeedKind{facts.NeedZones},
		Expect: []plan.Expectation{
			{Key: "GOARCH", Value: "amd64"}, {Key: "CGO_ENABLED", Value: "0"}, {Key: "-tags", Value: ""},
			{Key: "-ldflags", Value: "-s"}, // left out by the go command, because of -trimpath
		},
	}
	t := plan.Target{
		Platform: plan.Platform{OS: "linux", Arch: "amd64"},
		Binaries: []plan.Binary{b},
		Image:    &plan.Image{Base: plan.Base{Kind: plan.Assembled, Zones: true}},
	}
	return plan.Plan{Toolchain: runtime.Version()}, t, b
}

func TestSelfCheck(t *testing.T) {
	type edit = func(p *plan.Plan, t *plan.Target, b *plan.Binary)
	const strip = "-ldflags=-s"
	ps := newPrograms(t)
	for name, c := range map[string]struct {
		args string
		edit edit
		want []string // IDs, with "?" for an advisory
		says string   // in the first message
	}{
		"good":         {args: strip},
		"pie":          {args: strip + " -buildmode=pie", want: []string{"BIN002"}, says: "/lib64/ld-linux-x86-64.so.2"},
		"other arch":   {args: strip, edit: func(_ *plan.Plan, t *plan.Target, _ *plan.Binary) { t.Platform.Arch = "arm64" }, want: []string{"BIN001"}, says: "elf linux amd64"},
		"other OS":     {args: strip, edit: func(_ *plan.Plan, t *plan.Target, _ *plan.Binary) { t.Platform.OS = "freebsd" }, want: []string{"BIN001"}, says: "freebsd/amd64"},
		"other format": {args: strip, edit: func(_ *plan.Plan, t *plan.Target, _ *plan.Binary) { t.Platform.OS = "windows" }, want: []string{"BIN001"}, says: "windows/amd64"},
		"static after all": {args: strip, edit: func(_ *plan.Plan, _ *plan.Target, b *plan.Binary) {
			b.Linkage = plan.Dynamic
		}, want: []string{"BIN005?"}},
		"toolchain":       {args: strip, edit: func(p *plan.Plan, _ *plan.Target, _ *plan.Binary) { p.Toolchain = "go1.20.1" }, want: []string{"BIN008"}, says: "go1.20.1"},
		"package":         {args: strip, edit: func(_ *plan.Plan, _ *plan.Target, b *plan.Binary) { b.Package = "example.com/other" }, want: []string{"BIN009"}, says: "example.com/zone"},
		"setting":         {args: strip, edit: func(_ *plan.Plan, _ *plan.Target, b *plan.Binary) { b.Expect[1].Value = "1" }, want: []string{"BIN010"}, says: "CGO_ENABLED = 0"},
		"absent":          {args: strip, edit: func(_ *plan.Plan, _ *plan.Target, b *plan.Binary) { b.Expect[2].Value = "netgo" }, want: []string{"BIN010"}, says: `-tags = ""`},
		"must be not":     {args: strip, edit: func(_ *plan.Plan, _ *plan.Target, b *plan.Binary) { b.Expect[0].Value = "" }, want: []string{"BIN010"}, says: "GOARCH = amd64"},
		"not stripped":    {want: []string{"BIN011"}, says: "DWARF"},
		"kept on purpose": {edit: func(_ *plan.Plan, _ *plan.Target, b *plan.Binary) { b.Strip = false }},
		"no zones":        {args: strip, edit: func(_ *plan.Plan, t *plan.Target, _ *plan.Binary) { t.Image.Base.Zones = false }, want: []string{"BIN013"}, says: "time.LoadLocation"},
		"no zones, and the facts saw no use": {args: strip, edit: func(_ *plan.Plan, t *plan.Target, b *plan.Binary) {
			t.Image.Base.Zones, b.Needs = false, nil
		}, want: []string{"BIN013?"}},
		"no zones, but embedded": {args: strip + " -tags=timetzdata", edit: func(_ *plan.Plan, t *plan.Target, b *plan.Binary) {
			t.Image.Base.Zones = false
			b.Expect[2].Value = "timetzdata"
		}},
		"roots for nothing": {args: strip, edit: func(_ *plan.Plan, t *plan.Target, b *plan.Binary) {
			t.Image.Base.Roots, b.Needs = true, append(b.Needs, facts.NeedRoots)
		}, want: []string{"BIN016?"}},
		"roots another program may want": {args: strip, edit: func(_ *plan.Plan, t *plan.Target, b *plan.Binary) {
			t.Image.Base.Roots, b.Needs = true, append(b.Needs, facts.NeedRoots)
			t.Binaries = append(t.Binaries, plan.Binary{})
		}},
		"base of somebody else": {args: strip, edit: func(_ *plan.Plan, t *plan.Target, _ *plan.Binary) {
			t.Image.Base = plan.Base{Kind: plan.Reference}
		}},
		"no image": {args: strip, edit: func(_ *plan.Plan, t *plan.Target, _ *plan.Binary) { t.Image = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			p, target, b := checkedPlan()
			if c.edit != nil {
				c.edit(&p, &target, &b)
			}
			path := ps.build(t, "", c.args)
			found, f, err := SelfCheck(p, target, b, path)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, x := range found {
				id := x.ID
				if x.Advisory {
					id += "?"
				}
				ids = append(ids, id)
				if x.Message.In(i18n.English) == x.Message.ID || x.Fix.In(i18n.Chinese) == x.Fix.ID || x.Entity != target.Platform.String()+"/zone" {
					t.Errorf("finding without words or entity: %+v", x)
				}
			}
			if !slices.Equal(ids, c.want) {
				t.Fatalf("found %v, want %v\n%+v", ids, c.want, found)
			}
			if len(found) > 0 && !strings.Contains(found[0].Message.String(), c.says) {
				t.Errorf("%q does not say %q", found[0].Message, c.says)
			}
			if f.Path != path {
				t.Errorf("the file is %q", f.Path)
			}
		})
	}
}

func TestSelfCheckOfDynamicProgram(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		if os.Getenv("SLIPWAY_E2E") == "1" {
			t.Fatal("SLIPWAY_E2E=1, but there is no gcc")
		}
		t.Skip("no gcc")
	}
	dir := t.TempDir()
	src := "package main\n\nimport \"C\"\n\nfunc main() {}\n"
	for name, text := range map[string]string{"main.go": src, "go.mod": "module example.com/zone\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "zone")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s", "-o", path, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=1")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, b)
	}
	p, target, b := checkedPlan()
	target.Platform = plan.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	target.Image.Base = plan.Base{Kind: plan.Closure, GlibcMax: "2.2"}
	b.Linkage, b.Needs, b.Env, b.Expect = plan.Dynamic, nil, map[string]string{"CGO_ENABLED": "1"}, nil
	ids := func() (out []string) {
		t.Helper()
		found, _, err := SelfCheck(p, target, b, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			out = append(out, f.ID)
		}
		return out
	}
	if got := ids(); !slices.Equal(got, []string{"BIN006"}) {
		t.Errorf("found %v, want a glibc that is too new", got)
	}
	target.Image.Base.GlibcMax = "2.99"
	if got := ids(); got != nil {
		t.Errorf("found %v", got)
	}
	b.Linkage = plan.Static
	if got := ids(); !slices.Equal(got, []string{"BIN002", "BIN003"}) {
		t.Errorf("found %v, want an interpreter and libraries", got)
	}
	// Without PT_INTERP nothing would load the libraries.
	b.Linkage = plan.Dynamic
	dropInterp(t, path)
	if got := ids(); !slices.Equal(got, []string{"BIN004"}) {
		t.Errorf("found %v, want a missing interpreter", got)
	}
}

// dropInterp turns PT_INTERP into PT_NULL.
func dropInterp(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	phoff := binary.LittleEndian.Uint64(b[32:])
	for i := range uint64(binary.LittleEndian.Uint16(b[56:])) {
		if ph := b[phoff+i*56:]; elf.ProgType(binary.LittleEndian.Uint32(ph)) == elf.PT_INTERP {
			binary.LittleEndian.PutUint32(ph, uint32(elf.PT_NULL))
		}
	}
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestSelfCheckOfOtherFormats(t *testing.T) {
	ps := newPrograms(t)
	for _, target := range []plan.Platform{{OS: "windows", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"}} {
		p, tg, b := checkedPlan()
		tg.Platform, tg.Image, b.Linkage = target, nil, plan.Native
		b.Expect = []plan.Expectation{{Key: "GOOS", Value: target.OS}}
		found, f, err := SelfCheck(p, tg, b, ps.build(t, "GOOS="+target.OS+" GOARCH="+target.Arch, "-ldflags=-s"))
		if err != nil || len(found) != 0 {
			t.Errorf("%s: %v, %v", target, found, err)
		}
		if f.OS != target.OS || f.Arch != target.Arch {
			t.Errorf("%s: read as %s/%s", target, f.OS, f.Arch)
		}
	}
}

func TestSelfCheckOfNoProgram(t *testing.T) {
	p, target, b := checkedPlan()
	script := filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := SelfCheck(p, target, b, script); fault.ExitCode(err) != fault.Usage {
		t.Errorf("a script: %v", err)
	}
	if _, _, err := SelfCheck(p, target, b, script+"x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Every rule has an ID of its own, in order, and says what to do.
func TestBinaryRules(t *testing.T) {
	last := ""
	for _, r := range BinaryRules() {
		if r.ID <= last {
			t.Errorf("%s follows %s", r.ID, last)
		}
		last = r.ID
		if !r.Severity.AtLeast(finding.Waste) {
			t.Errorf("%s: severity %q", r.ID, r.Severity)
		}
		if en, zh := r.Fix.In(i18n.English), r.Fix.In(i18n.Chinese); en == r.Fix.ID || zh == en {
			t.Errorf("%s: %q, %q", r.ID, en, zh)
		}
	}
}
