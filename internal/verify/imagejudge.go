package verify

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/godebug"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// imageJudge holds the configuration of an image against its files, as a
// container runtime would meet them.
type imageJudge struct {
	*OpenedImage
	found []finding.Finding
}

func (j *imageJudge) report(r finding.Rule, m i18n.Message, ev ...finding.Evidence) *finding.Finding {
	j.found = append(j.found, r.On(j.Name, m, ev...))
	return &j.found[len(j.found)-1]
}

func (j *imageJudge) run() {
	j.user()
	j.entry()
	j.health()
	j.workdir()
	j.environment()
	j.rights()
}

func (j *imageJudge) user() {
	switch {
	case errors.Is(j.UserErr, rootfs.ErrUser):
		j.report(RuleUserUnknown, i18n.M("verify.user.unknown", j.Config.User))
	case j.UserErr == nil && j.User.UID == 0:
		j.report(RuleRunsAsRoot, i18n.M("verify.user.root"))
	}
}

// isShell reports whether a program is a shell that is given a line to run.
func isShell(args []string) bool {
	if len(args) < 2 || args[1] != "-c" {
		return false
	}
	switch path.Base(args[0]) {
	case "sh", "bash", "ash", "dash":
		return true
	}
	return false
}

func (j *imageJudge) entry() {
	args := j.Config.Args()
	if len(args) == 0 {
		j.report(RuleEntrypointMissing, i18n.M("verify.entry.none")).Advisory = true
		return
	}
	if j.UserErr != nil {
		return
	}
	if e := (*rootfs.LookError)(nil); errors.As(j.EntryErr, &e) {
		j.refused(RuleEntrypointMissing, RuleEntrypointDenied, args, e)
		return
	}
	if j.Started != nil {
		j.platform(j.Started)
		return
	}
	j.script(j.Entry.Node.Path, 0)
}

// refused says why a runtime does not execute what it was told to.
func (j *imageJudge) refused(gone, denied finding.Rule, args []string, e *rootfs.LookError) {
	switch {
	case errors.Is(e, rootfs.ErrNotAllowed), errors.Is(e, rootfs.ErrNoSearch):
		m := i18n.M("verify.entry.mode", e.At, strconv.FormatUint(uint64(e.Node.Mode.Perm()), 8), j.User.UID)
		if errors.Is(e, rootfs.ErrNoSearch) {
			m = i18n.M("verify.entry.search", args[0], e.At, strconv.FormatUint(uint64(e.Node.Mode.Perm()), 8), j.User.UID)
		}
		j.report(denied, m)
	case errors.Is(e, rootfs.ErrNotFile):
		j.report(gone, i18n.M("verify.entry.notfile", args[0]))
	case isShell(args):
		j.report(gone, i18n.M("verify.entry.shell", args[0], strings.Join(args[2:], " ")))
	default:
		j.report(gone, i18n.M("verify.entry.gone", args[0]))
	}
}

// maxScripts is how often a script may name a script (Linux,
// fs/binfmt_script.c).
const maxScripts = 4

// script follows the first line of a script.
func (j *imageJudge) script(p string, depth int) {
	// The kernel looks at the first 256 bytes (BINPRM_BUF_SIZE).
	f, err := j.Tree.Open(p)
	if err != nil {
		return
	}
	defer f.Close()
	b := make([]byte, 256)
	n, _ := f.ReadAt(b, 0)
	line, ok := strings.CutPrefix(string(b[:n]), "#!")
	if !ok {
		switch {
		case n == 0:
			j.report(RuleEntrypointMissing, i18n.M("verify.entry.empty", p))
		case depth == 0 && !strings.HasPrefix(string(b[:n]), "\x7fELF"):
			j.report(RuleEntrypointMissing, i18n.M("verify.entry.format", p))
		}
		return
	}
	line, _, _ = strings.Cut(line, "\n")
	if strings.HasSuffix(line, "\r") {
		j.report(RuleScriptInterpreter, i18n.M("verify.script.cr", p))
		return
	}
	name, arg, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	if name == "" {
		return
	}
	found, err := j.Tree.LookPath(toPath(name), "", "/", j.User)
	if e := (*rootfs.LookError)(nil); errors.As(err, &e) {
		if errors.Is(e, rootfs.ErrNotFound) {
			j.report(RuleScriptInterpreter, i18n.M("verify.script.gone", p, name))
		} else {
			j.report(RuleScriptInterpreter, i18n.M("verify.script.denied", p, name, j.User.UID))
		}
		return
	}
	if arg = strings.TrimSpace(arg); path.Base(name) == "env" && arg != "" && !strings.ContainsAny(arg, " \t=-") {
		if _, err := j.Tree.LookPath(arg, envOf(j.Config.Env, "PATH"), "/", j.User); err != nil {
			j.report(RuleScriptInterpreter, i18n.M("verify.script.env", p, arg))
		}
		return
	}
	if depth < maxScripts && found.Node.Path != "" {
		j.script(found.Node.Path, depth+1)
	}
}

// toPath makes a path of a name that the kernel takes relative to the working
// directory.
func toPath(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return "./" + name
}

// platform holds the entry program's processor against the image's.
func (j *imageJudge) platform(p *OpenedProgram) {
	want, f := j.Inspected.Platform, p.file
	if f.Arch != "" && f.Arch != want.Arch || f.OS != "" && f.OS != want.OS {
		j.report(build.RulePlatform, i18n.M("verify.platform.image", p.Platform, want))
		return
	}
	var level, have string
	switch f.Arch {
	case "amd64":
		level, _ = f.Setting("GOAMD64")
		have = want.Variant
		if level != "" && level > "v1" && level > have {
			r := j.report(RuleCPULevel, i18n.M("verify.level", "GOAMD64="+level, want))
			// Indexes have no usual word for these levels: without one, only the
			// author knows on which machines the image is to run.
			r.Advisory = have == ""
		}
	case "arm":
		level, _ = f.Setting("GOARM")
		level, _, _ = strings.Cut(level, ",")
		have = strings.TrimPrefix(want.Variant, "v")
		if level != "" && have != "" && level > have {
			j.report(RuleCPULevel, i18n.M("verify.level", "GOARM="+level, want))
		}
	}
}

func (j *imageJudge) health() {
	h := j.Config.Healthcheck
	if h == nil || len(h.Test) < 2 || j.UserErr != nil {
		return
	}
	args := h.Test[1:]
	switch h.Test[0] {
	case "CMD":
	case "CMD-SHELL":
		args = append([]string{"/bin/sh", "-c"}, args...)
		if len(j.Config.Shell) > 0 {
			args = append(slices.Clone(j.Config.Shell), h.Test[1:]...)
		}
	default:
		return
	}
	_, err := j.Tree.LookPath(args[0], envOf(j.Config.Env, "PATH"), j.Config.Workdir, j.User)
	if e := (*rootfs.LookError)(nil); errors.As(err, &e) {
		j.refused(RuleHealthcheckMissing, RuleHealthcheckMissing, args, e)
	}
}

func (j *imageJudge) workdir() {
	dir := j.Config.Workdir
	if dir == "" || j.UserErr != nil {
		return
	}
	if !path.IsAbs(dir) {
		j.report(RuleWorkdir, i18n.M("verify.workdir.relative", dir))
		return
	}
	n, err := j.Tree.Reach(dir, j.User)
	e := (*rootfs.LookError)(nil)
	switch {
	case errors.As(err, &e) && errors.Is(e, rootfs.ErrNoSearch):
		j.report(RuleWorkdir, i18n.M("verify.workdir.search", dir, e.At, j.User.UID))
	case err != nil: // the runtime makes it
	case n.Kind != rootfs.Dir:
		j.report(RuleWorkdir, i18n.M("verify.workdir.notdir", dir))
	case !n.Allows(j.User, 1):
		j.report(RuleWorkdir, i18n.M("verify.workdir.search", dir, n.Path, j.User.UID))
	}
}

func (j *imageJudge) environment() {
	for s := range godebug.Settings(envOf(j.Config.Env, "GODEBUG")) {
		if m, ok := godebug.Weak(s); ok {
			j.report(RuleWeakDebug, m).Advisory = godebug.Minor(s)
		}
		if s == "fips140=off" && j.Started != nil && j.Started.FIPS != "" {
			j.report(RuleFIPSUndone, i18n.M("verify.fips.env", j.Started.FIPS, j.Started.Name))
		}
	}
	for _, kv := range j.Config.Env {
		if name, value, _ := strings.Cut(kv, "="); secret(name, value) {
			j.report(RuleSecretEnv, i18n.M("verify.secret", name))
		}
	}
}

// rights looks at who may change the program that is started, and for programs
// that give their user away.
func (j *imageJudge) rights() {
	if n := j.Entry.Node; j.EntryErr == nil && n.Path != "" {
		mode := strconv.FormatUint(uint64(n.Mode.Perm()), 8)
		switch {
		case n.Mode&0o002 != 0:
			j.report(RuleFileRights, i18n.M("verify.rights.world", n.Path, mode))
		case j.User.UID != 0 && j.UserErr == nil && n.Allows(j.User, 2):
			j.report(RuleFileRights, i18n.M("verify.rights.own", n.Path, mode, j.User.UID)).Advisory = true
		}
	}
	list := j.setuid
	if len(list) == 0 {
		return
	}
	ev := []finding.Evidence{}
	for _, p := range list[:min(len(list), maxSaid)] {
		ev = append(ev, finding.Evidence{Text: i18n.M("verify.rights.one", p)})
	}
	f := j.report(RuleFileRights, i18n.M("verify.rights.setuid", len(list)), ev...)
	// Distributions bring some; a Go program among them is another matter.
	f.Advisory = !slices.ContainsFunc(j.Programs, func(p *OpenedProgram) bool {
		return slices.Contains(list, p.In) && p.file.Format == binary.ELF
	})
}
