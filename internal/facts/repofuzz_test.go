package facts

import (
	"strings"
	"testing"
	"time"
)

// FuzzRepoFiles holds that no reader panics on, or takes long for, any bytes.
func FuzzRepoFiles(f *testing.F) {
	for _, seed := range []string{
		"", "FROM a\nRUN <<E\nx\nE\n", "FROM $A${B:-${C:+d}}\nENV a=$a$a\nCOPY . \\", "jobs: {a: {steps: [{run: 'go build ${{ x'}]}}",
		"a: &a {<<: *a, extends: a, script: [*a]}\n", "A=$(A)$(B\nx: ; $(A)\n\t@go $@\n", "if cd; then (go `x` ${a[@]}; fi <<E\n$((1))\nE",
		"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, spec: {containers: [{image: a}]}}]\n---\n",
		"apiVersion: v1\nkind: Pod\nspec: &s {containers: [*s], <<: *s}\n", "builds: [{main: ./a, env: [A=b], flags: [-tags, '{{ x }}']}]\n",
		"//go:build a\n// +build b\n\npackage p\nimport \"C\"\n//go:embed \"x\n", "module a\nrequire b v1\n", "package p\n/*\n#cgo CFLAGS: -I.. -I\n#include \"../y.h\"\n# include <\n*/\nimport \"C\"\n", "[tools]\ngo={version=\n", "#slipway:ignore A1",
		"package p\nimport \"net/http\"\nconst a = a + a\nfunc f(w http.ResponseWriter) { for { w.Header().Set(\"Content-Type\", \"text/event-stream\"); w.(http.Flusher).Flush() }; http.HandleFunc(a, f) }",
		"package p\nimport \"net/http\"\ntype t struct { http.ResponseWriter\n }\nfunc (t *t) WriteHeader(int) {}\nfunc () Write() { w := w; w.Flush() }\n",
		"a: a b\n\t$(MAKE) -C . b\nb:\nifdef x\n\tgo build\nendif\nb::;make b", "`go install a.b@`",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		at := func(l, c int) Pos { return Pos{Line: l, Column: c} }
		var r Repo
		r.Dockerfiles = []Dockerfile{readDockerfile("Dockerfile", src)}
		gh, _, _ := readGitHub("x.yml", src, nearby{})
		gl, _, _ := readGitLab("x.yml", src, nearby{})
		r.Workflows = []Workflow{gh, gl}
		cs, _ := readShell(shellText{src: string(src), at: at})
		r.Scripts = []Script{readMakefile("Makefile", string(src)), {Commands: cs}}
		r.Scripts[0].make = &makefile{src: string(src)}
		r.Ran(&JobStep{Commands: []Command{{Dir: ".", Words: []string{"make", "a", "x=$(y)"}, Env: map[string]string{"A": "$(B)"}}}})
		readInstalls("README.md", src)
		if g, err := readGoFile("x/x.go", src); err == nil {
			readCode(&g, src)
			readHosts(&g, src)
			r.GoFiles = []GoFile{g}
			g.Built(nil)
			g.readCgoHead(src)
			g.settleHeaders(map[string]bool{"x/y.h": true})
		}
		if m, err := readRepoModule("go.mod", src); err == nil {
			r.Modules = []RepoModule{m}
			r.Closure(&r.Modules[0], []string{"."}, nil)
			r.Serves(&r.Modules[0], []string{"."}, nil)
		}
		readSums("go.sum", string(src))
		readVendorModules("vendor/modules.txt", string(src))
		readPins("mise.toml", "mise.toml", string(src))
		readEnvFile(".env", string(src))
		readIgnores("x", src)
		r.Manifests = readManifests("x.yaml", src)
		r.Manifests = append(r.Manifests, readManifests("kustomization.yaml", src)...)
		r.joinManifests()
		r.Releases, _ = readGoreleaser("goreleaser.yml", src)
		ko, _ := readKo(".ko.yaml", src)
		r.Releases = append(r.Releases, ko...)
		r.Builds()
		r.Runs()
	})
}

// TestBombs holds that what grows when it is expanded does not grow far.
func TestBombs(t *testing.T) {
	double := func(line string) string { return strings.Repeat(line+"\n", 300) }
	var merges strings.Builder
	merges.WriteString("jobs: &a0 {x: 1}\n")
	for i := 1; i < 9; i++ {
		merges.WriteString("k" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " {<<: [" + strings.Repeat("*a"+string(rune('0'+i-1))+",", 500) + "]}\n")
	}
	start := time.Now()
	readDockerfile("Dockerfile", []byte("FROM a\nENV A=aaaaaaaaaa\n"+double("ENV A=$A$A$A$A$A$A$A$A")))
	readDockerfile("Dockerfile", []byte("FROM a\nRUN "+strings.Repeat("${A:-", 50000)+"\n"))
	readMakefile("Makefile", double("A = $(B)$(B)$(B)$(B)\nB = $(C)$(C)$(C)$(C)\nC = $(A)$(A)$(A)$(A)")+"x:\n"+double("\t$(A)"))
	for _, src := range []string{merges.String(), "a: &a {extends: [b, b, b]}\nb: {extends: [a, a, a]}\n" + strings.Repeat("[", 20000)} {
		if _, _, err := readGitHub("x.yml", []byte(src), nearby{}); err != nil {
			t.Logf("github: %v", err)
		}
		if _, _, err := readGitLab("x.yml", []byte(src), nearby{}); err != nil {
			t.Logf("gitlab: %v", err)
		}
	}
	for _, s := range []string{"(", "$(", "{ ", "`", "${a:-", "if ", "a|", "a&&", "! ", "((", "[[ ", "\"$(", "case x in x) ", "f() { "} {
		readShell(shellText{src: strings.Repeat(s, 60000), at: func(int, int) Pos { return Pos{} }})
	}
	readShell(shellText{src: double("A=$A$A$A$A$A$A$A$A; x y$A$A$A"), at: func(int, int) Pos { return Pos{} }})
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}
