package image

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
)

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseReference(t *testing.T) {
	for in, want := range map[string]reference{
		"registry.example.com/a/b@" + someDigest:  {Host: "registry.example.com", Repo: "a/b", Digest: someDigest},
		"registry.example.com:5000/a:v1":          {Host: "registry.example.com:5000", Repo: "a", Tag: "v1"},
		"registry.example.com/a:v1@" + someDigest: {Host: "registry.example.com", Repo: "a", Tag: "v1", Digest: someDigest},
		"localhost/a":                                    {Host: "localhost", Repo: "a"},
		"[::1]:5000/a:v1":                                {Host: "[::1]:5000", Repo: "a", Tag: "v1"},
		"oci:dist/image":                                 {Dir: "dist/image"},
		"oci:/some@where/image":                          {Dir: "/some@where/image"},
		"oci:" + `/C:/x@y/image`:                         {Dir: "/C:/x@y/image"},
		"oci:/some@where/image@" + someDigest:            {Dir: "/some@where/image", Digest: someDigest},
		"oci:./x/@" + someDigest:                         {Dir: "x", Digest: someDigest},
		"registry.example.com/a_b/c-d/e.f:V_1.2-x" + "y": {Host: "registry.example.com", Repo: "a_b/c-d/e.f", Tag: "V_1.2-xy"},
	} {
		got, err := parseReference(in)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                            "names no registry",
		"alpine":                      "names no registry",
		"library/alpine:3":            "names no registry",
		"registry.example.com":        "names no registry",
		"registry.example.com/":       "not the name of an image",
		"registry.example.com/A":      "not the name of an image",
		"registry.example.com/a b":    "not the name of an image",
		"registry.example.com/a:":     "",
		"registry.example.com/a@v1":   "not sha256",
		"registry.example.com/a@":     "not sha256",
		"user:pw@registry.example/a":  "not sha256",
		"https://registry.example/a":  "not the name of an image",
		"oci:":                        "not the name of an image",
		"oci:dir@sha512:00":           "not sha256",
		"oci:dir@sha256:" + "0123456": "not sha256",
		"registry.example.com/a@" + strings.ToUpper(someDigest): "not sha256",
	} {
		got, err := parseReference(in)
		if want == "" {
			continue
		}
		if err == nil {
			t.Errorf("%s: got %+v, want an error", in, got)
			continue
		}
		wantWords(t, err, fault.Usage, want)
	}
}

// FuzzReference holds that whatever is accepted is written back as something
// that means the same.
func FuzzReference(f *testing.F) {
	for _, s := range []string{
		"registry.example.com/a/b@" + someDigest, "localhost:5000/a:v1", "oci:dir", "oci:d@" + someDigest, "a@b@c", "oci:@", "[::1]:5/a", "x.y/a:",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseReference(s)
		if err != nil {
			return
		}
		if r.Digest != "" {
			r.Tag = ""
		}
		again, err := parseReference(r.String())
		if err != nil || again != r {
			t.Fatalf("%q -> %+v -> %q -> %+v, %v", s, r, r.String(), again, err)
		}
	})
}

// FuzzManifest holds that what a foreign document leads to is checked: digests
// that become paths, sizes that become buffers, layers an image may hold.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"` + someDigest + `","size":5,"platform":{"os":"linux","architecture":"arm64","variant":"v8"}}]}`))
	f.Add([]byte(`{"schemaVersion":2,"config":{"digest":"` + someDigest + `","size":5},"layers":[{"mediaType":"` + MediaTypeLayerGzip + `","digest":"` + someDigest + `","size":9}]}`))
	f.Add([]byte(`{"schemaVersion":1,"fsLayers":[]}`))
	f.Add([]byte(`{"manifests":[],"layers":[]}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := readDocument(raw, "x")
		if err != nil {
			if _, ok := err.(*fault.Error); !ok {
				t.Fatalf("%T", err)
			}
			return
		}
		if d.isIndex() == (d.Config != nil) {
			t.Fatal("both or neither")
		}
		for _, m := range append(append([]Descriptor{}, d.Manifests...), d.Layers...) {
			if _, err := hexOf(m.Digest); err != nil || m.Size < 0 {
				t.Fatalf("%+v", m)
			}
		}
		if d.isIndex() {
			_ = d.platforms()
			if m := d.choose(arm64); m != nil && (m.Platform == nil || m.Platform.Architecture != "arm64") {
				t.Fatalf("%+v for arm64", m)
			}
			return
		}
		if d.Config.Size > maxManifest {
			t.Fatal("a configuration of any size")
		}
		conf, err := readConfig(raw, "x", len(d.Layers))
		if err == nil && len(conf.RootFS.DiffIDs) != len(d.Layers) {
			t.Fatal("layers and diffIDs differ")
		}
	})
}

func TestChoosePlatform(t *testing.T) {
	index := func(list ...string) document {
		d := document{Manifests: []Descriptor{}}
		for i, s := range list {
			f := append(strings.Split(s, "/"), "")
			d.Manifests = append(d.Manifests, Descriptor{Size: int64(i), Platform: &Platform{OS: f[0], Architecture: f[1], Variant: f[2]}})
		}
		d.Manifests = append(d.Manifests, Descriptor{Size: -1}) // no platform at all
		return d
	}
	for _, tc := range []struct {
		want string
		have []string
		got  int // -2: none
	}{
		{"linux/amd64", []string{"linux/arm64", "linux/amd64", "linux/amd64"}, 1},
		{"linux/amd64", []string{"linux/amd64/v3"}, -2},
		{"linux/amd64/v3", []string{"linux/amd64", "linux/amd64/v2", "linux/amd64/v4"}, 1},
		{"linux/amd64/v2", []string{"linux/amd64/v2", "linux/amd64"}, 0},
		{"linux/arm64", []string{"linux/arm64/v8"}, 0},
		{"linux/arm64", []string{"linux/arm64/v9", "linux/arm64"}, 1},
		{"linux/arm64/v9", []string{"linux/arm64/v8", "linux/arm"}, 0},
		{"linux/arm/v7", []string{"linux/arm/v5", "linux/arm/v6", "linux/arm64"}, 1},
		{"linux/arm/v6", []string{"linux/arm/v7", "linux/arm"}, -2},
		{"linux/arm/v7", []string{"linux/arm"}, 0},
		{"linux/riscv64", []string{"linux/riscv64"}, 0},
		{"linux/riscv64/rva22", []string{"linux/riscv64/rva23", "linux/riscv64"}, 1},
		{"windows/amd64", []string{"linux/amd64", "unknown/unknown"}, -2},
	} {
		f := append(strings.Split(tc.want, "/"), "")
		m := index(tc.have...).choose(plan.Platform{OS: f[0], Arch: f[1], Variant: f[2]})
		got := -2
		if m != nil {
			got = int(m.Size)
		}
		if got != tc.got {
			t.Errorf("%s among %v: got %d, want %d", tc.want, tc.have, got, tc.got)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		`Get "https://u:p@h.example/v2/x?sig=s": refused`: `Get "https://h.example/v2/x": refused`,
		`https://h/a https://x:y@z:1/b?c=d`:               `https://h/a https://z:1/b`,
		`no URL: a@b ?c`:                                  `no URL: a@b ?c`,
		`ftp://`:                                          `ftp://`,
	} {
		if got := redact(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got := oneLine("a\x1b[31m\nb"+strings.Repeat("é", 9), 12); got != "a [31m bé…" && !json.Valid([]byte(`"`+got+`"`)) {
		t.Errorf("%q", got)
	}
}

func TestReferenceBelow(t *testing.T) {
	cases := map[string]string{
		"oci:base@" + someDigest: "oci:/srv/app/base@" + someDigest, "oci:../a@b": "oci:/srv/a@b", "oci:/abs": "oci:/abs", "localhost/a/b": "localhost/a/b",
	}
	project := "/srv/app"
	if runtime.GOOS == "windows" {
		project = `C:\srv\app`
		cases = map[string]string{
			"oci:base/x@" + someDigest: `oci:C:\srv\app\base\x@` + someDigest, `oci:..\a@b`: `oci:C:\srv\a@b`,
			`oci:D:\abs`: `oci:D:\abs`, "oci:/rooted": `oci:C:\rooted`, "localhost/a/b": "localhost/a/b",
		}
	}
	for in, want := range cases {
		r, err := parseReference(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.below(project).String(); got != want {
			t.Errorf("%s below %s: %s, want %s", in, project, got, want)
		}
	}
}
