package verify

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/testkit"
)

func judgeAlone(t *testing.T, prog string) *Report {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(name, []byte(prog), 0o755); err != nil {
		t.Fatal(err)
	}
	o, err := OpenFile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	r, err := Judge(t.Context(), []*Opened{o}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serves can take TLS connections.
const serves = "package main\n\nimport \"net/http\"\n\nfunc main() { println(http.ListenAndServeTLS(\":0\", \"\", \"\", nil)) }\n"

func TestGoPrograms(t *testing.T) {
	plain := goProgram(t, hello, nil, "-trimpath")
	for name, c := range map[string]struct {
		prog string
		want []string
		says string
	}{
		"no version":               {plain, []string{"(BIN037)"}, "no version and no commit"},
		"local paths":              {goProgram(t, hello, nil), []string{"(BIN037)", "(BIN039)"}, ""},
		"no build info":            {strings.ReplaceAll(plain, "\xff Go buildinf:", "\xff No buildinf:"), []string{"BIN007"}, "left out or taken away"},
		"old defaults without TLS": {goProgram(t, "//go:debug tls3des=1\n"+hello, nil, "-trimpath"), []string{"(BIN037)"}, ""},
		"old defaults":             {goProgram(t, "//go:debug default=go1.21\n"+serves, nil, "-trimpath"), []string{"(BIN034)", "(BIN037)"}, "defaults that protect are switched off"},
		"one old default":          {goProgram(t, "//go:debug tls3des=1\n"+serves, nil, "-trimpath"), []string{"(BIN034)", "(BIN037)"}, ""},
	} {
		r := judgeAlone(t, c.prog)
		if got := ids(r); !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q\n%v", name, got, c.want, r.Findings)
		}
		if c.says != "" && !strings.Contains(r.Findings[0].Message.String(), c.says) {
			t.Errorf("%s: says %q", name, r.Findings[0].Message)
		}
	}
}

// Sources that nobody can name: changes that were not committed, and a module
// that is a directory of this machine.
func TestUnnamedSource(t *testing.T) {
	dir := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		if b, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, b)
		}
	}
	for name, text := range map[string]string{
		"go.mod":      "module example.com/p\n\ngo 1.26\n\nrequire example.com/q v1.0.0\n\nreplace example.com/q => ./q\n",
		"main.go":     "package main\n\nimport \"example.com/q\"\n\nfunc main() { q.Q() }\n",
		"q/go.mod":    "module example.com/q\n\ngo 1.26\n",
		"q/q.go":      "package q\n\nfunc Q() { println(1) }\n",
		".gitignore":  "prog\n",
		"ignored.txt": "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "commit", "-qm", "one")
	run("go", "build", "-trimpath", "-buildvcs=true", "-o", "prog", ".")
	r := judgeAlone(t, readText(t, filepath.Join(dir, "prog")))
	if len(r.Findings) > 0 {
		t.Errorf("replaced by what is in the same commit: %v", r.Findings)
	}
	run("go", "mod", "edit", "-replace", "example.com/q="+filepath.Join(dir, "q"))
	run("git", "commit", "-qam", "two")
	run("go", "build", "-trimpath", "-buildvcs=true", "-o", "prog", ".")
	r = judgeAlone(t, readText(t, filepath.Join(dir, "prog")))
	if got := says(r.Findings, "BIN037"); !strings.Contains(got, "example.com/q was replaced by the directory /") {
		t.Errorf("replaced: %q, %v", got, ids(r))
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { println(2) }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("go", "build", "-trimpath", "-buildvcs=true", "-o", "prog", ".")
	r = judgeAlone(t, readText(t, filepath.Join(dir, "prog")))
	if got := says(r.Findings, "BIN037"); !strings.Contains(got, "not committed") {
		t.Errorf("dirty: %q", got)
	}
}

// FIPS 140 that is asked for and not in force. The standard library is
// compiled anew for each.
func TestFIPS(t *testing.T) {
	testkit.NeedE2E(t)
	module := goProgram(t, hello, []string{"GOFIPS140=v1.0.0"}, "-trimpath")
	config := func(env ...string) map[string]any {
		return map[string]any{"User": "1", "Entrypoint": []string{"/app"}, "Env": env, "Labels": map[string]any{"org.opencontainers.image.revision": "1"}}
	}
	app := entry{path: "/app", text: module, mode: 0o755}
	r := judgeImage(t, layout(t, config("GODEBUG=fips140=off"), app))
	if got := ids(r); !slices.Equal(got, []string{"BIN035"}) {
		t.Errorf("undone: %q", got)
	}
	if r = judgeImage(t, layout(t, config("GODEBUG=netdns=go"), app)); len(r.Findings) > 0 || !strings.HasPrefix(r.Programs[0].FIPS, "v1.0.0") {
		t.Errorf("in force: %q, %q", ids(r), r.Programs[0].FIPS)
	}
	r = judgeAlone(t, goProgram(t, hello, []string{"GOEXPERIMENT=boringcrypto"}, "-trimpath"))
	if got := says(r.Findings, "BIN035"); !strings.Contains(got, "without cgo") {
		t.Errorf("boringcrypto without cgo: %q", ids(r))
	}
	// The level of the processor: the image says amd64/v2, the program asks for v3.
	level := goProgram(t, hello, []string{"GOARCH=amd64", "GOAMD64=v3"}, "-trimpath")
	c := config()
	c["architecture"] = "amd64"
	r = judgeImage(t, layout(t, c, entry{path: "/app", text: level, mode: 0o755}))
	if got := ids(r); !slices.Equal(got, []string{"(BIN022)"}) {
		t.Errorf("level: %q", got)
	}
}

// FuzzPrograms opens a program with bytes of it replaced, alone and in a
// place: whatever it says, nothing panics or takes long.
func FuzzPrograms(f *testing.F) {
	prog := goProgram(f, hello, nil, "-trimpath", "-ldflags=-s -w", "-buildmode=pie")
	f.Add(uint32(0x10), []byte{2})
	f.Add(uint32(0x40), []byte{3, 0, 0, 0})
	f.Add(uint32(0x200), []byte("/lib/ld.so\x00"))
	f.Fuzz(func(t *testing.T, at uint32, over []byte) {
		b := []byte(prog)
		copy(b[int(at)%len(b):], over)
		name := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		o, err := OpenFile(t.Context(), name)
		if err != nil {
			return
		}
		tree, err := rootfs.Merge(t.Context(), nil, rootfs.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Judge(t.Context(), []*Opened{o}, Options{Place: NewPlace("scratch", tree)}); err != nil {
			t.Error(err)
		}
	})
}
