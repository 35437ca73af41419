package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// pinnedRef is a reference with a digest: registry/repository@sha256:… or
// oci:directory@sha256:….
var pinnedRef = regexp.MustCompile(`^(oci:[^@]+|[^\s@]+/[^\s@]+)@sha256:[0-9a-f]{64}$`)

// decideBase settles where the files around the programs of one linux target
// come from.
//
//	image.base  programs     | base
//	a reference any          | reference
//	assembled   one dynamic  | error: nothing would load it
//	closure     one dynamic  | closure
//	auto        one dynamic  | closure
//	any other   all static   | assembled
//
// FIPS 140, socket activation and time zones do not ask for another base; a
// shell does.
func decideBase(f facts.Facts, c config.Config, t Target, s subject) (Base, Decision, error) {
	d := Decision{ID: "base"}
	b := Base{}
	want := c.Image.Base
	var dynamic []string
	for _, bin := range t.Binaries {
		if bin.Linkage == Dynamic {
			dynamic = append(dynamic, bin.Name)
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.dynamic", bin.Name)))
		} else {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.static", bin.Name)))
		}
	}
	if want != "" && want != "auto" {
		d.Facts = append(d.Facts, asked("image.base", want))
	}
	switch {
	case !slices.Contains([]string{"", "auto", string(Assembled), string(Closure)}, want):
		if !pinnedRef.MatchString(want) {
			if !strings.ContainsAny(want, "/:@.") {
				return b, d, wrongOneOf("image.base", want, []string{"auto", string(Assembled), string(Closure)})
			}
			if strings.Contains(want, "@sha256:") {
				return b, d, fault.UsageError(i18n.M("plan.base.digest", want), i18n.M("plan.base.digest.hint"))
			}
			return b, d, fault.UsageError(i18n.M("plan.base.unpinned", want), i18n.M("plan.base.unpinned.hint", want))
		}
		b.Kind, b.Ref, d.Why = Reference, want, i18n.M("plan.base.reference")
		d.reject(string(Assembled), i18n.M("plan.base.no.asked"))
		if dynamic != nil {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.base.libs")))
		}
	case dynamic == nil:
		b.Kind, d.Why = Assembled, i18n.M("plan.base.assembled")
		d.reject(string(Closure), i18n.M("plan.base.no.libs"))
		d.reject(string(Reference), i18n.M("plan.base.no.pull"))
	case want == string(Assembled):
		return b, d, fault.UsageError(i18n.M("plan.base.dynamic", strings.Join(dynamic, ", "), t.Platform), i18n.M("plan.base.dynamic.hint"))
	default:
		b.Kind, d.Why = Closure, i18n.M("plan.base.closure")
		var ok bool
		var fact Fact
		if b.Sysroot, fact, ok = sysroot(f, c, s); !ok {
			return b, d, fault.UsageError(i18n.M("plan.base.sysroot", t.Platform), i18n.M("plan.base.sysroot.hint", t.Platform.OS+"/"+t.Platform.Arch))
		}
		d.Facts = append(d.Facts, fact)
		// glibc loads these at run time, so that no DT_NEEDED names them.
		b.NSS = slices.ContainsFunc(s.programs, func(p facts.Program) bool {
			std := stdC(p, c.Build.Tags)
			return slices.Contains(std, "net") || slices.Contains(std, "os/user")
		})
		if b.NSS {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.base.nss")))
		}
		d.reject(string(Assembled), i18n.M("plan.base.no.loader"))
		d.reject(string(Reference), i18n.M("plan.base.no.pull"))
	}
	d.Choice = string(b.Kind)
	if err := baseConstraints(c, t, s, &b, &d); err != nil {
		return b, d, err
	}
	return b, d, nil
}

// baseConstraints holds the base against what else the program and the user
// ask of it: a shell, other programs, a glibc ceiling, a socket.
func baseConstraints(c config.Config, t Target, s subject, b *Base, d *Decision) error {
	shells := needsOf(s.programs, facts.NeedShell)
	if c.Image.Shell == "required" {
		d.Facts = append(d.Facts, asked("image.shell", "required"))
		if b.Kind != Reference {
			return fault.UsageError(i18n.M("plan.base.shell", b.Kind), i18n.M("plan.base.shell.hint"))
		}
	}
	if b.Kind != Reference {
		for _, n := range shells {
			d.Facts = append(d.Facts, Fact{n.Pos, i18n.M("plan.fact.shell", n.What)})
		}
		for _, n := range needsOf(s.programs, facts.NeedExec) {
			if len(shells) == 0 {
				d.Facts = append(d.Facts, Fact{n.Pos, i18n.M("plan.fact.exec", n.What)})
			}
		}
	}
	for _, n := range needsOf(s.programs, facts.NeedSystemd) {
		d.Facts = append(d.Facts, Fact{n.Pos, i18n.M("plan.fact.systemd")})
	}
	if c.Build.FIPS != "" && c.Build.FIPS != "off" {
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.base.fips")))
	}
	if max := c.Image.GlibcMax; max != "" {
		if !glibcVersion.MatchString(max) {
			return wrong("image.glibcMax", max, i18n.M("plan.base.glibc.hint"))
		}
		d.Facts = append(d.Facts, asked("image.glibcMax", max))
		if slices.ContainsFunc(t.Binaries, func(b Binary) bool { return b.Linkage == Dynamic }) {
			b.GlibcMax = max
		} else {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.glibc.static")))
		}
	}
	return nil
}

var glibcVersion = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}$`)

// sysroot says where the shared libraries of a target lie: where the user
// says, here for this machine's own target, else where the packages of
// Debian's cross compilers put them.
func sysroot(f facts.Facts, c config.Config, s subject) (string, Fact, bool) {
	port := s.platform.OS + "/" + s.platform.Arch
	for _, key := range []string{s.platform.String(), port} {
		if dir := c.Build.Sysroot[key]; dir != "" {
			return dir, asked("build.sysroot."+key, dir), true
		}
	}
	if hostRank(f, s.platform) == 0 {
		return "/", said(i18n.M("plan.fact.sysroot.host", port)), true
	}
	command, _, _ := strings.Cut(s.compiler.CC, " ")
	triplet, ok := strings.CutSuffix(path.Base(command), "-gcc")
	if !ok || strings.Count(triplet, "-") != 2 {
		return "", Fact{}, false
	}
	return "/usr/" + triplet, said(i18n.M("plan.fact.sysroot.cross", s.compiler.CC)), true
}
