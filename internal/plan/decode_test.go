package plan

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/config"
)

func TestDecodeGivesBackThePlan(t *testing.T) {
	for name, c := range map[string]config.Config{
		"plain": {},
		"much": {
			Targets: []string{"linux/amd64/v3", "linux/arm/v6", "windows/amd64"},
			Build:   config.Build{Tags: []string{"debug"}, FIPS: "off", Debug: "on", Gcflags: []string{"-N"}},
			Image: config.Image{
				Base: pinned, Files: []config.File{{From: "a", To: "/a"}}, Env: map[string]string{"A": "<&>"},
				Healthcheck: config.Healthcheck{Cmd: []string{"x"}},
			},
		},
	} {
		f := forTarget(forTarget(orders(), "linux/arm/v6"), "windows/amd64")
		p := mustMake(t, f, c)
		q, err := Decode(encode(t, p), name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(p, q) {
			t.Errorf("%s: decoded\n%s\nfrom\n%s", name, encode(t, q), encode(t, p))
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := os.ReadFile("testdata/orders.plan.json")
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the golden plan does not hold %s", old)
		}
		return strings.Replace(string(good), old, new, 1)
	}
	for name, x := range map[string]struct {
		in, msg string
		line    int // 0: the file as a whole
	}{
		"nothing":            {"", "plan.decode.json", 0},
		"not JSON":           {"plan\n", "plan.decode.json", 1},
		"cut off":            {string(good[:len(good)/2]), "plan.decode.json", 1 + bytes.Count(good[:len(good)/2-1], []byte("\n"))},
		"a list":             {"[]", "plan.decode.type", 1},
		"null":               {"null", "plan.decode.noversion", 0},
		"another document":   {`{"a": 1}`, "plan.decode.noversion", 0},
		"of tomorrow":        {change(`"schemaVersion": 1`, `"schemaVersion": 2`), "plan.decode.version", 0},
		"unknown field":      {change(`"toolchain": `, `"tolchain": `), "plan.decode.field", 10},
		"wrong type":         {change(`"toolchain": "go1.26.8"`, `"toolchain": 1`), "plan.decode.type", 10},
		"two plans":          {string(good) + "{}", "plan.decode.json", 1 + bytes.Count(good, []byte("\n"))},
		"no targets":         {`{"schemaVersion": 1, "targets": []}`, "plan.decode.empty", 0},
		"no programs":        {`{"schemaVersion": 1, "targets": [{"platform": {"os": "linux", "arch": "amd64"}}]}`, "plan.decode.empty", 0},
		"unknown platform":   {change(`"os": "linux"`, `"os": "templeos"`), "plan.decode.bad", 0},
		"platform twice":     {strings.Replace(string(good), `"arch": "arm64"`, `"arch": "amd64"`, 1), "plan.decode.twice", 0},
		"name leaves dist":   {change(`"name": "orders"`, `"name": "../../bin/sh"`), "plan.decode.bad", 0},
		"directory above":    {change(`"dir": "."`, `"dir": "cmd/../.."`), "plan.decode.bad", 0},
		"absolute directory": {change(`"dir": "."`, `"dir": "/etc"`), "plan.decode.bad", 0},
		"package is a flag":  {change(`"package": "github.com/acme/orders/v2"`, `"package": "-toolexec=sh"`), "plan.decode.bad", 0},
		"runs a tool":        {change(`"-trimpath"`, `"-toolexec=/tmp/evil"`), "plan.decode.bad", 0},
		"loader variable":    {change(`"GODEBUG": ""`, `"LD_PRELOAD": "/tmp/evil.so"`), "plan.decode.bad", 0},
		"library path":       {change(`"GODEBUG": ""`, `"LD_LIBRARY_PATH": "/tmp"`), "plan.decode.bad", 0},
		"another PATH":       {change(`"GODEBUG": ""`, `"PATH": "/tmp"`), "plan.decode.bad", 0},
		"another GOOS":       {change(`"GOOS": "linux"`, `"GOOS": "windows"`), "plan.decode.bad", 0},
		"unknown linkage":    {change(`"linkage": "static"`, `"linkage": "statik"`), "plan.decode.bad", 0},
		"unknown base":       {change(`"kind": "assembled"`, `"kind": "scratch"`), "plan.decode.bad", 0},
		"moving reference":   {change(`"kind": "assembled"`, `"kind": "reference", "ref": "a.com/b:latest"`), "plan.decode.bad", 0},
		"user by name":       {change(`"user": "65532:65532"`, `"user": "nobody"`), "plan.decode.bad", 0},
		"unknown compressor": {change(`"compression": "gzip"`, `"compression": "xz"`), "plan.decode.bad", 0},
		"relative programs":  {change(`"binDir": "/usr/local/bin"`, `"binDir": "/usr/../bin"`), "plan.decode.bad", 0},
		"relative workdir":   {change(`"workdir": "/"`, `"workdir": "."`), "plan.decode.bad", 0},
		"file from above":    {change(`"workdir": "/"`, `"workdir": "/", "files": [{"from": "../x", "to": "/x"}]`), "plan.decode.bad", 0},
		"file to above":      {change(`"workdir": "/"`, `"workdir": "/", "files": [{"from": "x", "to": "/../x"}]`), "plan.decode.bad", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(x.in), "plan.json")
			e := wantFault(t, err, x.msg, "plan.decode.hint")
			if e.Pos.Line != x.line || e.Pos.File != "plan.json" {
				t.Errorf("points at %s, want line %d: %s", e.Pos, x.line, e)
			}
		})
	}
}

// FuzzDecode: what is accepted is a plan that can be written, read again and
// drawn; what is refused is refused without a panic.
func FuzzDecode(f *testing.F) {
	good, err := os.ReadFile("testdata/orders.plan.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, s := range []string{"", "{", "null", "[]", `{"schemaVersion":1}`, `{"schemaVersion":1,"targets":[{}]}`, `{"schemaVersion":1e0,"x":1}`, "{\"schemaVersion\":1,\"\xff\":1}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b, "plan.json")
		if err != nil {
			_ = err.Error()
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Decode(again, "again.json")
		if err != nil {
			t.Fatalf("its own JSON is refused: %v", err)
		}
		if second, _ := json.Marshal(q); !bytes.Equal(second, again) {
			t.Fatalf("not stable:\n%s\n%s", again, second)
		}
		wellFormed(t, draw(t, p))
	})
}
