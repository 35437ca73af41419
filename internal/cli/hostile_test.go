// The race detector multiplies what is bounded here.

//go:build unix && !race

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/slipway-build/slipway/internal/check"
)

// What a check of any repository may take.
const (
	hostileTime   = 20 * time.Second // of a processor
	hostileMemory = 1 << 30          // bytes
)

// TestHostileRepositories checks repositories that nobody writes in good
// faith. Each also holds one plain mistake, which must be found in spite of
// the rest.
func TestHostileRepositories(t *testing.T) {
	for name, files := range hostileFiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hostileRepo(t)
			for file, text := range files {
				put(t, dir, file, text)
			}
			checkHostile(t, dir)
		})
	}
}

// TestHostileFileSystems checks repositories with other things than files in
// them, and files of any size.
func TestHostileFileSystems(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	each := func(t *testing.T, dir string, make func(name string)) {
		t.Helper()
		for _, k := range append(knownNames, "slipway-baseline.json.d/x", "sub/go.mod", "sub/LICENSE") {
			name := filepath.Join(dir, filepath.FromSlash(k))
			must(os.MkdirAll(filepath.Dir(name), 0o755))
			make(name)
		}
	}
	for name, build := range map[string]func(t *testing.T, dir string){
		"named pipes": func(t *testing.T, dir string) {
			each(t, dir, func(name string) { must(syscall.Mkfifo(name, 0o644)) })
		},
		"directories": func(t *testing.T, dir string) {
			each(t, dir, func(name string) { must(os.Mkdir(name, 0o755)) })
		},
		"links to a device": func(t *testing.T, dir string) {
			each(t, dir, func(name string) { must(os.Symlink("/dev/zero", name)) })
		},
		"links to themselves": func(t *testing.T, dir string) {
			each(t, dir, func(name string) { must(os.Symlink(filepath.Base(name), name)) })
		},
		"links out": func(t *testing.T, dir string) {
			must(os.Symlink("/", filepath.Join(dir, "out")))
			must(os.Symlink("..", filepath.Join(dir, "up")))
			each(t, dir, func(name string) { must(os.Symlink("/etc/passwd", name)) })
		},
		"unreadable": func(t *testing.T, dir string) {
			each(t, dir, func(name string) { must(os.WriteFile(name, nil, 0)) })
			must(os.Mkdir(filepath.Join(dir, "closed"), 0))
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o755) })
		},
		"5 GB each": func(t *testing.T, dir string) {
			each(t, dir, func(name string) {
				put(t, filepath.Dir(name), filepath.Base(name), "")
				must(os.Truncate(name, 5<<30))
			})
		},
		"16 MiB each": func(t *testing.T, dir string) {
			each(t, dir, func(name string) {
				put(t, filepath.Dir(name), filepath.Base(name), "package x\n")
				must(os.Truncate(name, 16<<20))
			})
		},
		"deep directories": func(t *testing.T, dir string) {
			d := filepath.Join(dir, strings.Repeat("d/", 900))
			must(os.MkdirAll(d, 0o755))
		},
		"names": func(t *testing.T, dir string) {
			for _, n := range []string{"a\nb.go", "a\x1b[31m.go", "\xff\xfe.go", "-rf.go", " .go", "Dockerfile.\x00"[:11] + "\u202e", "$(x).sh", "a'b\"c.yaml", "*.yaml", "\\..\\a.go", strings.Repeat("n", 250) + ".go"} {
				put(t, dir, "odd/"+n, "export GOSUMDB=off\n")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hostileRepo(t)
			build(t, dir)
			checkHostile(t, dir)
		})
	}
}

// TestHostileSettings checks with files that the user means slipway to read:
// what is wrong with them is said, with the exit code of bad input.
func TestHostileSettings(t *testing.T) {
	deep := strings.Repeat("[", 1<<20)
	for name, c := range map[string]struct {
		file, text, says string
		sparse           int64
		pipe             bool
	}{
		"baseline junk":        {file: "slipway-baseline.json", text: "\x00\xff{", says: "baseline"},
		"baseline nested":      {file: "slipway-baseline.json", text: `{"entries":` + deep, says: "baseline"},
		"baseline 5 GB":        {file: "slipway-baseline.json", sparse: 5 << 30, says: "baseline"},
		"baseline a pipe":      {file: "slipway-baseline.json", pipe: true, says: "baseline"},
		"baseline of numbers":  {file: "slipway-baseline.json", text: `{"schemaVersion":1,"entries":[{"rule":"ENV001","path":"a","entity":"b","count":1e99}]}`, says: "baseline"},
		"settings junk":        {file: "slipway.yaml", text: "\x00\xff{", says: "slipway.yaml"},
		"settings nested":      {file: "slipway.yaml", text: deep, says: "slipway.yaml"},
		"settings 5 GB":        {file: "slipway.yaml", sparse: 5 << 30, says: "slipway.yaml"},
		"settings a pipe":      {file: "slipway.yaml", pipe: true, says: "slipway.yaml"},
		"settings that laugh":  {file: "slipway.yaml", text: "a: &a [b]\nb: &b [*a, *a]\ncheck: *b\n", says: "slipway.yaml"},
		"settings of a letter": {file: "slipway.yaml", text: "check: " + strings.Repeat("a", 1<<19) + "\n", says: "slipway.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hostileRepo(t)
			at := filepath.Join(dir, c.file)
			if c.pipe {
				if err := syscall.Mkfifo(at, 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				put(t, dir, c.file, c.text)
				if c.sparse > 0 {
					if err := os.Truncate(at, c.sparse); err != nil {
						t.Fatal(err)
					}
				}
			}
			code, _, said := boundedSlipway(t, dir, "check")
			if code != 2 || !strings.Contains(said, c.says) || len(said) > 4000 {
				t.Errorf("exit code %d, %d bytes: %.1000s", code, len(said), said)
			}
		})
	}
}

// TestHostileVulnerabilities checks with broken databases, each of which is an
// error: that nothing was found would mean nothing.
func TestHostileVulnerabilities(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"junk":          {"GO-1.json": "\x00\xff"},
		"nested":        {"GO-1.json": strings.Repeat("[", 1<<20)},
		"nothing":       {"GO-1.json": "{}"},
		"large":         {"GO-1.json": strings.Repeat(" ", 3<<20)},
		"version":       {"GO-1.json": `{"id":"GO-1","affected":[{"package":{"name":"stdlib","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"` + strings.Repeat("x", 1<<20) + `"}]}]}]}`},
		"index":         {"index/modules.json": `[{"path":"stdlib","vulns":[{"id":"../../../etc/passwd"}]}]`},
		"empty index":   {"index/modules.json": `[]`},
		"missing entry": {"index/modules.json": `[{"path":"stdlib","vulns":[{"id":"GO-1"}]}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hostileRepo(t)
			for file, text := range files {
				put(t, dir, "../db/"+file, text)
			}
			put(t, dir, "slipway.yaml", "check:\n  vulnerabilities:\n    database: ../db\n")
			code, _, said := boundedSlipway(t, dir, "check")
			if code != 1 || !strings.Contains(said, "db") || len(said) > 4000 {
				t.Errorf("exit code %d, %d bytes: %.1000s", code, len(said), said)
			}
		})
	}
}

// hostileRepo gives a repository with one mistake in it.
func hostileRepo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	put(t, dir, "go.mod", "module example.org/a\n\ngo 1.25\n")
	put(t, dir, "main.go", "package main\n\nfunc main() {}\n")
	put(t, dir, "ci/Makefile", "export GOSUMDB=off\n\nbuild:\n\tgo build ./...\n")
	return dir
}

func put(t *testing.T, dir, file, text string) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkHostile checks dir: the mistake is found, in bounded time and memory.
func checkHostile(t *testing.T, dir string, args ...string) check.Result {
	t.Helper()
	code, out, said := boundedSlipway(t, dir, append([]string{"check", "--format", "json"}, args...)...)
	var res check.Result
	if err := json.Unmarshal(out, &res); err != nil || code != 3 {
		t.Fatalf("exit code %d, %v\n%.2000s\n%.2000s", code, err, said, out)
	}
	for _, f := range res.Findings {
		if f.ID == "ENV001" && f.Pos.File == "ci/Makefile" {
			return res
		}
	}
	t.Fatalf("the mistake is not found among %d findings; notes: %v", len(res.Findings), res.Notes)
	return res
}

// boundedSlipway runs slipway as a process of its own, to see what it takes.
func boundedSlipway(t *testing.T, dir string, args ...string) (code int, stdout []byte, stderr string) {
	t.Helper()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "slipway")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), link, args...)
	cmd.Dir, cmd.Env = dir, environ(t, nil)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	// A hang, as on a named pipe, takes no time of a processor.
	hung := time.AfterFunc(6*hostileTime, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer hung.Stop()
	own := peak(t)
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	memory := bytesOf(cmd.ProcessState.SysUsage().(*syscall.Rusage))
	if memory <= own {
		memory = 0 // a process begins with the peak of the one that starts it
	}
	t.Logf("%s: %v, %d MiB, exit code %d", t.Name(), took.Round(time.Millisecond), memory>>20, cmd.ProcessState.ExitCode())
	if strings.Contains(said.String(), "goroutine ") {
		t.Fatalf("%.6000s", said.String())
	}
	if took > hostileTime || memory > hostileMemory {
		t.Errorf("took %v and %d MiB", took, memory>>20)
	}
	return cmd.ProcessState.ExitCode(), out.Bytes(), said.String()
}

// peak is the most memory that this process has had, in bytes.
func peak(t *testing.T) int64 {
	t.Helper()
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		t.Fatal(err)
	}
	return bytesOf(&ru)
}

func bytesOf(ru *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(ru.Maxrss)
	}
	return int64(ru.Maxrss) << 10 // KiB everywhere else
}

// knownNames are names of which the files are read.
var knownNames = []string{
	"go.work", "go.sum", "x/go.mod", "x/x.go", "vendor/modules.txt", "Dockerfile", "a.Dockerfile", "Dockerfile.dockerignore", ".dockerignore",
	"Makefile", "a.mk", "a.sh", ".go-version", ".tool-versions", "mise.toml", ".env", "README.md", "deploy/a.yaml", "kustomization.yaml",
	".github/workflows/ci.yml", "action.yml", ".github/actions/a/action.yml", ".gitlab-ci.yml", ".goreleaser.yaml", ".ko.yaml", "LICENSE",
	"docker-compose.yml", "a.h", ".gitattributes", "charts/a/Chart.yaml", "charts/a/templates/a.yaml",
}

// hostileFiles gives repositories by name.
func hostileFiles() map[string]map[string]string {
	rs := map[string]map[string]string{}
	everywhere := func(name, text string) {
		rs[name] = map[string]string{}
		for _, k := range knownNames {
			rs[name][k] = text
		}
	}
	junk := make([]byte, 1<<16)
	for i, x := 0, uint32(1); i < len(junk); i++ {
		x = x*1664525 + 1013904223
		junk[i] = byte(x >> 24)
	}
	everywhere("empty", "")
	everywhere("junk", string(junk))
	everywhere("NULs", strings.Repeat("\x00", 1<<16))
	everywhere("one long line", strings.Repeat("a", 1<<20-1))
	everywhere("blank lines", strings.Repeat("\n", 1<<20-1))
	everywhere("carriage returns", strings.Repeat("a: b\r", 200000))
	everywhere("spaces", strings.Repeat(" ", 1<<20-1))
	everywhere("comments", strings.Repeat("#\n", 1<<19-1))
	everywhere("silence", strings.Repeat("# slipway:ignore ENV001 x\n", 40000))
	everywhere("silence of Go", strings.Repeat("// slipway:ignore ENV001 x\n", 38000)+"package x\n")
	everywhere("brackets", strings.Repeat("[", 1<<20-1))
	everywhere("braces", strings.Repeat("{a: ", 1<<18-1))
	everywhere("quotes", strings.Repeat(`"'`, 1<<19-1))
	everywhere("dollars", strings.Repeat("$(${", 1<<18-1))
	everywhere("backslashes", strings.Repeat("\\\n", 1<<19-1))
	everywhere("tabs", strings.Repeat("a:\n\tb: c\n", 50000))
	everywhere("templates", strings.Repeat("{{ .a }}{{ range }}\n", 50000))
	everywhere("documents", "apiVersion: v1\nkind: Pod\n"+strings.Repeat("---\nkind: Pod\napiVersion: v1\nmetadata: {name: a}\n", 20000))
	everywhere("broken letters", strings.Repeat("\xff\xfe\x80 \xc3\x28: \xed\xa0\x80\n", 50000))
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(strings.Repeat("FROM golang:1.25\nRUN go build\nkey: value\n", 1000))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	everywhere("UTF-16", string(wide))
	everywhere("byte order mark", "\ufeff"+strings.Repeat("FROM golang:1.25\nRUN go build\n", 1000))

	yaml := func(name, text string) {
		rs["YAML "+name] = map[string]string{}
		for _, k := range knownNames {
			if strings.HasSuffix(k, "yaml") || strings.HasSuffix(k, "yml") {
				rs["YAML "+name][k] = text
			}
		}
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, command: [*x]}]}\n"
	laughs := "x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
	merges := "y0: &y0 {run: go build}\n"
	for i := 1; i < 12; i++ {
		laughs += fmt.Sprintf("x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 9), ", "))
		merges += fmt.Sprintf("y%d: &y%d {<<: [%s], a%d: *y%d}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*y%d, ", i-1), 9), ", "), i, i-1)
	}
	for where, text := range map[string]string{
		"pod": "apiVersion: v1\nkind: Pod\nspec: {containers: *%s, a: *%[1]s}\n", "github": "on: push\njobs: *%s\n", "action": "runs: {using: composite, steps: *%s}\n",
		"gitlab": "stages: *%s\na: {script: *%[1]s, extends: *%[1]s}\n", "goreleaser": "builds: *%s\ndockers: *%[1]s\n", "list": "apiVersion: v1\nkind: List\nitems: *%s\n",
	} {
		yaml("laughs "+where, laughs+fmt.Sprintf(text, "x11"))
		yaml("merges "+where, merges+fmt.Sprintf(text, "y11"))
	}
	yaml("itself", "apiVersion: v1\nkind: List\nitems: &x [*x, *x]\njobs: *x\nsteps: *x\n")
	yaml("no anchor", pod)
	yaml("deep", "a:\n"+deepYAML(10000))
	yaml("deep flow", "apiVersion: v1\nkind: Pod\nspec: "+strings.Repeat("{a: ", 9999)+strings.Repeat("}", 9999)+"\n")
	yaml("lists in lists", "apiVersion: v1\nkind: List\nitems: "+strings.Repeat("[{apiVersion: v1, kind: List, items: ", 3000)+strings.Repeat("}]", 3000)+"\n")
	yaml("twice", "apiVersion: v1\nkind: Pod\n"+strings.Repeat("kind: Pod\njobs: {}\n", 20000))
	yaml("long key", "? "+strings.Repeat("k", 500000)+"\n: v\n")
	yaml("many keys", func() string {
		var b strings.Builder
		b.WriteString("on: push\nruns: {using: composite}\njobs:\n")
		for i := range 40000 {
			fmt.Fprintf(&b, "  j%d: {}\n", i)
		}
		return b.String()
	}())
	yaml("extends", func() string {
		var b strings.Builder
		for i := range 12000 {
			fmt.Fprintf(&b, "j%d: {extends: [j%d, j%d], script: [go build]}\n", i, (i+1)%12000, (i+7)%12000)
		}
		return b.String()
	}())
	yaml("needs", func() string {
		var b strings.Builder
		b.WriteString("on: push\njobs:\n")
		for i := range 6000 {
			fmt.Fprintf(&b, "  j%d: {runs-on: x, needs: [j%d, j%d], steps: [{run: make j%d}]}\n", i, (i+1)%6000, (i+2)%6000, i)
		}
		return b.String()
	}())

	rs["Dockerfile 10k stages"] = map[string]string{"Dockerfile": func() string {
		var b strings.Builder
		b.WriteString("FROM golang:1.25 AS s0\nENV A=b\nCOPY . .\nRUN go build -o /a\n")
		for i := 1; i < 10000; i++ {
			fmt.Fprintf(&b, "FROM s%d AS s%d\nENV A%d=$A\nCOPY --from=s%d /a /a\n", i-1, i, i%50, i-1)
		}
		return b.String() + "CMD [\"/a\"]\n"
	}()}
	rs["Dockerfile ENV in stages"] = map[string]string{"Dockerfile": func() string {
		var b strings.Builder
		b.WriteString("FROM golang:1.25 AS s0\n")
		for i := range 5000 {
			fmt.Fprintf(&b, "ENV V%d=v\n", i)
		}
		for i := 1; i < 10000; i++ {
			fmt.Fprintf(&b, "FROM s%d AS s%d\nENV A=$A\nRUN go build\n", i-1, i)
		}
		return b.String()
	}()}
	rs["Dockerfile expansion"] = map[string]string{
		"Dockerfile":   "ARG A=aaaaaaaaaa\nFROM a\nENV A=aaaaaaaaaa\n" + strings.Repeat("ARG A=$A$A$A$A\nENV A=$A$A$A$A$A$A$A\nRUN go build $A$A$A$A\nCOPY $A $A\n", 5000),
		"b.Dockerfile": "FROM a\nENV " + strings.Repeat("A=${A:-${A:-", 20000) + "\n",
		"c.Dockerfile": "FROM a\nRUN A=a; " + strings.Repeat("A=$A$A$A; ", 5000) + "go build $A\n",
	}
	rs["Dockerfile heredocs"] = map[string]string{
		"Dockerfile":   "FROM a\nRUN " + strings.Repeat("<<A ", 20000) + "\n" + strings.Repeat("A\n", 20000),
		"b.Dockerfile": "FROM a\nRUN <<A\n" + strings.Repeat("cat <<B\n", 50000),
		"c.Dockerfile": "FROM a\n" + strings.Repeat("COPY <<A <<B /x\nA\nB\n", 30000),
	}
	rs["Dockerfile copies"] = map[string]string{
		"Dockerfile":    "FROM a\n" + strings.Repeat("COPY a b\n", 50000) + strings.Repeat("RUN go build -o /b\n", 20000) + "CMD [\"/b\"]\n",
		".dockerignore": strings.Repeat("**/a/**/b*\n!**/a/**/c?\n", 25000),
	}
	rs["Makefile"] = map[string]string{
		"Makefile":   "include Makefile b/a.mk\nA = $(A)$(A)$(B)\nB := $(A)$(A)\nC = $(shell $(C))\nD = $(foreach x,$(D),$(D))\nall: all\n\t$(MAKE) all $(A) $(B) $(C) $(D)\n" + strings.Repeat("\t$(MAKE) -C . all X=$(A)\n\tgo build $(A)$(B)\n", 5000),
		"b/a.mk":     "include ../Makefile a.mk\n" + strings.Repeat("ifdef A\n", 50000),
		"c/Makefile": makeChain(20000),
		"d/Makefile": strings.Repeat("V = $(V)$(V)\nt:\n\tmake -C ../d t V=$(V)\n", 5000),
	}
	rs["make in circles"] = map[string]string{}
	for i := range 300 {
		rs["make in circles"][fmt.Sprintf("m%d/Makefile", i)] = fmt.Sprintf("all: a b\na:\n\t$(MAKE) -C ../m%d all\n\t$(MAKE) -C ../m%d b\nb:\n\t$(MAKE) -C ../m%d a\n\tgo build ./...\n", (i+1)%300, (i+7)%300, (i+3)%300)
	}
	rs["make in circles"][".github/workflows/ci.yml"] = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n" + strings.Repeat("    - run: make -C m0 all\n", 500)
	shell := map[string]string{}
	for i, s := range []string{"(", "$(", "{ ", "`", "${a:-", "if a; then ", "while a; do ", "case x in x) ", "f() { ", "\"$(", "<<A\n", "a | ", "a && ", "((", "$((", "[[ ", "! ", "cd a; ", "export A=$A$A$A\n", "go build $A ./...\n", "for i in $(a); do ", "<(", "eval \""} {
		shell[fmt.Sprintf("s%d.sh", i)] = "A=aaaa\n" + strings.Repeat(s, (1<<20-10)/len(s))
	}
	rs["shell"] = shell

	goText := map[string]string{}
	for i, text := range []string{
		"var a = " + strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000),
		"var a = " + strings.Repeat("-", 200000) + "1",
		"var a = " + strings.Repeat("1+", 200000) + "1",
		"var a = \"" + strings.Repeat("a", 8<<20) + "\"",
		"var a = `" + strings.Repeat("https://example.org/ ", 400000) + "`",
		"var a = []string{" + strings.Repeat("\"a\",", 1000000) + "}",
		"type a " + strings.Repeat("[]", 200000) + "int",
		"type a " + strings.Repeat("struct{ a ", 50000) + "int" + strings.Repeat("}", 50000),
		"func a() " + strings.Repeat("{ if a ", 50000) + strings.Repeat("}", 50000),
		"func a() {" + strings.Repeat("func() {", 50000) + strings.Repeat("}()", 50000) + "}",
		"func a() { a" + strings.Repeat("(a", 100000) + strings.Repeat(")", 100000) + "}",
		"func a() { a" + strings.Repeat(".a()", 200000) + "}",
		"import (" + strings.Repeat("\"net/http\";", 200000) + ")",
		"/*" + strings.Repeat("#cgo LDFLAGS: -lx\n#include \"x.h\"\n#include <a/b.h>\n", 50000) + "*/\nimport \"C\"",
		"import _ \"embed\"\n" + strings.Repeat("//go:embed a b c *\n", 100000) + "var a string",
		strings.Repeat("//go:build a\n// +build b\n//go:debug a=b\n", 100000),
		goConsts(100000, func(i int) string { return fmt.Sprintf("c%d + c%d", i+1, i+1) }),
		goConsts(100000, func(i int) string { return fmt.Sprintf("c%d + \"/\" + c%d", (i+1)%100000, (i*7)%100000) }),
		goHandlers(20000),
		"import \"net/http\"\nfunc a() {" + strings.Repeat("http.ListenAndServe(a, b);", 200000) + "}",
		"import \"time\"\nfunc a() {" + strings.Repeat("time.LoadLocation(\"Europe/Berlin\");", 100000) + "}",
	} {
		goText[fmt.Sprintf("p%d/a.go", i)] = "package p\n" + text + "\n"
	}
	goText["q/a.go"] = "//go:build " + strings.Repeat("(", 100000) + "a" + strings.Repeat(")", 100000) + "\n\npackage p\n"
	goText["q/b.go"] = "//go:build " + strings.Repeat("a && !b || ", 100000) + "c\n\npackage p\n"
	goText["q/c.go"] = "// +build " + strings.Repeat("a,!b ", 200000) + "\n\npackage p\n"
	goText["q/d.go"] = "//go:build " + strings.Repeat("!", 200000) + "a\n\npackage p\n"
	rs["Go files"] = goText

	lines := func(n int, form string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	rs["many lines of modules"] = map[string]string{
		"go.mod":             "module example.org/a\n\ngo 1.25\n\nrequire (\n" + lines(20000, "\texample.org/m%d v1.0.0\n") + ")\nreplace (\n" + lines(10000, "\texample.org/m%d => ./r\n") + ")\n",
		"go.sum":             lines(60000, "example.org/m%d v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"),
		"vendor/modules.txt": lines(60000, "# example.org/m%d v1.0.0\n## explicit; go 1.25\nexample.org/x\n"),
		"go.work":            "go 1.25\nuse (\n" + lines(10000, "\t./u%d\n") + ")\n",
		"a.go":               "package main\nimport (\n" + lines(30000, "\t_ \"example.org/m%d/a/b/c/d/e/f\"\n") + ")\n",
	}
	rs["go.mod lies"] = map[string]string{
		"go.work":  "go 99.99\ntoolchain go99.99\nuse ../../../../../../etc\nuse /etc\nreplace a => /etc\n",
		"x/go.mod": "module ../../../etc\ngo 999999999999999999999.1\ntoolchain ../../x\nrequire ../../../../etc v1.0.0\nreplace example.org/a => ../../../../../etc\n",
		"y/go.mod": "module example.org/a\n", "z/go.mod": "module example.org/a\nmodule example.org/b\n",
		"vendor/modules.txt": "# ../../../etc v1.0.0\n## explicit\n../../../etc\n# /etc v1 => /etc\n",
	}
	rs["one module per directory"] = map[string]string{}
	for i := range 3000 {
		rs["one module per directory"][fmt.Sprintf("m%d/go.mod", i)] = fmt.Sprintf("module example.org/m%d\ngo 1.25\nrequire example.org/m%d v1.0.0\nreplace example.org/m%d => ../m%d\n", i, i+1, i+1, i+1)
		rs["one module per directory"][fmt.Sprintf("m%d/main.go", i)] = fmt.Sprintf("package main\nimport _ \"example.org/m%d\"\nfunc main() {}\n", i+1)
	}
	return rs
}

func deepYAML(n int) string {
	var b strings.Builder
	for i := range n {
		if b.Len() > 900000 {
			break
		}
		b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
	}
	return b.String()
}

func makeChain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d: t%d t%d\n\t$(MAKE) t%d\n", i, i+1, i+2, i+3)
	}
	return b.String()
}

func goConsts(n int, value func(int) string) string {
	var b strings.Builder
	b.WriteString("const (\n")
	for i := range n {
		fmt.Fprintf(&b, "c%d = %s\n", i, value(i))
	}
	return b.String() + ")\nvar x = c0\n"
}

func goHandlers(n int) string {
	var b strings.Builder
	b.WriteString("import \"net/http\"\n")
	for i := range n {
		fmt.Fprintf(&b, "func h%d(w http.ResponseWriter, r *http.Request) { w.Header().Set(\"Content-Type\", \"text/event-stream\"); for { h%d(w, r); w.(http.Flusher).Flush() } }\n", i, (i+1)%n)
	}
	b.WriteString("func main() {\n")
	for i := range n {
		fmt.Fprintf(&b, "http.HandleFunc(\"/h%d\", h%d)\n", i, i)
	}
	return b.String() + "}\n"
}
