package plan

import (
	"cmp"
	"go/version"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// cgoDefaults are the flags the go command gives a C compiler when nothing is
// said. They are stated, so that a user's environment cannot change them.
var cgoDefaults = map[string]string{
	"CGO_CFLAGS": "-O2 -g", "CGO_CXXFLAGS": "-O2 -g", "CGO_FFLAGS": "-O2 -g", "CGO_LDFLAGS": "-O2 -g",
	"CGO_CPPFLAGS": "", "PKG_CONFIG": "pkg-config",
}

// Recipe gives every variable of the go command that can change the bytes
// that are built for p. The package graph must be read with the same.
func Recipe(f facts.Facts, c config.Config, p Platform, toolchain string, cgo bool) map[string]string {
	env := map[string]string{
		"GOOS": p.OS, "GOARCH": p.Arch, "CGO_ENABLED": binaryDigit(cgo),
		"GOTOOLCHAIN": toolchain, "GOFLAGS": "", "GO111MODULE": "on", "GODEBUG": "",
		"GOEXPERIMENT": c.Build.Env["GOEXPERIMENT"], "GOFIPS140": cmp.Or(c.Build.FIPS, "off"),
		"GOWORK": goWork(f), "LC_ALL": "C",
	}
	if v, ok := archVars[p.Arch]; ok {
		env[v[0]] = cmp.Or(c.Build.Env[v[0]], v[1])
		if p.Variant != "" && goVariant(p.Arch, c.Build.Env[v[0]]) != p.Variant {
			env[v[0]] = p.Variant
			if p.Arch == "arm" {
				env[v[0]] = strings.TrimPrefix(p.Variant, "v")
			}
		}
	} else if p.Arch == "wasm" {
		env["GOWASM"] = c.Build.Env["GOWASM"]
	}
	if !cgo {
		return env
	}
	maps.Copy(env, cgoDefaults)
	if k, ok := compilerFor(f, c, p); ok {
		env["CC"] = k.CC
		if k.CXX != "" {
			env["CXX"] = k.CXX
		}
	}
	// gcc and clang take __DATE__ and __TIME__ from it.
	env["SOURCE_DATE_EPOCH"] = strconv.FormatInt(f.Source.Time, 10)
	for k, v := range c.Build.Env {
		if !strings.HasPrefix(k, "GO") {
			env[k] = v
		}
	}
	return env
}

// goWork keeps a go.work in a directory above, which is no part of the
// source, out of the build. An empty value lets the go command find the one
// that is.
func goWork(f facts.Facts) string {
	switch {
	case f.Work == nil:
		return "off"
	case f.Work.FromEnv && strings.HasPrefix(f.Work.File, "/"):
		return f.Work.File
	}
	return ""
}

// checkEnv refuses variables that the plan sets itself, those that say where
// things are on this machine, and misspelt ones of the go command.
func checkEnv(env map[string]string) *fault.Error {
	instead := map[string]string{
		"GOOS": "targets", "GOARCH": "targets", "CGO_ENABLED": "build.cgo", "GOTOOLCHAIN": "go",
		"GOFIPS140": "build.fips", "CC": "build.cc", "CXX": "build.cc", "SOURCE_DATE_EPOCH": "version",
		"GOFLAGS": "build.tags, build.ldflags, build.gcflags",
	}
	known := []string{"GOEXPERIMENT", "GOWASM", "GO_EXTLINK_ENABLED", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS"}
	for _, v := range archVars {
		known = append(known, v[0])
	}
	slices.Sort(known)
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if key, ok := instead[k]; ok {
			return fault.UsageError(i18n.M("plan.env.owned", k), i18n.M("plan.env.instead.hint", key))
		}
		switch {
		case slices.Contains([]string{"PATH", "HOME", "USER", "TMPDIR", "TEMP", "TMP", "GODEBUG", "GO111MODULE", "GOWORK", "GOENV", "LC_ALL"}, k):
			return fault.UsageError(i18n.M("plan.env.owned", k), i18n.M("plan.env.owned.hint"))
		case !strings.HasPrefix(k, "GO") && !strings.HasPrefix(k, "CGO_"):
		case strings.HasSuffix(k, "_ALLOW") || strings.HasSuffix(k, "_DISALLOW"):
		case !slices.Contains(known, k):
			hint := i18n.M("plan.env.unknown.hint", strings.Join(slices.Compact(known), ", "))
			if near := config.Nearest(k, known); near != "" {
				hint = i18n.M("plan.nearest", near)
			}
			return fault.UsageError(i18n.M("plan.env.unknown", k), hint)
		}
	}
	return nil
}

// buildFlags are the flags of go build that do not depend on the target.
type buildFlags struct {
	mod     string
	novcs   bool // -buildvcs=false is understood
	gcflags []string
}

// decideFlags settles the flags around tags and linker flags.
func decideFlags(f facts.Facts, c config.Config, toolchain string) (buildFlags, []Decision, error) {
	if err := checkEnv(c.Build.Env); err != nil {
		return buildFlags{}, nil, err
	}
	b := buildFlags{mod: "readonly", novcs: !version.IsValid(toolchain) || version.Compare(toolchain, "go1.18") >= 0}
	trim := Decision{ID: "trimpath", Choice: "-trimpath", Why: i18n.M("plan.trimpath")}
	mod := Decision{ID: "mod", Why: i18n.M("plan.mod.readonly")}
	line := goLine(f)
	vendoring := line.Value == "" || version.Compare(line.Value, "go1.14") >= 0
	switch {
	case f.Vendor != nil && f.Work != nil:
		mod.Why = i18n.M("plan.mod.work")
		mod.Facts = []Fact{{f.Vendor.Pos, i18n.M("plan.fact.vendor")}, said(i18n.M("plan.fact.work", f.Work.File))}
		mod.Rejected = []Alternative{{"-mod=vendor", i18n.M("plan.mod.no.work")}}
	case f.Vendor != nil && vendoring:
		b.mod, mod.Why = "vendor", i18n.M("plan.mod.vendor")
		mod.Facts = []Fact{{f.Vendor.Pos, i18n.M("plan.fact.vendor")}}
		mod.Rejected = []Alternative{{"-mod=readonly", i18n.M("plan.mod.no.readonly")}}
	case f.Vendor != nil:
		mod.Facts = []Fact{{f.Vendor.Pos, i18n.M("plan.fact.vendor")}, {line.Pos, i18n.M("plan.fact.goline", strings.TrimPrefix(line.Value, "go"))}}
		mod.Rejected = []Alternative{{"-mod=vendor", i18n.M("plan.mod.no.old")}}
	}
	mod.Choice = "-mod=" + b.mod
	if b.mod == "readonly" {
		mod.Rejected = append(mod.Rejected, Alternative{"-mod=mod", i18n.M("plan.mod.no.mod")})
	}
	ds := []Decision{trim, mod}
	var own []string
	for _, item := range c.Build.Gcflags {
		words, ok := splitQuoted(item)
		switch {
		case !ok || len(words) == 0:
			return b, nil, wrong("build.gcflags", item, i18n.M("plan.ldflags.quote.hint"))
		case item[0] == '-':
			own = append(own, words...)
		case strings.Contains(words[0], "=-"): // pattern=flags
			b.gcflags = append(b.gcflags, item)
		default:
			return b, nil, wrong("build.gcflags", item, i18n.M("plan.ldflags.flag.hint"))
		}
	}
	if own != nil {
		s, ok := joinQuoted(own)
		if !ok {
			return b, nil, wrong("build.gcflags", strings.Join(own, " "), i18n.M("plan.ldflags.quote.hint"))
		}
		b.gcflags = append([]string{f.Module.Path + "/...=" + s}, b.gcflags...)
	}
	if b.gcflags != nil {
		ds = append(ds, Decision{
			ID: "gcflags", Choice: strings.Join(b.gcflags, ", "), Why: i18n.M("plan.gcflags"),
			Facts: []Fact{asked("build.gcflags", strings.Join(c.Build.Gcflags, " "))},
		})
	}
	return b, ds, nil
}

// arguments puts the flags of go build into a fixed order.
func arguments(b buildFlags, tags, ldflags []string) []string {
	args := []string{"-trimpath"}
	if b.novcs {
		args = append(args, "-buildvcs=false")
	}
	args = append(args, "-mod="+b.mod)
	if len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	if s, _ := joinQuoted(ldflags); s != "" {
		args = append(args, "-ldflags="+s)
	}
	for _, g := range b.gcflags {
		args = append(args, "-gcflags="+g)
	}
	return args
}

// expectations are the settings that must stand in the build info of b, as
// the go command records them, sorted by key. -ldflags is not among them:
// with -trimpath it is left out.
func expectations(b Binary, tags []string, fips, toolchain string) []Expectation {
	es := []Expectation{
		{"-buildmode", "exe"}, {"-trimpath", "true"},
		{"CGO_ENABLED", b.Env["CGO_ENABLED"]}, {"GOOS", b.Env["GOOS"]}, {"GOARCH", b.Env["GOARCH"]},
	}
	if tag, known := fipsTag(fips); known {
		if tag != "" {
			tags = append(slices.Clone(tags), tag)
		}
		if len(tags) > 0 {
			es = append(es, Expectation{"-tags", strings.Join(tags, ",")})
		}
	}
	if v := fipsRecorded(fips); v != "" {
		es = append(es, Expectation{"GOFIPS140", v})
	}
	since := "go1.18"
	if a := b.Env["GOARCH"]; a == "arm64" || a == "riscv64" {
		since = "go1.23" // the release that brought GOARM64 and GORISCV64
	}
	if v, ok := archVars[b.Env["GOARCH"]]; ok && (!version.IsValid(toolchain) || version.Compare(toolchain, since) >= 0) {
		es = append(es, Expectation{v[0], b.Env[v[0]]})
	}
	slices.SortFunc(es, func(a, b Expectation) int { return cmp.Compare(a.Key, b.Key) })
	return es
}
