package facts

import (
	"os"
	"path/filepath"
	"testing"
)

func cachedFiles(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, "cache", "download", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadPublished(t *testing.T) {
	cache := cachedFiles(t, map[string]string{
		"example.com/!lib/@v/v1.2.0.mod":                  "module example.com/Lib\n",
		"example.com/!lib/@v/v1.4.0.mod":                  "// Deprecated: use\n// example.com/new.\nmodule example.com/Lib\n\nretract (\n\t// loses\n\t// data\n\t[v1.1.0, v1.2.5]\n)\n",
		"example.com/!lib/@v/v1.5.0-rc.1.mod":             "module example.com/Lib\n",
		"example.com/self/@v/v1.0.1.mod":                  "module example.com/self\n\nretract v1.0.1\n",
		"example.com/tagged/@v/v0.3.0.info":               `{"Version":"v0.3.0","Origin":{"VCS":"git","Hash":"0123456789abcdef0123456789abcdef01234567","Ref":"refs/tags/v0.3.0"}}`,
		"example.com/tagged/@v/v0.2.0.info":               `{"Version":"v0.2.0","Origin":{"VCS":"git","Hash":"ffff456789abcdef0123456789abcdef01234567","Ref":"refs/tags/v0.2.0"}}`,
		"example.com/replaced/@v/v1.1.0.mod":              "// Deprecated: no\nmodule example.com/replaced\n",
		"example.com/other/@v/v1.1.0.mod":                 "// Deprecated: no\nmodule example.com/renamed\n",
		"example.com/broken/@v/v1.1.0.mod":                "retract [[[\x00",
		"example.com/incompat/@v/v2.0.0+incompatible.mod": "module example.com/incompat\n",
	})
	m := RepoModule{Requires: []Require{
		{Path: "example.com/Lib", Version: "v1.2.0"}, {Path: "example.com/Lib", Version: "v1.3.0"},
		{Path: "example.com/self", Version: "v1.0.1"},
		{Path: "example.com/tagged", Version: "v0.0.0-20240101000000-0123456789ab"},
		{Path: "example.com/tagged", Version: "v0.0.0-20240101000000-aaaa456789ab"},
		{Path: "example.com/replaced", Version: "v1.0.0"}, {Path: "example.com/other", Version: "v1.0.0"},
		{Path: "example.com/broken", Version: "v1.0.0"}, {Path: "example.com/none", Version: "v1.0.0"},
		{Path: "example.com/incompat", Version: "v2.0.0+incompatible"}, {Path: "../../etc", Version: "v1.0.0"},
	}}
	m.Replaces = []Replace{{Old: "example.com/replaced@v1.0.0", New: "example.com/fork@v1.0.0"}}
	got, err := ReadPublished(t.Context(), &Repo{Modules: []RepoModule{m}}, cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 {
		t.Fatalf("got %d: %+v", len(got), got)
	}
	lib, lib3, self, tagged := got[0], got[1], got[2], got[3]
	if lib.Latest != "v1.4.0" || lib.Retracted == nil || lib.Retracted.Value != "loses data" || lib.Retracted.Pos != (Pos{File: "example.com/Lib@v1.4.0/go.mod", Line: 8, Column: 2}) {
		t.Errorf("retracted: %+v %+v", lib, lib.Retracted)
	}
	if lib.Deprecated == nil || lib.Deprecated.Value != "use example.com/new." || lib3.Retracted != nil || lib3.Deprecated == nil {
		t.Errorf("deprecated: %+v, %+v", lib, lib3)
	}
	if self.Path != "example.com/self" || self.Retracted == nil {
		t.Errorf("a version may retract itself: %+v", self)
	}
	if tagged.Tag != "v0.3.0" || tagged.Version != "v0.0.0-20240101000000-0123456789ab" {
		t.Errorf("tagged: %+v", tagged)
	}
}

func TestNewerPrefersReleases(t *testing.T) {
	for _, x := range []struct {
		v, w string
		want bool
	}{
		{"v1.0.0", "", true}, {"v1.1.0", "v1.0.0", true}, {"v1.0.0", "v1.1.0", false}, {"v2.0.0-rc.1", "v1.0.0", false},
		{"v1.0.0", "v2.0.0-rc.1", true}, {"v1.0.1-0.20240101000000-0123456789ab", "v1.0.0-rc.1", false},
	} {
		if newer(x.v, x.w) != x.want {
			t.Errorf("%s newer than %q: want %v", x.v, x.w, x.want)
		}
	}
}

// FuzzPublished holds that no bytes in the cache stop the reader.
func FuzzPublished(f *testing.F) {
	f.Add([]byte("// Deprecated: x\nmodule a.b/c\nretract [v1.0.0, v1.1.0]\n"), []byte(`{"Origin":{"Hash":"0123456789ab","Ref":"refs/tags/v1.0.0"}}`))
	f.Add([]byte("retract"), []byte("0123456789ab"))
	f.Fuzz(func(t *testing.T, mod, info []byte) {
		cache := cachedFiles(t, map[string]string{"a.b/c/@v/v1.2.0.mod": string(mod), "a.b/c/@v/v1.2.0.info": string(info)})
		readPublished("a.b/c", "v1.1.0", cache)
		readPublished("a.b/c", "v0.0.0-20240101000000-0123456789ab", cache)
	})
}

func TestAdvisoryAffects(t *testing.T) {
	a := Advisory{Ranges: []VersionRange{{Fixed: "v1.2.3"}, {Introduced: "v2.0.0", LastAffected: "v2.1.0"}, {Introduced: "v3.0.0"}}}
	for v, want := range map[string]string{
		"v1.2.2": "v1.2.3", "v0.0.0-20200101000000-0123456789ab": "v1.2.3", "v1.2.3-0.20200101000000-0123456789ab": "v1.2.3",
		"v1.2.3": "no", "v2.0.0+incompatible": "", "v2.1.0": "", "v2.1.1": "no", "v3.9.9": "", "main": "no", "": "no",
	} {
		got, ok := a.Affects(v)
		if !ok {
			got = "no"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", v, got, want)
		}
	}
	if _, ok := new(Advisory).Affects("v1.0.0"); !ok {
		t.Error("without ranges, all versions are affected")
	}
}

func TestGoVersion(t *testing.T) {
	for in, want := range map[string]string{
		"1.22.3": "v1.22.3", "go1.22.3": "v1.22.3", "go1.23rc1": "v1.23.0-rc.1", "1.22": "", "go1.22.3-custom": "v1.22.3", "": "", "devel": "", "1.x": "",
	} {
		if got := GoVersion(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
