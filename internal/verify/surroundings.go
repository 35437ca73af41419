package verify

import (
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// Where Go looks for what it takes from the system (time, platformZoneSources;
// crypto/x509, certFiles and certDirectories of Linux).
var (
	zoneDirs  = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}
	rootFiles = []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
	rootDirs = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
)

// surroundings holds what a Go program takes from the system against what the
// place has. That a function is linked does not say that it is called, so what
// is missing counts only if the plan found the need as well; what the image
// itself asks for, by TZ, counts in any case.
func (j *placement) surroundings() {
	t, env := j.place.Tree, j.place.Env
	wants := build.Wants(j.p.file, j.p.Planned)
	if wants == nil {
		return
	}
	// The plan has judged its own base already.
	judged := j.p.Target != nil && j.p.Target.Image != nil && j.p.Target.Image.Base.Kind != plan.Reference
	missing := func(k facts.NeedKind, r finding.Rule, says i18n.Message) {
		if certain, ok := wants[k]; ok && !judged {
			j.report(r, says).Advisory = !certain
		}
	}
	if tz := strings.TrimPrefix(envOf(env, "TZ"), ":"); tz != "" && tz != "UTC" && !own(j.p, facts.NeedZones) && !hasEnv(env, "ZONEINFO") && !hasZone(t, tz) {
		j.report(build.RuleNoZones, i18n.M("verify.zone.tz", tz, j.place.Name))
	} else if !hasZones(t) && !hasEnv(env, "ZONEINFO") {
		missing(facts.NeedZones, build.RuleNoZones, i18n.M("verify.zones", j.place.Name))
	}
	if !hasEnv(env, "SSL_CERT_FILE") && !hasEnv(env, "SSL_CERT_DIR") && !hasRoots(t) {
		missing(facts.NeedRoots, build.RuleNoRoots, i18n.M("verify.roots", j.place.Name))
	}
	dir := envOf(env, "TMPDIR")
	if dir == "" {
		dir = "/tmp"
	}
	switch n, err := t.Resolve(dir); {
	case err != nil || n.Kind != rootfs.Dir:
		missing(facts.NeedTemp, build.RuleNoTemp, i18n.M("verify.temp", dir, j.place.Name))
	case j.place.Who && !n.Allows(j.place.User, 3):
		missing(facts.NeedTemp, build.RuleNoTemp, i18n.M("verify.temp.denied", dir, j.place.User.UID))
	}
	if _, err := t.Resolve("/etc/passwd"); err != nil {
		missing(facts.NeedUser, build.RuleNoUsers, i18n.M("verify.users", j.place.Name))
	}
	if j.p.Planned != nil && wantsShell(j.p.Planned) {
		if _, err := t.LookPath("sh", envOf(env, "PATH"), "/", j.place.User); err != nil {
			j.report(RuleShellMissing, i18n.M("verify.shell", j.place.Name))
		}
	}
}

func wantsShell(b *plan.Binary) bool {
	for _, n := range b.Needs {
		if n == facts.NeedShell {
			return true
		}
	}
	return false
}

// own reports whether a program brings something with it.
func own(p *OpenedProgram, k facts.NeedKind) bool {
	for _, e := range p.Embeds {
		if e == string(k) {
			return true
		}
	}
	return false
}

func hasZone(t *rootfs.Tree, name string) bool {
	if path.IsAbs(name) {
		_, err := t.Resolve(name)
		return err == nil
	}
	for _, d := range zoneDirs {
		if _, err := t.Resolve(path.Join(d, name)); err == nil {
			return true
		}
	}
	return hasGoroot(t)
}

func hasZones(t *rootfs.Tree) bool {
	for _, d := range zoneDirs {
		if list, err := t.ReadDir(d); err == nil && len(list) > 0 {
			return true
		}
	}
	return hasGoroot(t)
}

// hasGoroot reports whether the place is one to build in: programs find the
// zones of their own toolchain there.
func hasGoroot(t *rootfs.Tree) bool {
	_, err := t.Resolve("/usr/local/go/lib/time/zoneinfo.zip")
	return err == nil
}

func hasRoots(t *rootfs.Tree) bool {
	for _, f := range rootFiles {
		if n, err := t.Resolve(f); err == nil && n.Kind == rootfs.Regular && n.Size > 0 {
			return true
		}
	}
	for _, d := range rootDirs {
		if list, err := t.ReadDir(d); err == nil && len(list) > 0 {
			return true
		}
	}
	return false
}
