package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/sandbox"
	"github.com/slipway-build/slipway/internal/trial"
	"github.com/slipway-build/slipway/internal/verify"
)

// here is the platform whose programs run on this machine.
func here() plan.Platform { return plan.Platform{OS: "linux", Arch: runtime.GOARCH} }

// nobody runs a program that has no image to say who does.
const nobody = 65532

// defaultPath is the PATH that container engines set.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// runSubject runs what of a subject can run here, and says what cannot.
func (a *app) runSubject(ctx context.Context, v *verification, s *verify.Opened, o trial.Options, more surroundings) error {
	dir, err := a.runDir()
	if err != nil {
		return err
	}
	defer func() { _ = rootfs.RemoveAll(dir) }()
	var list []trial.Subject
	switch {
	case s.Kind == verify.KindImage || s.Kind == verify.KindShip && image.IsImage(s.Dir):
		list, err = a.imageSubject(ctx, v, s, dir)
	default:
		list, err = a.programSubjects(ctx, v, s, dir)
	}
	if err != nil {
		return err
	}
	for _, t := range list {
		if more.args != nil {
			t.Args = append(t.Args[:1:1], more.args...)
		}
		t.Env = append(t.Env, more.env...)
		const stage = "run"
		a.rep.Begin(t.Name, stage)
		o.TempDir = dir
		o.Progress = func(done, _ int) { a.rep.Progress(t.Name, stage, int64(done)) }
		res, err := trial.Run(ctx, t, o)
		if err != nil {
			return err
		}
		v.report.Runs = append(v.report.Runs, res)
		v.report.Findings = append(v.report.Findings, res.Findings...)
		v.more = append(v.more, a.trialText(res)...)
	}
	return nil
}

// runDir makes a directory for the root file systems of this run, and removes
// those of runs that were killed.
func (a *app) runDir() (string, error) {
	cache, err := a.cacheDir()
	if err != nil {
		return "", err
	}
	top := filepath.Join(cache, "run")
	if err := os.MkdirAll(top, 0o711); err != nil {
		return "", fault.New(err, i18n.M("cli.cache.make", cache), i18n.M("cli.cache.hint"))
	}
	old, err := os.ReadDir(top)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", top, err)
	}
	for _, e := range old {
		if owner, _, _ := strings.Cut(e.Name(), "."); sandbox.Abandoned(owner) {
			_ = rootfs.RemoveAll(filepath.Join(top, e.Name()))
		}
	}
	owner, err := sandbox.Owner()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(top, owner+".")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("make a directory for root file systems: %w", err)
	}
	return dir, nil
}

// imageSubject unpacks the image for this machine.
func (a *app) imageSubject(ctx context.Context, v *verification, s *verify.Opened, dir string) ([]trial.Subject, error) {
	cache, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	o := image.InspectOptions{Dir: a.dir, Remote: a.remote(), DockerHost: a.getenv("DOCKER_HOST"), TempDir: dir}
	if o.Cache, err = image.OpenCache(filepath.Join(cache, "layers")); err != nil {
		return nil, err
	}
	fetched := a.fetching(s.Name, &o)
	defer fetched()
	x, err := image.Inspect(ctx, s.Name, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = x.Close() }()
	img, ok := x.For(here())
	if !ok {
		v.report.Notes = append(v.report.Notes, i18n.M("verifyrun.platform", s.Name, here()))
		return nil, nil
	}
	tree, err := img.Tree(ctx, rootfs.Limits{TempDir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	user, err := tree.User(img.Config.User)
	if errors.Is(err, rootfs.ErrUser) {
		v.report.Notes = append(v.report.Notes, i18n.M("verifyrun.user", s.Name, img.Config.User))
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("user of image %s: %w", s.Name, err)
	}
	if n, err := tree.Reach(img.Config.Workdir, user); img.Config.Workdir != "" && err == nil && n.Kind != rootfs.Dir {
		v.report.Notes = append(v.report.Notes, i18n.M("verifyrun.workdir", s.Name, img.Config.Workdir))
		return nil, nil
	}
	root := filepath.Join(dir, "root")
	if err := tree.Unpack(ctx, root, rootfs.UnpackOptions{Owners: rootfs.CanKeepOwners()}); err != nil {
		return nil, err
	}
	c := img.Config
	if len(c.Args()) == 0 {
		v.report.Notes = append(v.report.Notes, i18n.M("verifyrun.nothing", s.Name))
		return nil, nil
	}
	t := trial.Subject{
		Name: img.Platform.String() + "/" + path.Base(c.Args()[0]), Root: root, Args: c.Args(), Dir: c.Workdir,
		UID: user.UID, GID: user.GID, Groups: user.Groups, StopSignal: c.StopSignal,
		Env: withDefaults(c.Env, user.Home),
	}
	for _, p := range c.Ports {
		if num, proto, _ := strings.Cut(p, "/"); proto == "" || proto == "tcp" {
			if n, err := strconv.ParseUint(num, 10, 16); err == nil {
				t.Ports = append(t.Ports, uint16(n))
			}
		}
	}
	if c.Healthcheck != nil {
		t.Health = healthURLs(c.Healthcheck.Test)
	}
	return []trial.Subject{t}, nil
}

// withDefaults adds the variables that container engines set.
func withDefaults(env []string, home string) []string {
	env = slices.Clone(env)
	for _, d := range []string{"PATH=" + defaultPath, "HOME=" + cmpOr(home, "/"), "HOSTNAME=slipway"} {
		key, _, _ := strings.Cut(d, "=")
		if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, key+"=") }) {
			env = append(env, d)
		}
	}
	return env
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// healthURLs finds what a health check asks for, as far as it is a URL.
func healthURLs(test []string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.Join(test, " "), func(r rune) bool { return strings.ContainsRune(" \t'\"|;&()", r) }) {
		if u, err := url.Parse(word); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			out = append(out, word)
		}
	}
	return out
}

// programSubjects puts bare programs onto the base that was named, or onto
// nothing.
func (a *app) programSubjects(ctx context.Context, v *verification, s *verify.Opened, dir string) ([]trial.Subject, error) {
	root, err := a.baseFor(ctx, v.flags.base, dir)
	if err != nil {
		return nil, err
	}
	var out []trial.Subject
	for _, p := range s.Programs {
		if p.Path == "" || p.File.OS != "" && p.File.OS != "linux" || p.File.Arch != runtime.GOARCH || p.File.Format != binary.ELF {
			v.report.Notes = append(v.report.Notes, i18n.M("verifyrun.platform", p.Name, here()))
			continue
		}
		source, err := filepath.Abs(p.Path)
		if err != nil {
			return nil, fmt.Errorf("name %s: %w", p.Path, err)
		}
		target := "/" + filepath.Base(source)
		out = append(out, trial.Subject{
			Name: p.Name, Root: root, Binds: []sandbox.Bind{{Source: source, Target: target}},
			Args: []string{target}, Env: withDefaults(nil, ""), UID: nobody, GID: nobody,
		})
	}
	return out, nil
}

// baseFor gives the directory of a root file system: the one that was named,
// unpacked if need be, or an empty one.
func (a *app) baseFor(ctx context.Context, base, dir string) (string, error) {
	root := filepath.Join(dir, "root")
	if base == "" {
		base = string(image.RootScratch)
	}
	o, err := a.rootOptions()
	if err != nil {
		return "", err
	}
	o.Platform, o.TempDir = here(), dir
	fetched := a.fetching(base, &o.InspectOptions)
	defer fetched()
	r, err := image.OpenRoot(ctx, base, o)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	if r.Dir != "" {
		return r.Dir, nil
	}
	if err := r.Tree.Unpack(ctx, root, rootfs.UnpackOptions{Owners: rootfs.CanKeepOwners()}); err != nil {
		return "", err
	}
	// Unpacked for nobody but us; who runs in it must be able to enter.
	return root, os.Chmod(root, 0o755)
}
