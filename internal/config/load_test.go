package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// write puts content into a slipway.yaml of its own and gives the directory.
func write(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// full sets every key.
const full = `
main: [./cmd/api, ./cmd/worker]
name: orders
version: 1.20
go: 1.25.7
targets:
  - linux/amd64
  - linux/arm/v7
output: out
build:
  cgo: on
  tags: [netgo]
  ldflags: ["-X 'main.a=b c'"]
  gcflags: [-l]
  strip: on
  debug: on
  fips: v1.0.0
  env: {GOAMD64: v3, CGO_CFLAGS: ""}
  cc: {linux/arm64: aarch64-linux-gnu-gcc}
  stamp: {main.version: "{version}", example.com/x/y.Commit: "{commit} of {date}"}
  sysroot: {linux/arm64: /usr/aarch64-linux-gnu}
image:
  base: registry.example.com/base@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  caBundle: ca.pem
  caRoots: on
  zones: off
  temp: auto
  shell: required
  glibcMax: 2.26
  user: 1000:1000
  entrypoint: [/bin/orders]
  cmd: [serve, ""]
  env: {A: 1, B: true, C: ""}
  workdir: /srv
  ports: [8080, 9090/udp]
  labels: {org.example.team: orders}
  annotations: {a: b}
  stopSignal: SIGRTMIN+3
  healthcheck:
    cmd: [/bin/orders, health]
    interval: 1m30s
    timeout: 5s
    startPeriod: 10s
    retries: 3
  files:
    - {from: assets, to: /srv/assets, mode: 0750, user: nonroot}
    - from: LICENSE
      to: /LICENSE
  compression: zstd
  tags: [v1, latest]
check:
  rules: v1
  severity: security
  disable: {IMG006: "the context is a mirror, downloads are free"}
  licenses:
    allow: [MIT, BSD-3-Clause]
    deny: [AGPL-3.0-only]
    exceptions: {example.com/x/y/v2: bought a licence}
  vulnerabilities:
    database: https://osv.example.com/go
    ignore: {GO-2024-0001: we never parse what users send}
verify:
  probe: http://:8080/healthz
  expectStop: 10s
  slow: http://:8080/export
  reload: SIGHUP
  runner: runc
  memory: 64MiB
  env: {LOG: debug}
  args: [serve]
  reach: {"db:5432": "127.0.0.1:5432"}
  egress: ["*.example.com:443"]
  matrix:
    dns: http://:8080/resolve?name={name}
    tls: http://:8080/dial?url={url}
    time: http://:8080/time?zone={zone}
    tmp: http://:8080/tmp
    user: http://:8080/user
    db: http://:8080/db?dsn={dsn}
    databases: {scram: "postgres://u:p@db:5432/x"}
`

func TestLoadEveryKey(t *testing.T) {
	dir := write(t, full)
	s, err := Load(Input{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.List() {
		if e.Origin.Kind != FromFile || e.Origin.Pos.Line == 0 || e.Origin.Pos.Column == 0 {
			t.Errorf("%s: origin %+v, want a place in the file", e.Key, e.Origin)
		}
		if e.Text() == "" {
			t.Errorf("%s: no value", e.Key)
		}
	}
	c := s.Config
	for got, want := range map[any]any{
		c.Version: "1.20", c.Go: "1.25.7", c.Image.GlibcMax: "2.26", c.Build.CGO: "on", c.Image.Zones: "off",
		c.Image.User: "1000:1000", c.Image.Healthcheck.Retries: 3, c.Image.Files[0].Mode: "0750",
		c.Image.Env["B"]: "true", c.Image.Env["A"]: "1", c.Image.Ports[0]: "8080", len(c.Image.Env): 3,
		c.Image.Files[1]: File{From: "LICENSE", To: "/LICENSE", User: "0:0"},
	} {
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got, want := s.Origins["build.cgo"].Pos.String(), filepath.Join(dir, FileName)+":11:3"; got != want {
		t.Errorf("build.cgo is at %s, want %s", got, want)
	}
}

func TestPrecedence(t *testing.T) {
	dir := write(t, "name: file\nversion: v1\ntargets: [linux/amd64, linux/arm64]\noutput: out\nbuild: {cgo: off, tags: [a]}\n")
	s, err := Load(Input{
		Dir:       dir,
		Env:       []string{"PATH=/bin", "SLIPWAY_LANG=zh", "SLIPWAY_NAME=env", "SLIPWAY_VERSION=v2", "SLIPWAY_IMAGE_STOP_SIGNAL=SIGINT", "SLIPWAY_OUTPUT=", `SLIPWAY_BUILD_LDFLAGS=-X,"a,b"`, "SLIPWAY_IMAGE_ENV=A=1,B=x=y"},
		KnownEnv:  []string{"SLIPWAY_LANG"},
		Flags:     map[string]string{"name": "flag", "targets": "linux/riscv64", "image.healthcheck.retries": "2", "image.healthcheck.cmd": "/check", "build.tags": ""},
		FlagNames: map[string]string{"targets": "--target"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{}
	for _, e := range s.List() {
		o := string(e.Origin.Kind)
		if e.Origin.Name != "" {
			o += " " + e.Origin.Name
		}
		got[e.Key] = [2]string{e.Text(), o}
	}
	for k, want := range map[string][2]string{
		"name":                      {"flag", "flag --set name"},
		"version":                   {"v2", "env SLIPWAY_VERSION"},
		"targets":                   {"linux/riscv64", "flag --target"},
		"output":                    {"out", "file"},
		"build.cgo":                 {"off", "file"},
		"build.tags":                {"", "flag --set build.tags"},
		"build.strip":               {"on", "default"},
		"build.ldflags":             {`-X,"a,b"`, "env SLIPWAY_BUILD_LDFLAGS"},
		"image.user":                {"nonroot", "default"},
		"image.env":                 {"A=1,B=x=y", "env SLIPWAY_IMAGE_ENV"},
		"image.stopSignal":          {"SIGINT", "env SLIPWAY_IMAGE_STOP_SIGNAL"},
		"image.healthcheck.retries": {"2", "flag --set image.healthcheck.retries"},
		"image.ports":               {"", "default"},
	} {
		if got[k] != want {
			t.Errorf("%s: got %q, want %q", k, got[k], want)
		}
	}
	if want := []string{"-X", "a,b"}; !reflect.DeepEqual(s.Config.Build.Ldflags, want) {
		t.Errorf("ldflags %q, want %q", s.Config.Build.Ldflags, want)
	}
}

func TestFileForms(t *testing.T) {
	for name, content := range map[string]string{
		"empty":         "",
		"comments":      "# nothing\n",
		"document mark": "---\nname: orders\n...\n",
		"BOM and CRLF":  "\ufeffname: orders\r\nbuild:\r\n  cgo: off\r\n",
		"keys alone":    "name:\nbuild:\nimage:\n  healthcheck:\n  ports:\n",
		"anchor":        "name: &n orders\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Load(Input{Dir: write(t, content)})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(content, "orders") && s.Config.Name != "orders" {
				t.Errorf("name %q", s.Config.Name)
			}
			if s.Config.Output != "dist" {
				t.Errorf("output %q, want the default", s.Config.Output)
			}
		})
	}
	if _, err := Load(Input{Dir: t.TempDir()}); err != nil {
		t.Errorf("a project without a file: %v", err)
	}
}

func TestFileMistakes(t *testing.T) {
	digest := strings.Repeat("a", 64)
	for _, tc := range []struct{ content, want, hint string }{
		{"nmae: x\n", `1:1: unknown key nmae`, "did you mean name?"},
		{"name: x\nbuild:\n  tag: [a]\n", `3:3: unknown key build.tag`, "did you mean tags?"},
		{"user: root\n", `1:1: unknown key user`, "did you mean image.user?"},
		{"image:\n  ca_bundle: x\n", `2:3: unknown key image.ca_bundle`, "did you mean caBundle?"},
		{"zzzzzz: 1\n", `1:1: unknown key zzzzzz`, "the keys here are: main, name, version, go, targets, output, build, image, check, verify"},
		{"image:\n  files:\n    - {from: a, to: /a, own: root}\n", `3:25: unknown key image.files.own`, "the keys here are: from, to, mode, user"},
		{"name: a\nname: b\n", `2:1: slipway.yaml: "name" is given twice`, "the first one is on line 1"},
		{"image: {env: {A: 1, A: 2}}\n", `1:21: image.env: "A" is given twice`, "the first one is on line 1"},
		{"build: {cgo: yes}\n", `1:14: build.cgo: "yes" is not a valid value`, "write one of: auto, on, off"},
		{"build: {cgo: atuo}\n", `1:14: build.cgo: "atuo" is not a valid value`, "did you mean auto?"},
		{"build: on\n", `1:8: build must be a section with keys of its own`, "the keys here are: cgo, tags, ldflags, gcflags, strip, debug, fips, env, cc, stamp, sysroot"},
		{"- name\n", `1:1: the file must hold keys with values`, "the keys here are: main, name, version, go, targets, output, build, image, check, verify"},
		{"targets: linux/amd64\n", `1:10: targets must be a list`, "write targets: [linux/amd64]"},
		{"targets:\n  - linux/amd64\n  - linux-arm64\n", `3:5: targets: "linux-arm64" is not a valid value`, "write os/arch or os/arch/variant, such as linux/arm64 or linux/arm/v7"},
		{"targets: [[a]]\n", `1:11: targets must be a text`, "write os/arch or os/arch/variant, such as linux/arm64 or linux/arm/v7"},
		{"targets: ['']\n", `1:11: targets: the value is empty`, "write os/arch or os/arch/variant, such as linux/arm64 or linux/arm/v7"},
		{"name: {a: b}\n", `1:7: name must be a text`, "write lower-case letters and digits, with . _ - between them"},
		{"name: !!binary aGk=\n", `1:7: name must be a text`, "write lower-case letters and digits, with . _ - between them"},
		{"name: My App\n", `1:7: name: "My App" is not a valid value`, "write lower-case letters and digits, with . _ - between them"},
		{"name: \"a\\0\"\n", `1:7: name: "a\x00" is not a valid value`, "remove the NUL character"},
		{"go: go1.25\n", `1:5: go: "go1.25" is not a valid value`, "write a Go release without the word go, such as 1.25.7"},
		{"main: [-o=x]\n", `1:8: main: "-o=x" is not a valid value`, "write a package pattern such as . or ./cmd/..."},
		{"output: ../..\n", `1:9: output: "../.." is not a valid value`, "name a directory of its own, such as dist"},
		{"build: {tags: [a+b]}\n", `1:16: build.tags: "a+b" is not a valid value`, "tags are a set: write a,b to make both true; + and ! mean nothing to the go command, and a tag that is not listed is false"},
		{"build: {env: {GOOS: linux}}\n", `1:15: build.env: "GOOS" is not a valid name`, "set targets instead"},
		{"build: {env: {A: }}\n", `1:18: build.env: A has no value`, `write A: "" for an empty value`},
		{"build: {env: [A=b]}\n", `1:14: build.env must be a table of names and values`, "write NAME: value"},
		{"build: {cc: {arm64: gcc}}\n", `1:14: build.cc: "arm64" is not a valid name`, "write os/arch: compiler, such as linux/arm64: aarch64-linux-gnu-gcc"},
		{"build: {stamp: {main.v: '{verison}'}}\n", `1:25: build.stamp: "{verison}" is not a valid value`, "did you mean {version}?"},
		{"build: {fips: on}\n", `1:15: build.fips: "on" is not a valid value`, "write off, latest, inprocess, certified or a version such as v1.0.0"},
		{"image: {base: asembled}\n", `1:15: image.base: "asembled" is not a valid value`, "did you mean assembled?"},
		{"image: {base: a/b@sha256:" + digest[1:] + "}\n", `1:15: image.base: "a/b@sha256:` + digest[1:] + `" is not a valid value`, "write auto, assembled, closure, registry/repo@sha256:<64 hex digits> or oci:directory"},
		{"image: {user: bob}\n", `1:15: image.user: "bob" is not a valid value`, "write nonroot, root, or numbers as uid or uid:gid, such as 1000:1000"},
		{"image: {user: 4294967296}\n", `1:15: image.user: "4294967296" is not a valid value`, "write nonroot, root, or numbers as uid or uid:gid, such as 1000:1000"},
		{"image: {ports: [0]}\n", `1:17: image.ports: "0" is not a valid value`, "write a port from 1 to 65535, with /tcp, /udp or /sctp if need be"},
		{"image: {ports: [8080/http]}\n", `1:17: image.ports: "8080/http" is not a valid value`, "write a port from 1 to 65535, with /tcp, /udp or /sctp if need be"},
		{"image: {workdir: srv}\n", `1:18: image.workdir: "srv" is not a valid value`, "write an absolute path, beginning with /"},
		{"image: {healthcheck: {cmd: [a], interval: 30}}\n", `1:43: image.healthcheck.interval: "30" is not a valid value`, "write a duration of at least 1ms, such as 30s or 1m30s"},
		{"image: {healthcheck: {cmd: [a], retries: -1}}\n", `1:42: image.healthcheck.retries must be a whole number`, "write a whole number, 0 or more"},
		{"image: {healthcheck: {interval: 30s}}\n", `1:23: image.healthcheck.interval and image.healthcheck.cmd contradict each other`, "there is no check without image.healthcheck.cmd"},
		{"image: {files: [{from: a}]}\n", `1:17: image.files: to has no value`, "write an absolute path, beginning with /"},
		{"image: {files: [{from: a, to: /a, mode: 0888}]}\n", `1:41: image.files.mode: "0888" is not a valid value`, "write octal permissions up to 07777, such as 0644"},
		{"image: {files: /a}\n", `1:16: image.files must be a list`, "write a dash, then from: and to:"},
		{"image: {tags: [a/b]}\n", `1:16: image.tags: "a/b" is not a valid value`, "write up to 128 letters, digits and . _ -, not beginning with . or -"},
		{"build: {cgo: off}\nimage: {base: closure}\n", `2:9: image.base and build.cgo contradict each other`, "a closure base carries the C libraries of a cgo program; with cgo off there are none"},
		{"image: {base: assembled, shell: required}\n", `1:26: image.shell and image.base contradict each other`, "only an existing image can bring a shell: set image.base to registry/repo@sha256:…"},
		{"image: {caRoots: off, caBundle: x.pem}\n", `1:23: image.caBundle and image.caRoots contradict each other`, "the bundle is added to the public roots: leave image.caRoots at auto"},
		{"build: {strip: off, debug: on}\n", `1:21: build.debug and build.strip contradict each other`, "the separate file holds what is stripped from the binary: leave build.strip at on"},
		{"build: &b {cgo: on}\nimage: *b\n", `2:8: aliases and merge keys are not supported`, "write the value out"},
		{"a: &a [x]\nname: x\n", `1:1: unknown key a`, "the keys here are: main, name, version, go, targets, output, build, image, check, verify"},
		{"image: {env: {<<: {A: b}}}\n", `1:15: aliases and merge keys are not supported`, "write the value out"},
		{"? [a]\n: b\n", `1:3: a key must be a plain text`, ""},
		{"name: a\n---\nname: b\n", `2:1: a second document begins here`, "keep one document in the file: remove the --- line"},
		{"name: [a\n", `1: not valid YAML: did not find expected ',' or ']'`, ""},
		{"name: a\n\tgo: 1.25\n", `2: not valid YAML: found a tab character that violates indentation`, ""},
		{"name: \xff\n", `not valid YAML: invalid leading UTF-8 octet`, ""},
	} {
		t.Run(tc.content, func(t *testing.T) {
			dir := write(t, tc.content)
			_, err := Load(Input{Dir: dir})
			f, ok := err.(*fault.Error)
			if !ok {
				t.Fatalf("got %v (%T), want a *fault.Error", err, err)
			}
			got := strings.TrimPrefix(f.Error(), filepath.Join(dir, FileName)+":")
			if strings.TrimSpace(got) != tc.want || f.Hint.String() != tc.hint || f.Code != fault.Usage {
				t.Errorf("code %d\n got %q\nwant %q\n got %q\nwant %q", f.Code, got, tc.want, f.Hint, tc.hint)
			}
			if zh := f.In(i18n.Chinese); zh == f.Error() {
				t.Errorf("no Chinese form of %q", zh)
			}
		})
	}
}

func TestOtherMistakes(t *testing.T) {
	dir := write(t, "build: {cgo: off}\n")
	_, statErr := os.Stat(filepath.Join(dir, "no.yaml"))
	for _, tc := range []struct {
		in         Input
		want, hint string
	}{
		{Input{Env: []string{"SLIPWAY_BUILD_CG0=on"}}, "the environment variable SLIPWAY_BUILD_CG0 names no setting", "did you mean SLIPWAY_BUILD_CGO?"},
		{Input{Env: []string{"SLIPWAY_LAGN=zh"}, KnownEnv: []string{"SLIPWAY_LANG"}}, "the environment variable SLIPWAY_LAGN names no setting", "did you mean SLIPWAY_LANG?"},
		{Input{Env: []string{"SLIPWAY_IMAGE=x"}}, "the environment variable SLIPWAY_IMAGE names no setting", "slipway config lists all settings and their variables"},
		{Input{Env: []string{"SLIPWAY_IMAGE_FILES=a"}}, "the environment variable SLIPWAY_IMAGE_FILES names no setting", "did you mean SLIPWAY_IMAGE_ZONES?"},
		{Input{Env: []string{"SLIPWAY_BUILD_CGO=1"}}, `SLIPWAY_BUILD_CGO: "1" is not a valid value`, "write one of: auto, on, off"},
		{Input{Env: []string{"SLIPWAY_BUILD_ENV=A"}}, `SLIPWAY_BUILD_ENV: "A" is not a valid value`, "write name=value, with commas between pairs"},
		{Input{Env: []string{"SLIPWAY_BUILD_ENV=A=1,A=2"}}, `SLIPWAY_BUILD_ENV: "A" is given twice`, ""},
		{Input{Env: []string{"SLIPWAY_TARGETS=linux/amd64,,"}}, `SLIPWAY_TARGETS: "" is not a valid value`, "write os/arch or os/arch/variant, such as linux/arm64 or linux/arm/v7"},
		{Input{Env: []string{"SLIPWAY_TARGETS=linux/amd64\nlinux/arm64"}}, `SLIPWAY_TARGETS: "linux/amd64\nlinux/arm64" is not a valid value`, "write items with commas between them; quote an item that holds a comma"},
		{Input{Flags: map[string]string{"image.ports": "x"}, FlagNames: map[string]string{"image.ports": "--port"}}, `--port: "x" is not a valid value`, "write a port from 1 to 65535, with /tcp, /udp or /sctp if need be"},
		{Input{Flags: map[string]string{"image.healthcheck.retries": "x"}}, `--set image.healthcheck.retries: "x" is not a valid value`, "write a whole number, 0 or more"},
		{Input{Flags: map[string]string{"image.usr": "x"}}, "unknown key image.usr", "did you mean image.user?"},
		{Input{Flags: map[string]string{"images.workdri": "x"}}, "unknown key images.workdri", "did you mean image.workdir?"},
		{Input{Flags: map[string]string{"workdir": "x"}}, "unknown key workdir", "did you mean image.workdir?"},
		{Input{Flags: map[string]string{"what.ever": "x"}}, "unknown key what.ever", "slipway config lists all settings and their variables"},
		{Input{Flags: map[string]string{"image.files": "x"}}, "--set image.files cannot be set by a flag", "slipway config lists all settings and their variables"},
		{Input{Flags: map[string]string{"image.base": "closure"}, FlagNames: map[string]string{"image.base": "--base"}, Dir: dir}, filepath.Join(dir, FileName) + ":1:9: --base and build.cgo contradict each other", "a closure base carries the C libraries of a cgo program; with cgo off there are none"},
		{Input{File: filepath.Join(dir, "no.yaml")}, filepath.Join(dir, "no.yaml") + ": cannot read the configuration: " + reason(statErr).Error(), ""},
		{Input{File: dir}, dir + ": the configuration is not a regular file", ""},
		{Input{File: os.DevNull}, os.DevNull + ": the configuration is not a regular file", ""},
	} {
		if tc.in.Dir == "" {
			tc.in.Dir = t.TempDir()
		}
		_, err := Load(tc.in)
		f, ok := err.(*fault.Error)
		if !ok {
			t.Errorf("%+v: got %v (%T), want a *fault.Error", tc.in, err, err)
			continue
		}
		if f.Error() != tc.want || f.Hint.String() != tc.hint || f.Code != fault.Usage {
			t.Errorf("%+v:\n got %q\nwant %q\n got %q\nwant %q", tc.in, f, tc.want, f.Hint, tc.hint)
		}
	}
}

func TestFileNamesAndSizes(t *testing.T) {
	dir := t.TempDir()
	yml := filepath.Join(dir, "slipway.yml")
	if err := os.WriteFile(yml, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{Dir: dir}); err == nil || !strings.Contains(err.Error(), "slipway.yml: this file is not read") {
		t.Errorf("slipway.yml is passed over: %v", err)
	}
	if _, err := Load(Input{Dir: dir, File: yml}); err != nil {
		t.Errorf("slipway.yml named by --config: %v", err)
	}
	for size, ok := range map[int]bool{MaxFileSize: true, MaxFileSize + 1: false} {
		_, err := Load(Input{Dir: write(t, strings.Repeat("#", size))})
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestPositionsAreRelative(t *testing.T) {
	dir := write(t, "nmae: x\n")
	up := filepath.Dir(dir)
	for base, want := range map[string]string{
		"": filepath.Join(dir, FileName), dir: FileName, up: filepath.Base(dir) + "/" + FileName,
		filepath.Join(dir, "sub"): filepath.Join(dir, FileName),
	} {
		_, err := Load(Input{Dir: dir, Base: base})
		if err == nil || !strings.HasPrefix(err.Error(), want+":1:1: ") {
			t.Errorf("from %q: %v, want %s", base, err, want)
		}
	}
}

func TestListRoundTrip(t *testing.T) {
	for _, l := range [][]string{nil, {"a"}, {"a", "b"}, {"a,b", `say "hi"`, " c ", `-X 'main.a=b c'`}, {"", ""}, {`"`}} {
		got, ok := SplitList(JoinList(l))
		if !ok || !reflect.DeepEqual(got, l) {
			t.Errorf("%q -> %q -> %q, %v", l, JoinList(l), got, ok)
		}
	}
}

func TestNearest(t *testing.T) {
	c := []string{"name", "caBundle", "tags", "targets"}
	for word, want := range map[string]string{
		"nmae": "name", "NAME": "name", "ca-bundle": "caBundle", "cabundel": "caBundle", "target": "targets",
		"tag": "tags", "x": "", "": "", "entirely different": "",
	} {
		if got := Nearest(word, c); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(full))
	for _, s := range []string{"", "a: &a [*a]", "? {a: b}\n: c", "\ufeffname: x\r\n", "name: !!int x", "image: {files: [~]}", "--- a\n--- b", "<<: {name: x}", "build: {env: {? : x}}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Settings{Origins: map[string]Origin{}}
		err := s.decode("f", b)
		if err == nil {
			return
		}
		fe, ok := err.(*fault.Error)
		if !ok || fe.Code != fault.Usage || fe.Pos.File != "f" || fe.Msg.IsZero() {
			t.Errorf("%q: not an error a person can act on: %#v", b, err)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(full), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Load(Input{Dir: dir}); err != nil {
			b.Fatal(err)
		}
	}
}
