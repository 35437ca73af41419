package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

const pinned = "registry.example.com/base@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// withNeeds gives the facts of orders with exactly these needs.
func withNeeds(ns ...facts.Need) facts.Facts {
	f := orders()
	for i := range f.Programs {
		f.Programs[i].Needs = ns
	}
	return f
}

func need(k facts.NeedKind, c facts.Certainty) facts.Need {
	return facts.Need{Kind: k, Certainty: c, What: string(k), Pos: at("main.go", 9)}
}

func TestBase(t *testing.T) {
	dynamic := withCompilers(sqlite(orders()), gcc, crossGCC)
	oci := "oci:base@sha256:" + strings.Repeat("a", 64)
	for name, x := range map[string]struct {
		f       facts.Facts
		img     config.Image
		build   config.Build
		kind    BaseKind
		why     string
		facts   []string
		sysroot string // of linux/arm64
	}{
		"static":                 {f: orders(), kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.static"}},
		"static, assembled":      {f: orders(), img: config.Image{Base: "assembled"}, kind: Assembled, why: "plan.base.assembled"},
		"static, closure":        {f: orders(), img: config.Image{Base: "closure"}, kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.asked"}},
		"dynamic":                {f: dynamic, kind: Closure, why: "plan.base.closure", facts: []string{"plan.fact.dynamic", "plan.fact.base.nss"}, sysroot: "/usr/aarch64-linux-gnu"},
		"dynamic, sysroot":       {f: dynamic, build: config.Build{Sysroot: map[string]string{"linux/arm64": "/srv/arm64"}}, kind: Closure, why: "plan.base.closure", sysroot: "/srv/arm64"},
		"reference":              {f: orders(), img: config.Image{Base: pinned}, kind: Reference, why: "plan.base.reference"},
		"reference, local":       {f: orders(), img: config.Image{Base: oci}, kind: Reference, why: "plan.base.reference"},
		"reference, dynamic":     {f: dynamic, img: config.Image{Base: pinned}, kind: Reference, why: "plan.base.reference", facts: []string{"plan.fact.base.libs"}},
		"starts a shell":         {f: withNeeds(need(facts.NeedShell, facts.Uses), need(facts.NeedExec, facts.Uses)), kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.shell"}},
		"starts programs":        {f: withNeeds(need(facts.NeedExec, facts.Uses)), kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.exec"}},
		"shell in a reference":   {f: withNeeds(need(facts.NeedShell, facts.Uses)), img: config.Image{Base: pinned, Shell: "required"}, kind: Reference, why: "plan.base.reference"},
		"systemd socket":         {f: withNeeds(need(facts.NeedSystemd, facts.Uses)), kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.systemd"}},
		"FIPS":                   {f: orders(), build: config.Build{FIPS: "latest"}, kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.base.fips"}},
		"glibc ceiling, static":  {f: orders(), img: config.Image{GlibcMax: "2.26"}, kind: Assembled, why: "plan.base.assembled", facts: []string{"plan.fact.glibc.static"}},
		"glibc ceiling, dynamic": {f: dynamic, img: config.Image{GlibcMax: "2.26"}, kind: Closure, why: "plan.base.closure", sysroot: "/usr/aarch64-linux-gnu"},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustMake(t, x.f, config.Config{Image: x.img, Build: x.build})
			for i, target := range p.Targets {
				b, d := target.Image.Base, decision(t, p, "base", target.Platform.String())
				if b.Kind != x.kind || d.Why.ID != x.why || !strings.HasPrefix(d.Choice, string(x.kind)) {
					t.Errorf("%s because %s, want %s because %s", b.Kind, d.Why.ID, x.kind, x.why)
				}
				for _, id := range x.facts {
					if !hasFact(d, id) {
						t.Errorf("no %s among %v", id, d.Facts)
					}
				}
				want := ""
				if x.sysroot != "" {
					want = []string{"/", x.sysroot}[i]
				}
				if b.Sysroot != want {
					t.Errorf("%s: sysroot %q, want %q", target.Platform, b.Sysroot, want)
				}
				if wantMax := target.Binaries[0].Linkage == Dynamic && x.img.GlibcMax != ""; (b.GlibcMax != "") != wantMax {
					t.Errorf("glibc ceiling %q", b.GlibcMax)
				}
				if ref := target.Image.Base.Ref; x.kind == Reference && ref != x.img.Base {
					t.Errorf("reference %q", ref)
				}
			}
		})
	}
	for name, x := range map[string]struct {
		f         facts.Facts
		img       config.Image
		msg, hint string
	}{
		"dynamic on assembled":    {dynamic, config.Image{Base: "assembled"}, "plan.base.dynamic", "plan.base.dynamic.hint"},
		"tag instead of a digest": {orders(), config.Image{Base: "registry.example.com/base:1"}, "plan.base.unpinned", "plan.base.unpinned.hint"},
		"layout without a digest": {orders(), config.Image{Base: "oci:base"}, "plan.base.unpinned", "plan.base.unpinned.hint"},
		"misspelt kind":           {orders(), config.Image{Base: "asembled"}, "plan.wrong", "plan.nearest"},
		"shell without one":       {orders(), config.Image{Shell: "required"}, "plan.base.shell", "plan.base.shell.hint"},
		"no version of glibc":     {orders(), config.Image{GlibcMax: "new"}, "plan.wrong", "plan.base.glibc.hint"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Make(x.f, config.Config{Image: x.img})
			wantFault(t, err, x.msg, x.hint)
		})
	}
	t.Run("unknown sysroot", func(t *testing.T) {
		_, err := Make(sqlite(orders()), config.Config{Build: config.Build{CC: map[string]string{"linux/amd64": "gcc", "linux/arm64": "clang --target=aarch64-linux-gnu"}}})
		wantFault(t, err, "plan.base.sysroot", "plan.base.sysroot.hint")
	})
}

func TestSurroundings(t *testing.T) {
	type holds struct{ roots, zones, temp, users, home bool }
	all := []facts.Need{need(facts.NeedRoots, facts.Uses), need(facts.NeedZones, facts.May), need(facts.NeedTemp, facts.May), need(facts.NeedUser, facts.Uses), need(facts.NeedHome, facts.Uses)}
	for name, x := range map[string]struct {
		needs []facts.Need
		img   config.Image
		want  holds
	}{
		"nothing needed":       {nil, config.Image{}, holds{users: true}},
		"everything needed":    {all, config.Image{}, holds{true, true, true, true, true}},
		"roots embedded":       {append(slices.Clone(all), need(facts.NeedRootsIn, facts.Uses)), config.Image{}, holds{false, true, true, true, true}},
		"zones embedded":       {append(slices.Clone(all), need(facts.NeedZonesIn, facts.Uses)), config.Image{}, holds{true, false, true, true, true}},
		"asked for":            {nil, config.Image{CARoots: "on", Zones: "on", Temp: "on"}, holds{true, true, true, true, false}},
		"asked to be left out": {all, config.Image{CARoots: "off", Zones: "off", Temp: "off"}, holds{false, false, false, true, true}},
		"own bundle":           {nil, config.Image{CABundle: "corp.pem"}, holds{roots: true, users: true}},
		"reference":            {all, config.Image{Base: pinned}, holds{}},
		"reference, asked for": {nil, config.Image{Base: pinned, CARoots: "on", Zones: "on"}, holds{roots: true, zones: true}},
		"auto is the default":  {all, config.Image{CARoots: "auto", Zones: "auto", Temp: "auto"}, holds{true, true, true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustMake(t, withNeeds(x.needs...), config.Config{Image: x.img})
			b := p.Targets[0].Image.Base
			if got := (holds{b.Roots, b.Zones, b.Temp, b.Users, b.Home}); got != x.want {
				t.Errorf("%+v, want %+v", got, x.want)
			}
			if b.CABundle != x.img.CABundle {
				t.Errorf("bundle %q", b.CABundle)
			}
			for id, on := range map[string]bool{"roots": b.Roots, "zones": b.Zones, "temp": b.Temp, "home": b.Home, "users": b.Users} {
				if d := decision(t, p, id, ""); d.Choice != onOff(on) {
					t.Errorf("%s is said to be %s", id, d.Choice)
				}
			}
		})
	}
	// One of two programs carries its zones: the other still needs them.
	f := orders()
	one, two := f.Programs[0], f.Programs[0]
	two.Package = "a.com/other"
	one.Needs = []facts.Need{need(facts.NeedZones, facts.Uses), need(facts.NeedZonesIn, facts.Uses)}
	two.Needs = []facts.Need{need(facts.NeedZones, facts.Uses)}
	f.Programs = []facts.Program{one, two}
	if p := mustMake(t, f, config.Config{Targets: []string{"linux/amd64"}, Image: config.Image{Entrypoint: []string{"other"}}}); !p.Targets[0].Image.Base.Zones {
		t.Error("zones are left out although one program needs them")
	}
	_, err := Make(orders(), config.Config{Image: config.Image{CARoots: "off", CABundle: "corp.pem"}})
	wantFault(t, err, "plan.wrong", "plan.roots.bundle.off.hint")
}

func TestUserAndPorts(t *testing.T) {
	for user, want := range map[string]string{
		"": "65532:65532", "nonroot": "65532:65532", "root": "0:0", "1000": "1000:1000", "1000:0": "1000:0",
	} {
		if got := mustMake(t, orders(), config.Config{Image: config.Image{User: user}}).Targets[0].Image.User; got != want {
			t.Errorf("user %q gives %s, want %s", user, got, want)
		}
	}
	for _, user := range []string{"www-data", "1000:", ":1", "-1", "4294967295", "4294967296", "01", "1:2:3"} {
		_, err := Make(orders(), config.Config{Image: config.Image{User: user}})
		wantFault(t, err, "plan.wrong", "plan.user.hint")
	}
	low := orders()
	for i := range low.Programs {
		low.Programs[i].Ports = []facts.Port{{Port: 8080, Pos: at("main.go", 60)}, {Port: 443, Pos: at("main.go", 61)}, {Port: 0}, {Port: 70000}, {Port: 8080, Pos: at("debug.go", 2)}}
	}
	p := mustMake(t, low, config.Config{})
	if d := decision(t, p, "ports", ""); !slices.Equal(p.Targets[0].Image.Ports, []string{"443/tcp", "8080/tcp"}) || !hasFact(d, "plan.fact.port.low") {
		t.Errorf("%v, %v", p.Targets[0].Image.Ports, d.Facts)
	}
	p = mustMake(t, low, config.Config{Image: config.Image{Ports: []string{"53/udp", "9000", "53/udp"}, User: "root"}})
	if d := decision(t, p, "ports", ""); !slices.Equal(p.Targets[0].Image.Ports, []string{"53/udp", "9000/tcp"}) || hasFact(d, "plan.fact.port.low") || !rejects(d, "8080/tcp") {
		t.Errorf("%v, %v", p.Targets[0].Image.Ports, d)
	}
	for _, port := range []string{"0", "65536", "http", "80/icmp", "80/"} {
		_, err := Make(orders(), config.Config{Image: config.Image{Ports: []string{port}}})
		if port == "80/" {
			continue // an empty protocol is tcp
		}
		wantFault(t, err, "plan.wrong", "plan.ports.hint")
	}
}

func TestNamesAndLabels(t *testing.T) {
	for in, want := range map[string]string{
		"orders": "orders", "Orders_API": "orders_api", "acme/Shop": "acme/shop", "a--b": "a-b", "-x-": "x", "größe": "gr-e", "ß": "app", "a.b..c": "a.b.c", "//": "app", "9": "9",
	} {
		if got := repository(in); got != want {
			t.Errorf("%q gives the repository %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"v1.2.3": "v1.2.3", "v1.2.3+dirty": "v1.2.3-dirty", "": "latest", ".-x": "x", "2026/11": "2026-11", strings.Repeat("a", 200): strings.Repeat("a", 128),
	} {
		if got := imageTag(in); got != want {
			t.Errorf("%q gives the tag %q, want %q", in, got, want)
		}
	}
	p := mustMake(t, orders(), config.Config{Image: config.Image{
		Base: pinned, Tags: []string{"stable"},
		Labels:      map[string]string{"team": "shop", "org.opencontainers.image.title": "Orders"},
		Annotations: map[string]string{"org.opencontainers.image.licenses": "Apache-2.0"},
	}})
	img := p.Targets[0].Image
	for k, want := range map[string]string{
		"created": "2023-11-14T22:13:20Z", "revision": commit, "version": "v2.4.0", "source": "https://github.com/acme/orders", "title": "Orders",
	} {
		if got := img.Labels[ociPrefix+k]; got != want {
			t.Errorf("label %s is %q, want %q", k, got, want)
		}
	}
	if img.Labels["team"] != "shop" || img.Annotations[ociPrefix+"title"] != "orders" || img.Annotations[ociPrefix+"licenses"] != "Apache-2.0" {
		t.Errorf("labels %v, annotations %v", img.Labels, img.Annotations)
	}
	if img.Annotations[ociPrefix+"base.name"] != "registry.example.com/base" || img.Annotations[ociPrefix+"base.digest"] != strings.TrimPrefix(pinned, "registry.example.com/base@") {
		t.Errorf("base is said to be %v", img.Annotations)
	}
	if !slices.Equal(img.Tags, []string{"stable"}) {
		t.Errorf("tags %v", img.Tags)
	}
}

func TestImageSettings(t *testing.T) {
	img := mustMake(t, orders(), config.Config{Image: config.Image{
		Env: map[string]string{"B": "2", "A": "1"}, Workdir: "/srv", Cmd: []string{"serve"}, StopSignal: "SIGINT", Compression: "zstd",
		Healthcheck: config.Healthcheck{Cmd: []string{"/usr/local/bin/orders", "-health"}, Interval: "30s", Retries: 3},
		Files:       []config.File{{From: "./web/", To: "/srv/web/", Mode: "0755", User: "nonroot"}, {From: "motd", To: "/etc//", User: "1:2"}},
	}}).Targets[0].Image
	if !slices.Equal(img.Env, []string{"A=1", "B=2"}) || img.Workdir != "/srv" || img.Compression != "zstd" || img.StopSignal != "SIGINT" {
		t.Errorf("%+v", img)
	}
	if h := img.Healthcheck; h.Interval != int64(30*time.Second) || h.Retries != 3 {
		t.Errorf("%+v", h)
	}
	want := []File{{From: "web", To: "/srv/web/", Mode: 0o755, UID: 65532, GID: 65532}, {From: "motd", To: "/etc/", UID: 1, GID: 2}}
	if !slices.Equal(img.Files, want) {
		t.Errorf("files %+v", img.Files)
	}
	for name, x := range map[string]struct {
		img  config.Image
		hint string
	}{
		"file from above":     {config.Image{Files: []config.File{{From: "../x", To: "/x"}}}, "plan.files.from.hint"},
		"file from the root":  {config.Image{Files: []config.File{{From: "/etc/passwd", To: "/x"}}}, "plan.files.from.hint"},
		"file without source": {config.Image{Files: []config.File{{To: "/x"}}}, "plan.files.from.hint"},
		"file to nowhere":     {config.Image{Files: []config.File{{From: "x", To: "x"}}}, "plan.absolute.hint"},
		"mode":                {config.Image{Files: []config.File{{From: "x", To: "/x", Mode: "99"}}}, "plan.files.mode.hint"},
		"owner":               {config.Image{Files: []config.File{{From: "x", To: "/x", User: "bob"}}}, "plan.user.hint"},
		"workdir":             {config.Image{Workdir: "srv"}, "plan.absolute.hint"},
		"interval":            {config.Image{Healthcheck: config.Healthcheck{Cmd: []string{"x"}, Interval: "1ns"}}, "plan.duration.hint"},
		"retries":             {config.Image{Healthcheck: config.Healthcheck{Cmd: []string{"x"}, Retries: -1}}, "plan.retries.hint"},
		"compression":         {config.Image{Compression: "gzpi"}, "plan.nearest"},
		"entrypoint":          {config.Image{Entrypoint: []string{"order"}}, "plan.nearest"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Make(orders(), config.Config{Image: x.img})
			wantFault(t, err, "plan.wrong", x.hint)
		})
	}
}
