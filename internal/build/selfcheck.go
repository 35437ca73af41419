package build

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// SelfCheck holds the finished program at path against the plan that made it.
// The findings are sorted; the program must not be shipped when one of them is
// at least finding.CannotStart. The error says that the file could not be read.
func SelfCheck(p plan.Plan, t plan.Target, b plan.Binary, path string) ([]finding.Finding, binary.File, error) {
	if t.Platform.OS == "plan9" || t.Platform.OS == "aix" {
		return nil, binary.File{Path: path}, nil // formats package binary does not read
	}
	f, err := binary.Open(path)
	if err != nil {
		return nil, binary.File{}, err
	}
	return Judge(p, t, b, f), *f, nil
}

// Judge holds an opened program against the plan that made it. The findings
// are sorted.
func Judge(p plan.Plan, t plan.Target, b plan.Binary, f *binary.File) []finding.Finding {
	c := &selfCheck{plan: p, target: t, binary: b, file: f}
	// Of a program for another platform, nothing else is worth saying.
	if c.platform(); len(c.found) == 0 {
		c.linkage()
		c.goFacts()
		c.strip()
		c.base()
	}
	finding.Sort(c.found)
	return c.found
}

type selfCheck struct {
	plan   plan.Plan
	target plan.Target
	binary plan.Binary
	file   *binary.File
	found  []finding.Finding
}

func (c *selfCheck) report(r BinaryRule, m i18n.Message) {
	c.found = append(c.found, r.On(c.target.Platform.String()+"/"+c.binary.Name, m))
}

// platform goes by the file's own headers. Only a static program for Linux does
// not say its system there; what the go command wrote stands in for it.
func (c *selfCheck) platform() {
	want := c.target.Platform
	if f := c.file; f.Format != formatOf(want.OS) || f.OS != "" && osFamily(f.OS) != osFamily(want.OS) || f.Arch != "" && f.Arch != want.Arch {
		c.report(RulePlatform, i18n.M("selfcheck.platform", strings.Join(strings.Fields(string(f.Format)+" "+f.OS+" "+f.Arch), " "), want))
	}
}

func formatOf(goos string) binary.Format {
	switch goos {
	case "windows":
		return binary.PE
	case "darwin", "ios":
		return binary.MachO
	case "js", "wasip1":
		return binary.Wasm
	}
	return binary.ELF
}

// osFamily maps systems whose programs have the same headers to one of them.
func osFamily(goos string) string {
	switch goos {
	case "illumos":
		return "solaris"
	case "android":
		return "linux"
	case "ios":
		return "darwin"
	}
	return goos
}

func (c *selfCheck) linkage() {
	f := c.file
	switch c.binary.Linkage {
	case plan.Static:
		if f.Interp != "" {
			c.report(RuleInterpreter, i18n.M("selfcheck.interpreter", f.Interp))
		}
		if len(f.Needed) > 0 {
			c.report(RuleLibraries, i18n.M("selfcheck.libraries", strings.Join(f.Needed, ", ")))
		}
	case plan.Dynamic:
		switch {
		case f.Interp == "" && len(f.Needed) > 0:
			c.report(RuleNoInterpreter, i18n.M("selfcheck.nointerpreter", strings.Join(f.Needed, ", ")))
		case f.Interp == "":
			c.report(RuleStaticAfterAll, i18n.M("selfcheck.static"))
		}
	}
	if img := c.target.Image; img != nil && img.Base.GlibcMax != "" && f.GlibcNeeded != "" {
		if limit := strings.TrimPrefix(img.Base.GlibcMax, "GLIBC_"); binary.CompareVersions(f.GlibcNeeded, limit) > 0 {
			c.report(RuleGlibc, i18n.M("selfcheck.glibc", f.GlibcNeeded, f.GlibcSymbol, limit))
		}
	}
}

// goFacts compares what the go command wrote into the program.
func (c *selfCheck) goFacts() {
	if c.file.Format == binary.Wasm {
		return // debug/buildinfo does not read it
	}
	bi := c.file.Go
	if bi == nil {
		c.report(RuleNoBuildInfo, i18n.M("selfcheck.buildinfo"))
		return
	}
	// The version may be followed by experiments: go1.26.8 X:boringcrypto.
	if version, _, _ := strings.Cut(bi.GoVersion, " "); c.plan.Toolchain != "" && version != c.plan.Toolchain {
		c.report(RuleToolchain, i18n.M("selfcheck.toolchain", version, c.plan.Toolchain))
	}
	if bi.Path != c.binary.Package {
		c.report(RulePackage, i18n.M("selfcheck.package", bi.Path, c.binary.Package))
	}
	for _, e := range c.binary.Expect {
		got, stated := c.file.Setting(e.Key)
		if e.Key == "-ldflags" && !stated && slices.Contains(c.binary.Args, "-trimpath") {
			continue // the go command leaves it out then: it may hold paths
		}
		if got != e.Value {
			c.report(RuleSetting, i18n.M("selfcheck.setting", e.Key, quoteEmpty(got), quoteEmpty(e.Value)))
		}
	}
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

func (c *selfCheck) strip() {
	if !c.binary.Strip {
		return
	}
	// Asked to keep the DWARF, the build parts it from ELF files only.
	if c.binary.Debug && c.file.Format != binary.ELF {
		return
	}
	switch {
	case c.file.DWARF:
		c.report(RuleStrip, i18n.M("selfcheck.strip", "DWARF"))
	case c.file.Symbols:
		c.report(RuleStrip, i18n.M("selfcheck.strip", "symtab"))
	}
}

// surrounding is something a base may have, with the functions of which at
// least one is linked into a program that uses it.
type surrounding struct {
	kind     facts.NeedKind
	embedded facts.NeedKind // the need that says the program brings its own
	symbols  []string
	own      string // linked into a program that brings its own
	offered  func(plan.Base) bool
	missing  judgement
	unneeded judgement // zero: costs nothing
}

type judgement struct {
	rule BinaryRule
	says i18n.Message
}

var surroundings = []surrounding{
	{
		facts.NeedRoots, facts.NeedRootsIn,
		[]string{"crypto/x509.loadSystemRoots", "crypto/x509.(*Certificate).Verify"}, "crypto/x509.SetFallbackRoots",
		func(b plan.Base) bool { return b.Roots || b.CABundle != "" },
		judgement{RuleNoRoots, i18n.M("selfcheck.roots")}, judgement{RuleRootsUnneeded, i18n.M("selfcheck.roots.unneeded")},
	},
	{
		facts.NeedZones, facts.NeedZonesIn,
		[]string{"time.LoadLocation"}, "time/tzdata.loadFromEmbeddedTZData",
		func(b plan.Base) bool { return b.Zones },
		judgement{RuleNoZones, i18n.M("selfcheck.zones")}, judgement{RuleZonesUnneeded, i18n.M("selfcheck.zones.unneeded")},
	},
	{
		facts.NeedTemp, "",
		[]string{"os.CreateTemp", "os.MkdirTemp"}, "",
		func(b plan.Base) bool { return b.Temp },
		judgement{RuleNoTemp, i18n.M("selfcheck.temp")}, judgement{},
	},
	{
		facts.NeedUser, "",
		[]string{"os/user.Current", "os/user.Lookup"}, "",
		func(b plan.Base) bool { return b.Users },
		judgement{RuleNoUsers, i18n.M("selfcheck.users")}, judgement{},
	},
}

// base holds the surroundings that were planned against the functions that
// were linked: the linker knows better than any reading of source what can be
// reached. That a function is linked does not say that it is called, so
// something missing is certain only if the facts found the need as well.
func (c *selfCheck) base() {
	img := c.target.Image
	if img == nil || img.Base.Kind == plan.Reference {
		return
	}
	for _, s := range surroundings {
		linked := c.file.Linked(append([]string{s.own}, s.symbols...)...)
		if linked == nil {
			return
		}
		uses := slices.ContainsFunc(s.symbols, func(sym string) bool { return linked[sym] })
		needed := slices.Contains(c.binary.Needs, s.kind)
		own := linked[s.own] || s.embedded != "" && slices.Contains(c.binary.Needs, s.embedded)
		switch offered := s.offered(img.Base); {
		case uses && !offered && !own:
			r := s.missing.rule
			r.Advisory = !needed
			c.report(r, s.missing.says)
		case !uses && offered && needed && c.alone() && !s.unneeded.says.IsZero():
			c.report(s.unneeded.rule, s.unneeded.says)
		}
	}
}

// alone reports whether nothing but the Go code of this program can use what
// the base offers.
func (c *selfCheck) alone() bool {
	return len(c.target.Binaries) == 1 && c.binary.Env["CGO_ENABLED"] != "1"
}

// Wants says what a program can take from the system it runs on: roots, zones,
// a directory for temporary files, users. What it brings with it is left out.
// A need is certain when the plan found it as well; b may be nil. The result is
// nil when the file does not tell.
func Wants(f *binary.File, b *plan.Binary) map[facts.NeedKind]bool {
	out := map[facts.NeedKind]bool{}
	for _, s := range surroundings {
		linked := f.Linked(append([]string{s.own}, s.symbols...)...)
		if linked == nil {
			return nil
		}
		uses := slices.ContainsFunc(s.symbols, func(sym string) bool { return linked[sym] })
		if own := linked[s.own] || b != nil && s.embedded != "" && slices.Contains(b.Needs, s.embedded); uses && !own {
			out[s.kind] = b != nil && slices.Contains(b.Needs, s.kind)
		}
	}
	return out
}
