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
	c := &selfCheck{plan: p, target: t, binary: b, file: f}
	// Of a program for another platform, nothing else is worth saying.
	if c.platform(); len(c.found) == 0 {
		c.linkage()
		c.goFacts()
		c.strip()
		c.base()
	}
	finding.Sort(c.found)
	return c.found, *f, nil
}

type selfCheck struct {
	plan   plan.Plan
	target plan.Target
	binary plan.Binary
	file   *binary.File
	found  []finding.Finding
}

func (c *selfCheck) report(r BinaryRule, args ...any) {
	c.found = append(c.found, finding.Finding{
		ID:       r.ID,
		Severity: r.Severity,
		Advisory: r.Advisory,
		Entity:   c.target.Platform.String() + "/" + c.binary.Name,
		Message:  r.Message(args...),
		Fix:      r.Fix,
	})
}

// platform compares what the file's own headers say, not what the go command
// wrote into it.
func (c *selfCheck) platform() {
	want := c.target.Platform
	if f := c.file; f.Format != formatOf(want.OS) || f.OS != "" && osFamily(f.OS) != osFamily(want.OS) || f.Arch != "" && f.Arch != want.Arch {
		c.report(RulePlatform, strings.Trim(strings.Join([]string{string(f.Format), f.OS, f.Arch}, " "), " "), want)
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
			c.report(RuleInterpreter, f.Interp)
		}
		if len(f.Needed) > 0 {
			c.report(RuleLibraries, strings.Join(f.Needed, ", "))
		}
	case plan.Dynamic:
		switch {
		case f.Interp == "" && len(f.Needed) > 0:
			c.report(RuleNoInterpreter, strings.Join(f.Needed, ", "))
		case f.Interp == "":
			c.report(RuleStaticAfterAll)
		}
	}
	if img := c.target.Image; img != nil && img.Base.GlibcMax != "" && f.GlibcNeeded != "" {
		if limit := strings.TrimPrefix(img.Base.GlibcMax, "GLIBC_"); binary.CompareVersions(f.GlibcNeeded, limit) > 0 {
			c.report(RuleGlibc, f.GlibcNeeded, f.GlibcSymbol, limit)
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
		c.report(RuleNoBuildInfo)
		return
	}
	// The version may be followed by experiments: go1.26.8 X:boringcrypto.
	if version, _, _ := strings.Cut(bi.GoVersion, " "); c.plan.Toolchain != "" && version != c.plan.Toolchain {
		c.report(RuleToolchain, version, c.plan.Toolchain)
	}
	if bi.Path != c.binary.Package {
		c.report(RulePackage, bi.Path, c.binary.Package)
	}
	for _, e := range c.binary.Expect {
		got, stated := c.file.Setting(e.Key)
		if e.Key == "-ldflags" && !stated && slices.Contains(c.binary.Args, "-trimpath") {
			continue // the go command leaves it out then: it may hold paths
		}
		if got != e.Value {
			c.report(RuleSetting, e.Key, quoteEmpty(got), quoteEmpty(e.Value))
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
		c.report(RuleStrip, "DWARF")
	case c.file.Symbols:
		c.report(RuleStrip, "symtab")
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
	missing  BinaryRule
	unneeded *BinaryRule // nil: costs nothing
}

var surroundings = []surrounding{
	{
		facts.NeedRoots, facts.NeedRootsIn,
		[]string{"crypto/x509.loadSystemRoots", "crypto/x509.(*Certificate).Verify"}, "crypto/x509.SetFallbackRoots",
		func(b plan.Base) bool { return b.Roots || b.CABundle != "" }, RuleNoRoots, &RuleRootsUnneeded,
	},
	{
		facts.NeedZones, facts.NeedZonesIn,
		[]string{"time.LoadLocation"}, "time/tzdata.loadFromEmbeddedTZData",
		func(b plan.Base) bool { return b.Zones }, RuleNoZones, &RuleZonesUnneeded,
	},
	{
		facts.NeedTemp, "",
		[]string{"os.CreateTemp", "os.MkdirTemp"}, "",
		func(b plan.Base) bool { return b.Temp }, RuleNoTemp, nil,
	},
	{
		facts.NeedUser, "",
		[]string{"os/user.Current", "os/user.Lookup"}, "",
		func(b plan.Base) bool { return b.Users }, RuleNoUsers, nil,
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
			r := s.missing
			r.Advisory = !needed
			c.report(r)
		case !uses && offered && needed && c.alone() && s.unneeded != nil:
			c.report(*s.unneeded)
		}
	}
}

// alone reports whether nothing but the Go code of this program can use what
// the base offers.
func (c *selfCheck) alone() bool {
	return len(c.target.Binaries) == 1 && c.binary.Env["CGO_ENABLED"] != "1"
}

// BinaryRule is a judgement about a finished program. The ID is stable for
// ever; verify uses the same rules.
type BinaryRule struct {
	ID       string
	Severity finding.Severity
	Advisory bool
	Message  func(args ...any) i18n.Message
	Fix      i18n.Message
}
