package rebuild

import (
	"fmt"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Recipe is how a program was built, as far as is recorded.
type Recipe struct {
	From      string            `json:"from"` // "build info" or "plan"
	Package   string            `json:"package"`
	Module    string            `json:"module,omitempty"`
	Version   string            `json:"version,omitempty"` // of the module; (devel) if the go command knew none
	Sum       string            `json:"sum,omitempty"`     // h1: hash; set if the source was a module version
	Revision  string            `json:"revision,omitempty"`
	Modified  bool              `json:"modified,omitempty"` // the checkout had changes that no commit has
	Toolchain string            `json:"toolchain"`
	Args      []string          `json:"args"` // of the go command, without -o and the package
	Env       map[string]string `json:"env"`

	trimpath bool
	vcs      bool
	hidden   bool // -ldflags were not recorded, whatever they were
}

// Command gives the command line that builds the program once more, for people.
func (r Recipe) Command() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(r.Env)) {
		fmt.Fprintf(&b, "%s=%s ", k, shellQuote(r.Env[k]))
	}
	verb := "build"
	if r.Sum != "" {
		verb = "install"
	}
	b.WriteString("go " + verb)
	for _, a := range r.Args {
		b.WriteString(" " + shellQuote(a))
	}
	b.WriteString(" " + r.Package)
	if r.Sum != "" {
		b.WriteString("@" + r.Version)
	}
	return b.String()
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./~-]+$`)

func shellQuote(s string) string {
	if s == "" || plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// refusal is a reason why a program cannot be rebuilt.
type refusal struct{ why i18n.Message }

func (r *refusal) Error() string { return r.why.String() }

func refuse(m i18n.Message) error { return &refusal{m} }

// release matches the versions of toolchains that can be had as a module
// (https://go.dev/ref/mod#versions, "toolchain").
var release = regexp.MustCompile(`^go1(\.\d+){0,2}(rc\d+|beta\d+)?$`)

// archSettings are the variables that name the processor's variant.
var archSettings = []string{"GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM"}

// ReadRecipe takes the recipe out of the build information of a program. What
// cannot be repeated is refused with a reason that has a message.
func ReadRecipe(f *binary.File) (Recipe, error) {
	if f.Go == nil {
		return Recipe{}, refuse(i18n.M("rebuild.why.noinfo"))
	}
	bi := f.Go
	r := Recipe{From: "build info", Package: bi.Path, Module: bi.Main.Path, Version: bi.Main.Version, Sum: bi.Main.Sum}
	// An experiment or a fork adds words to the version, as in
	// "go1.26.8 X:nodwarf5"; the experiment is recorded as a setting too.
	word, rest, _ := strings.Cut(bi.GoVersion, " ")
	r.Toolchain = word
	if !release.MatchString(word) || rest != "" && !strings.HasPrefix(rest, "X:") {
		return r, refuse(i18n.M("rebuild.why.toolchain", bi.GoVersion))
	}
	switch {
	case bi.Path == "command-line-arguments":
		return r, refuse(i18n.M("rebuild.why.files"))
	case bi.Main.Path == "" && !strings.HasPrefix(bi.Path, "cmd/"):
		return r, refuse(i18n.M("rebuild.why.nomodule"))
	case bi.Main.Replace != nil:
		return r, refuse(i18n.M("rebuild.why.replaced", bi.Main.Path))
	}
	for _, d := range bi.Deps {
		if d.Replace != nil && r.Sum != "" {
			return r, refuse(i18n.M("rebuild.why.replaced", d.Path))
		}
	}
	// Everything the go command reads from the environment is stated, so that
	// the user's own settings have no say.
	r.Env = map[string]string{"GOFLAGS": "", "GOWORK": "off", "GOEXPERIMENT": "", "GOFIPS140": "off", "GODEBUG": "", "GO111MODULE": "on", "LC_ALL": "C"}
	if r.Sum == "" {
		delete(r.Env, "GOWORK")
	}
	r.Env["GOTOOLCHAIN"] = r.Toolchain
	for _, s := range bi.Settings {
		if err := r.setting(s); err != nil {
			return r, err
		}
	}
	if r.Env["GOOS"] == "" || r.Env["GOARCH"] == "" {
		return r, refuse(i18n.M("rebuild.why.old", bi.GoVersion))
	}
	r.hidden = r.trimpath && !slices.ContainsFunc(r.Args, func(a string) bool { return strings.HasPrefix(a, "-ldflags=") })
	slices.Sort(r.Args)
	return r, nil
}

func (r *Recipe) setting(s debug.BuildSetting) error {
	k, v := s.Key, s.Value
	switch {
	case k == "-compiler":
		if v != "gc" {
			return refuse(i18n.M("rebuild.why.compiler", v))
		}
	case k == "-trimpath":
		r.trimpath = v == "true"
		r.Args = append(r.Args, "-trimpath")
	case k == "-buildmode":
		if !slices.Contains([]string{"exe", "pie", "c-shared", "c-archive", "plugin"}, v) {
			return refuse(i18n.M("rebuild.why.setting", k, v))
		}
		// exe is also written when nothing was said, which on Windows and
		// macOS means a program that runs at any address.
		if v != "exe" {
			r.Args = append(r.Args, "-buildmode="+v)
		}
	case k == "-race", k == "-msan", k == "-asan", k == "-cover":
		r.Args = append(r.Args, k)
	case k == "-covermode", k == "-coverpkg", k == "-tags":
		if strings.HasPrefix(v, "-") {
			return refuse(i18n.M("rebuild.why.setting", k, v))
		}
		if k == "-tags" {
			// GOFIPS140 with a version adds it (cmd/go/internal/fips140), and
			// would once more.
			v = strings.Join(slices.DeleteFunc(strings.Split(v, ","), func(tag string) bool { return strings.HasPrefix(tag, "fips140v") }), ",")
		}
		if v != "" {
			r.Args = append(r.Args, k+"="+v)
		}
	case k == "-ldflags", k == "-gcflags", k == "-asmflags":
		if !harmless(k, v) {
			return refuse(i18n.M("rebuild.why.unsafe", k, v))
		}
		r.Args = append(r.Args, k+"="+v)
	case k == "-pgo":
		// The go command finds default.pgo by itself, with the same bytes.
		if !strings.HasSuffix(v, "default.pgo") {
			return refuse(i18n.M("rebuild.why.setting", k, v))
		}
	case k == "DefaultGODEBUG": // follows from go.mod and //go:debug lines
	case strings.HasPrefix(k, "CGO_") && k != "CGO_ENABLED":
		if !harmless(k, v) {
			return refuse(i18n.M("rebuild.why.unsafe", k, v))
		}
		r.Env[k] = v
	case k == "CGO_ENABLED", k == "GOOS", k == "GOARCH", k == "GOEXPERIMENT", k == "GOFIPS140", slices.Contains(archSettings, k):
		if !plainWord.MatchString(v) && v != "" {
			return refuse(i18n.M("rebuild.why.setting", k, v))
		}
		r.Env[k] = v
	case k == "vcs":
		r.vcs = true
	case k == "vcs.revision":
		r.Revision = v
	case k == "vcs.modified":
		r.Modified = v == "true"
	case k == "vcs.time":
	default:
		return refuse(i18n.M("rebuild.why.setting", k, v))
	}
	return nil
}
