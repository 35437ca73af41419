package osv

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
)

// document is an entry as the Go vulnerability database publishes them.
func document(id, module, modified string) string {
	return fmt.Sprintf(`{"schema_version": "1.3.1", "id": %q, "modified": %q, "published": "2024-01-01T00:00:00Z",
"aliases": ["CVE-2024-1", "GHSA-xxxx-yyyy-zzzz"], "summary": "Reads\ttoo much\u001b[31m", "details": "Long.",
"affected": [{"package": {"name": %q, "ecosystem": "Go"},
 "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.3"}, {"introduced": "2.0.0"}]}],
 "ecosystem_specific": {"imports": [{"path": %q, "goos": ["linux"], "symbols": ["Read"]}]}},
 {"package": {"name": "left-pad", "ecosystem": "npm"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}],
"references": [{"type": "FIX", "url": "https://example.com"}], "database_specific": {"url": "https://example.com"}}`, id, modified, module, module+"/sub")
}

func wantAdvisory(id, module string) facts.Advisory {
	return facts.Advisory{
		ID: id, Aliases: []string{"CVE-2024-1", "GHSA-xxxx-yyyy-zzzz"}, Summary: "Reads too much [31m", Module: module,
		Ranges:   []facts.VersionRange{{Fixed: "v1.2.3"}, {Introduced: "v2.0.0"}},
		Packages: []facts.AdvisoryPackage{{Path: module + "/sub", Symbols: []string{"Read"}, GOOS: []string{"linux"}}},
	}
}

func files(t *testing.T, m map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range m {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const oneModule = `[{"path": "example.com/a", "vulns": [{"id": "GO-1", "modified": "m1", "fixed": "1.2.3"}]}, {"path": "example.com/b", "vulns": [{"id": "../../secret"}]}]`

func TestReadDirectory(t *testing.T) {
	a := document("GO-1", "example.com/a", "m1")
	for name, x := range map[string]struct {
		files map[string]string
		want  []facts.Advisory
		code  int // of the error, 0 none
	}{
		"flat":            {map[string]string{"GO-1.json": a, "x.json": document("GO-2", "example.com/other", "m"), "README": "no"}, []facts.Advisory{wantAdvisory("GO-1", "example.com/a")}, 0},
		"index":           {map[string]string{"index/modules.json": oneModule, "ID/GO-1.json": a}, []facts.Advisory{wantAdvisory("GO-1", "example.com/a")}, 0},
		"withdrawn":       {map[string]string{"a.json": strings.Replace(a, `"modified"`, `"withdrawn": "2024-02-02T00:00:00Z", "modified"`, 1)}, nil, 0},
		"nothing known":   {map[string]string{"a.json": document("GO-3", "example.com/c", "m")}, nil, 0},
		"empty":           {map[string]string{"README": "to be filled"}, nil, fault.Usage},
		"broken":          {map[string]string{"a.json": a[:len(a)/2]}, nil, fault.Failed},
		"no OSV":          {map[string]string{"package.json": `{"name": "x"}`}, nil, fault.Failed},
		"index is broken": {map[string]string{"index/modules.json": "<html>"}, nil, fault.Failed},
		"entry is gone":   {map[string]string{"index/modules.json": oneModule}, nil, fault.Failed},
		"no version":      {map[string]string{"a.json": strings.Replace(a, "1.2.3", "next", 1)}, nil, fault.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(t.Context(), files(t, x.files), []string{"example.com/a", "stdlib"}, Options{})
			if fault.ExitCode(err) != x.code || !reflect.DeepEqual(got, x.want) {
				t.Errorf("got %+v, %v (exit code %d)", got, err, fault.ExitCode(err))
			}
		})
	}
	if _, err := Read(t.Context(), filepath.Join(t.TempDir(), "none"), nil, Options{}); fault.ExitCode(err) != fault.Usage {
		t.Errorf("a directory that is not there: %v", err)
	}
	dir := files(t, map[string]string{"index/modules.json": oneModule})
	if _, err := Read(t.Context(), dir, []string{"example.com/b"}, Options{}); fault.ExitCode(err) != fault.Failed {
		t.Errorf("an identifier that leads out of the database: %v", err)
	}
}

func TestRanges(t *testing.T) {
	for events, want := range map[string]string{
		`[{"introduced":"0"},{"fixed":"1.0.0"}]`:                                              "[ v1.0.0 ]",
		`[{"fixed":"1.0.0"},{"introduced":"0"}]`:                                              "[ v1.0.0 ]",
		`[{"introduced":"1.0.0"}]`:                                                            "[v1.0.0  ]",
		`[{"introduced":"1.0.0"},{"last_affected":"1.1.0"}]`:                                  "[v1.0.0  v1.1.0]",
		`[{"introduced":"0"},{"fixed":"1.0.0"},{"introduced":"1.0.0"},{"fixed":"1.1.0"}]`:     "[ v1.0.0 ] [v1.0.0 v1.1.0 ]",
		`[{"introduced":"1.2.0"},{"introduced":"1.1.0"},{"fixed":"1.3.0"},{"fixed":"1.4.0"}]`: "[v1.1.0 v1.3.0 ]",
		`[{"introduced":"0.0.0-20200101000000-0123456789ab"},{"fixed":"2.0.0+incompatible"}]`: "[v0.0.0-20200101000000-0123456789ab v2.0.0 ]",
		`[{"fixed":"1.0.0"}]`: "",
		`[]`:                  "",
	} {
		var es []event
		if err := json.Unmarshal([]byte(events), &es); err != nil {
			t.Fatal(err)
		}
		rs, err := ranges(es)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rs {
			got = append(got, fmt.Sprintf("[%s %s %s]", r.Introduced, r.Fixed, r.LastAffected))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", events, s, want)
		}
	}
}

func TestVersionsAndCommits(t *testing.T) {
	const head = `{"id": "GHSA-1", "affected": [{"package": {"name": "a.b/c", "ecosystem": "Go"}`
	for doc, want := range map[string]string{
		head + `, "versions": ["1.0.0", "v1.1.0"]}]}`:                              "1.0.0 1.1.0",
		head + `, "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}]}`: "",
		head + `}]}`: "0.9.0 1.0.0 1.1.0 2.0.0",
	} {
		as, err := decode([]byte(doc), []string{"a.b/c"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range []string{"0.9.0", "1.0.0", "1.1.0", "2.0.0"} {
			if slices.ContainsFunc(as, func(a facts.Advisory) bool { _, ok := a.Affects("v" + v); return ok }) {
				got = append(got, v)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s affects %q, want %q", doc, s, want)
		}
	}
}

// FuzzDecode holds that whatever a database says, what comes out are versions
// and one line of text.
func FuzzDecode(f *testing.F) {
	f.Add(document("GO-1", "m", "x"))
	f.Add(`{"id":"a","affected":[{"package":{"name":"m","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0","fixed":"0"}]}],"versions":["x"]}]}`)
	f.Add(`[{"path":"m","vulns":[{"id":"GO-1"}]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		as, err := decode([]byte(text), []string{"m"})
		if err != nil && as != nil {
			t.Error("advisories beside an error")
		}
		for _, a := range as {
			if a.ID == "" || strings.ContainsAny(a.Summary, "\x1b\n\r") {
				t.Errorf("%+v", a)
			}
			for _, r := range a.Ranges {
				for _, v := range []string{r.Introduced, r.Fixed, r.LastAffected} {
					if v != "" && !semver.IsValid(v) {
						t.Errorf("%q is no version", v)
					}
				}
			}
			a.Affects("v1.2.3")
		}
		ws, _ := readIndex([]byte(text), []string{"m"})
		for _, w := range ws {
			if strings.ContainsAny(w.id, `/\`) || strings.HasPrefix(w.id, ".") {
				t.Errorf("%q names a file elsewhere", w.id)
			}
		}
	})
}
