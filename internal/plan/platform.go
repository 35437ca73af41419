package plan

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// ports are the os/arch pairs of `go tool dist list`. A test holds them
// against the go command that runs it.
var ports = []string{
	"aix/ppc64",
	"android/386", "android/amd64", "android/arm", "android/arm64",
	"darwin/amd64", "darwin/arm64",
	"dragonfly/amd64",
	"freebsd/386", "freebsd/amd64", "freebsd/arm", "freebsd/arm64",
	"illumos/amd64",
	"ios/amd64", "ios/arm64",
	"js/wasm",
	"linux/386", "linux/amd64", "linux/arm", "linux/arm64", "linux/loong64",
	"linux/mips", "linux/mips64", "linux/mips64le", "linux/mipsle",
	"linux/ppc64", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	"netbsd/386", "netbsd/amd64", "netbsd/arm", "netbsd/arm64",
	"openbsd/386", "openbsd/amd64", "openbsd/arm", "openbsd/arm64", "openbsd/ppc64", "openbsd/riscv64",
	"plan9/386", "plan9/amd64", "plan9/arm",
	"solaris/amd64",
	"wasip1/wasm",
	"windows/386", "windows/amd64", "windows/arm64",
}

var defaultTargets = []string{"linux/amd64", "linux/arm64"}

// variants are those an OCI platform knows, for the architectures where Go
// can build for them. The first is what Go builds when nothing is said.
var variants = map[string][]string{
	"amd64": {"v1", "v2", "v3", "v4"},
	"arm":   {"v7", "v6", "v5"},
	"arm64": {
		"v8.0", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9",
		"v9.0", "v9.1", "v9.2", "v9.3", "v9.4", "v9.5",
	},
}

// archVars names the variable that chooses the variant of an architecture,
// and its default (`go help environment`). It is always stated: the default
// of a Go installation can be changed when it is built.
var archVars = map[string][2]string{
	"386":      {"GO386", "sse2"},
	"amd64":    {"GOAMD64", "v1"},
	"arm":      {"GOARM", "7"},
	"arm64":    {"GOARM64", "v8.0"},
	"mips":     {"GOMIPS", "hardfloat"},
	"mipsle":   {"GOMIPS", "hardfloat"},
	"mips64":   {"GOMIPS64", "hardfloat"},
	"mips64le": {"GOMIPS64", "hardfloat"},
	"ppc64":    {"GOPPC64", "power8"},
	"ppc64le":  {"GOPPC64", "power8"},
	"riscv64":  {"GORISCV64", "rva20u64"},
}

// Wanted gives the platforms a configuration asks for, as os/arch[/variant]
// and unchecked: those for which it is worth looking for a C compiler.
func Wanted(c config.Config) []string {
	if len(c.Targets) > 0 {
		return slices.Clone(c.Targets)
	}
	return slices.Clone(defaultTargets)
}

// Targets gives the platforms to read the package graph for.
func Targets(f facts.Facts, c config.Config) ([]Platform, error) {
	ps, _, err := decideTargets(f, c)
	return ps, err
}

// decideTargets lists the targets; Make completes the decision once it knows
// where cgo is needed.
func decideTargets(f facts.Facts, c config.Config) ([]Platform, Decision, error) {
	d := Decision{ID: "targets", Why: i18n.M("plan.targets.default")}
	if len(c.Targets) > 0 {
		d.Why = i18n.M("plan.targets.asked")
		d.Facts = []Fact{asked("targets", strings.Join(c.Targets, ", "))}
	}
	var out []Platform
	for _, s := range Wanted(c) {
		p, err := parsePlatform(s, c.Build.Env)
		if err != nil {
			return nil, Decision{}, err
		}
		if slices.Contains(out, p) {
			d.Rejected = append(d.Rejected, Alternative{s, i18n.M("plan.targets.no.twice", p)})
			continue
		}
		if len(c.Targets) == 0 && c.Build.CGO == "on" {
			if _, ok := compilerFor(f, c, p); !ok {
				d.Rejected = append(d.Rejected, Alternative{s, i18n.M("plan.targets.no.compiler")})
				continue
			}
		}
		out = append(out, p)
		if p.OS != "linux" {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.noimage", p)))
		}
	}
	if len(out) == 0 {
		return nil, Decision{}, fault.UsageError(i18n.M("plan.cgo.nocompiler", strings.Join(Wanted(c), ", ")), noCompilerHint(defaultTargets[0]))
	}
	return out, d, nil
}

// ParsePlatform reads os/arch[/variant] as a user writes it.
func ParsePlatform(s string) (Platform, error) { return parsePlatform(s, nil) }

// parsePlatform reads os/arch[/variant] and brings the variant into the form
// of an OCI platform: empty where it is the default, except that arm always
// has one. env can name the variant for all targets of an architecture.
func parsePlatform(s string, env map[string]string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || !slices.Contains(ports, parts[0]+"/"+parts[1]) {
		hint := i18n.M("plan.targets.list.hint")
		known := slices.Concat(ports, []string{"linux/arm/v5", "linux/arm/v6", "linux/arm/v7"})
		if near := config.Nearest(alias(s), known); near != "" {
			hint = i18n.M("plan.nearest", near)
		}
		return Platform{}, fault.UsageError(i18n.M("plan.targets.unknown", s), hint)
	}
	p := Platform{OS: parts[0], Arch: parts[1]}
	arch := archVars[p.Arch]
	fromEnv := goVariant(p.Arch, env[arch[0]])
	if len(parts) == 3 {
		p.Variant = parts[2]
		v := variants[p.Arch]
		if p.Arch == "arm64" && (p.Variant == "v8" || p.Variant == "v9") {
			p.Variant += ".0"
		}
		if v == nil {
			return Platform{}, fault.UsageError(i18n.M("plan.targets.novariant", s, p.Arch), noVariantHint(p.Arch))
		}
		if !slices.Contains(v, p.Variant) {
			return Platform{}, fault.UsageError(i18n.M("plan.targets.variant", s, parts[2]), i18n.M("plan.oneof", strings.Join(v, ", ")))
		}
		if fromEnv != "" && fromEnv != p.Variant {
			return Platform{}, fault.UsageError(i18n.M("plan.targets.conflict", s, arch[0], env[arch[0]]), i18n.M("plan.targets.conflict.hint", arch[0]))
		}
	} else if p.Variant = fromEnv; fromEnv != "" && !slices.Contains(variants[p.Arch], fromEnv) {
		return Platform{}, wrong("build.env."+arch[0], env[arch[0]], i18n.M("plan.oneof", settings(p.Arch)))
	}
	if p.Arch == "arm" && p.Variant == "" {
		p.Variant = "v7"
	}
	if v := variants[p.Arch]; v != nil && p.Arch != "arm" && p.Variant == v[0] {
		p.Variant = ""
	}
	return p, nil
}

// goVariant turns the value of GOAMD64, GOARM or GOARM64 into a variant:
// "7,softfloat" is v7, "v8.2,lse" is v8.2. Other architectures have none.
func goVariant(arch, value string) string {
	value, _, _ = strings.Cut(value, ",")
	if value == "" || variants[arch] == nil {
		return ""
	}
	if arch == "arm" {
		value = "v" + value
	}
	return value
}

func noVariantHint(arch string) i18n.Message {
	if v, ok := archVars[arch]; ok {
		return i18n.M("plan.targets.novariant.env.hint", v[0])
	}
	return i18n.M("plan.targets.novariant.hint")
}

// alias turns the names other tools use into Go's.
func alias(s string) string {
	goos, arch, _ := strings.Cut(strings.ToLower(s), "/")
	for _, n := range [][2]string{{"macos", "darwin"}, {"osx", "darwin"}, {"mac", "darwin"}, {"win", "windows"}} {
		if goos == n[0] {
			goos = n[1]
		}
	}
	for _, n := range [][2]string{
		{"x86_64", "amd64"}, {"x64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"}, {"x86", "386"},
		{"armv7", "arm/v7"}, {"armhf", "arm/v7"}, {"armv6", "arm/v6"},
	} {
		if arch == n[0] {
			arch = n[1]
		}
	}
	s = strings.TrimSuffix(goos+"/"+arch, "/")
	switch s {
	case "wasm", "wasi", "wasi/wasm":
		return "wasip1/wasm"
	case "linux", "windows":
		return s + "/amd64"
	case "darwin":
		return "darwin/arm64"
	}
	return s
}

func hostRank(f facts.Facts, p Platform) int {
	if p.OS == f.GoEnv.HostOS && p.Arch == f.GoEnv.HostArch {
		return 0
	}
	return 1
}

// settings lists the values of the variable behind the variants of arch.
func settings(arch string) string {
	var out []string
	for _, v := range variants[arch] {
		if arch == "arm" {
			v = strings.TrimPrefix(v, "v")
		}
		out = append(out, v)
	}
	return strings.Join(out, ", ")
}
