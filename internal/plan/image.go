package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// binDir is in the PATH every engine sets when an image sets none, and hides
// nothing of a reference base.
const binDir = "/usr/local/bin"

// nonroot is the user of an image that names none: the number distroless
// images made customary.
const nonroot = "65532:65532"

// image plans the image of one target, if it can have one.
func (m *maker) image(t *Target, s subject, names map[string]string) error {
	if t.Platform.OS != "linux" {
		m.addFor(t.Platform, Decision{ID: "image", Choice: "-", Why: i18n.M("plan.image.none", t.Platform.OS)})
		return nil
	}
	c := m.c.Image
	img := &Image{BinDir: binDir, Workdir: cmp.Or(c.Workdir, "/"), Cmd: c.Cmd, StopSignal: c.StopSignal, Created: m.p.Source.Time}
	base, d, err := decideBase(m.f, m.c, *t, s)
	if err != nil {
		return err
	}
	around := decideSurroundings(m.c, &base, s.programs)
	d.Choice = base.summary()
	for _, a := range around {
		if a.Choice == "on" {
			d.Facts = append(d.Facts, a.Facts...)
		}
	}
	img.Base = base
	ds := append([]Decision{d}, around...)

	img.User, d, err = decideUser(m.c, base)
	if err != nil {
		return err
	}
	ds = append(ds, d)
	img.Entrypoint, d, err = decideEntrypoint(m.c, *t, base, img.BinDir)
	if err != nil {
		return err
	}
	ds = append(ds, d)
	img.Ports, d, err = decidePorts(m.c, s.programs, img.User)
	if err != nil {
		return err
	}
	ds = append(ds, d)
	img.Name, img.Tags, d = decideName(m.f, m.c, names, m.p.Version)
	ds = append(ds, d)
	img.Labels, img.Annotations, d = decideLabels(m.p, m.c, img.Name, base)
	ds = append(ds, d)
	img.Compression = cmp.Or(c.Compression, "gzip")
	ds = append(ds, decideCompression(c.Compression))

	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		img.Env = append(img.Env, k+"="+c.Env[k])
	}
	if !path.IsAbs(img.Workdir) {
		return wrong("image.workdir", c.Workdir, i18n.M("plan.absolute.hint"))
	}
	if img.Healthcheck, err = healthcheck(c.Healthcheck); err != nil {
		return err
	}
	if img.Files, err = files(c.Files); err != nil {
		return err
	}
	for _, f := range img.Files {
		if slices.ContainsFunc(t.Binaries, func(b Binary) bool { return path.Join(img.BinDir, b.Name) == path.Clean(f.To) }) {
			return fault.UsageError(i18n.M("plan.files.program", f.To), i18n.M("plan.files.program.hint"))
		}
	}
	t.Image = img
	m.addFor(t.Platform, ds...)
	return nil
}

// decideUser settles the user: nonroot unless the user says otherwise. A
// group is always named: without one an engine takes root's.
func decideUser(c config.Config, b Base) (string, Decision, error) {
	d := Decision{ID: "user", Choice: nonroot, Why: i18n.M("plan.user.nonroot")}
	switch u := c.Image.User; u {
	case "", "nonroot":
		d.reject("0:0", i18n.M("plan.user.no.root"))
		return nonroot, d, nil
	case "root":
		d.Choice = "0:0"
	default:
		id, err := parseUser("image.user", u)
		if err != nil {
			return "", d, err
		}
		d.Choice = id
	}
	d.Why = i18n.M("plan.user.asked")
	d.Facts = []Fact{asked("image.user", c.Image.User)}
	if b.Home && d.Choice != nonroot && d.Choice != "0:0" {
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.home.other")))
	}
	d.reject(nonroot, i18n.M("plan.user.no.asked"))
	return d.Choice, d, nil
}

// parseUser reads uid[:gid]; the group of a lone uid has the same number.
func parseUser(key, s string) (string, *fault.Error) {
	uid, gid, hasGroup := strings.Cut(s, ":")
	if !hasGroup {
		gid = uid
	}
	for _, id := range []string{uid, gid} {
		// The highest 32-bit number means "leave as it is" to chown.
		if n, err := strconv.ParseUint(id, 10, 32); err != nil || n == math.MaxUint32 || strconv.FormatUint(n, 10) != id {
			return "", wrong(key, s, i18n.M("plan.user.hint"))
		}
	}
	return uid + ":" + gid, nil
}

// decideEntrypoint settles what starts: what the user says, else the only
// program. A bare name means one of the programs.
func decideEntrypoint(c config.Config, t Target, b Base, dir string) ([]string, Decision, error) {
	d := Decision{ID: "entrypoint", Why: i18n.M("plan.entrypoint.only")}
	var names []string
	for _, bin := range t.Binaries {
		names = append(names, bin.Name)
	}
	e := slices.Clone(c.Image.Entrypoint)
	switch {
	case len(e) > 0:
		d.Why, d.Facts = i18n.M("plan.entrypoint.asked"), []Fact{asked("image.entrypoint", strings.Join(e, " "))}
		if slices.Contains(names, e[0]) {
			e[0] = path.Join(dir, e[0])
		} else if !path.IsAbs(e[0]) && b.Kind != Reference {
			return nil, d, wrongOneOf("image.entrypoint", e[0], names)
		}
	case len(names) > 1:
		return nil, d, fault.UsageError(i18n.M("plan.entrypoint.several", strings.Join(names, ", ")), i18n.M("plan.entrypoint.several.hint", names[0]))
	default:
		e = []string{path.Join(dir, names[0])}
	}
	d.Choice = strings.Join(e, " ")
	return e, d, nil
}

// decidePorts settles the ports the image names. They open nothing: tools
// read them.
func decidePorts(c config.Config, programs []facts.Program, user string) ([]string, Decision, error) {
	d := Decision{ID: "ports", Choice: "-", Why: i18n.M("plan.ports.none")}
	var out []string
	add := func(n int, proto string) {
		if s := fmt.Sprintf("%d/%s", n, proto); !slices.Contains(out, s) {
			out = append(out, s)
			if n < 1024 && user != "0:0" {
				d.Facts = append(d.Facts, said(i18n.M("plan.fact.port.low", n)))
			}
		}
	}
	var found []int
	for _, p := range programs {
		for _, port := range p.Ports {
			if port.Port < 1 || port.Port > 65535 || slices.Contains(found, port.Port) {
				continue
			}
			found = append(found, port.Port)
			d.Facts = append(d.Facts, Fact{port.Pos, i18n.M("plan.fact.port", port.Port)})
		}
	}
	slices.Sort(found)
	if len(c.Image.Ports) > 0 {
		d.Why = i18n.M("plan.ports.asked")
		d.Facts = append([]Fact{asked("image.ports", strings.Join(c.Image.Ports, ", "))}, d.Facts...)
		for _, s := range c.Image.Ports {
			number, proto, _ := strings.Cut(s, "/")
			n, err := strconv.Atoi(number)
			if proto = cmp.Or(proto, "tcp"); err != nil || n < 1 || n > 65535 || !slices.Contains([]string{"tcp", "udp", "sctp"}, proto) {
				return nil, d, wrong("image.ports", s, i18n.M("plan.ports.hint"))
			}
			add(n, proto)
		}
		for _, n := range found {
			if s := fmt.Sprintf("%d/tcp", n); !slices.Contains(out, s) {
				d.reject(s, i18n.M("plan.ports.no.asked"))
			}
		}
	} else {
		for _, n := range found {
			add(n, "tcp")
		}
		if out != nil {
			d.Why = i18n.M("plan.ports.found")
		}
	}
	if out != nil {
		d.Choice = strings.Join(out, ", ")
	}
	return out, d, nil
}

func decideCompression(setting string) Decision {
	d := Decision{ID: "compression", Choice: "gzip", Why: i18n.M("plan.compression.gzip")}
	if setting == "zstd" {
		d.Choice, d.Why, d.Facts = setting, i18n.M("plan.compression.asked"), []Fact{asked("image.compression", setting)}
	}
	if d.Choice == "gzip" {
		d.reject("zstd", i18n.M("plan.compression.no.zstd"))
	} else {
		d.reject("gzip", i18n.M("plan.compression.no.gzip"))
	}
	return d
}

func healthcheck(h config.Healthcheck) (*Healthcheck, error) {
	if len(h.Cmd) == 0 {
		return nil, nil
	}
	out := &Healthcheck{Cmd: h.Cmd, Retries: h.Retries}
	for _, x := range []struct {
		key, value string
		into       *int64
	}{
		{"interval", h.Interval, &out.Interval}, {"timeout", h.Timeout, &out.Timeout}, {"startPeriod", h.StartPeriod, &out.StartPeriod},
	} {
		if x.value == "" {
			continue
		}
		v, err := time.ParseDuration(x.value)
		if err != nil || v < time.Millisecond {
			return nil, wrong("image.healthcheck."+x.key, x.value, i18n.M("plan.duration.hint"))
		}
		*x.into = int64(v)
	}
	if h.Retries < 0 {
		return nil, wrong("image.healthcheck.retries", strconv.Itoa(h.Retries), i18n.M("plan.retries.hint"))
	}
	return out, nil
}

func files(in []config.File) ([]File, error) {
	var out []File
	for _, f := range in {
		from := path.Clean(f.From)
		if f.From == "" || path.IsAbs(from) || from == ".." || strings.HasPrefix(from, "../") {
			return nil, wrong("image.files.from", f.From, i18n.M("plan.files.from.hint"))
		}
		if !path.IsAbs(f.To) || path.Clean(f.To) == "/" && f.From == "" {
			return nil, wrong("image.files.to", f.To, i18n.M("plan.absolute.hint"))
		}
		o := File{From: from, To: path.Clean(f.To)}
		if strings.HasSuffix(f.To, "/") && o.To != "/" {
			o.To += "/" // into that directory
		}
		if f.Mode != "" {
			mode, err := strconv.ParseUint(strings.TrimPrefix(f.Mode, "0o"), 8, 32)
			if err != nil || mode > 0o7777 {
				return nil, wrong("image.files.mode", f.Mode, i18n.M("plan.files.mode.hint"))
			}
			o.Mode = uint32(mode)
		}
		switch f.User {
		case "", "root":
		case "nonroot":
			o.UID, o.GID = 65532, 65532
		default:
			id, bad := parseUser("image.files.user", f.User)
			if bad != nil {
				return nil, bad
			}
			uid, gid, _ := strings.Cut(id, ":")
			o.UID, _ = strconv.Atoi(uid)
			o.GID, _ = strconv.Atoi(gid)
		}
		out = append(out, o)
	}
	return out, nil
}
