package faultlab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/testkit"
)

// tree writes the files of an archive into a directory of their own.
func tree(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, archive)
	return dir
}

// put writes the files of an archive into dir.
func put(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// mustFind holds that a rule finds something in dir, or nothing.
func mustFind(t *testing.T, dir, rule string, want bool) {
	t.Helper()
	repo, err := facts.ReadRepo(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	res, err := check.Run(&repo, []string{rule})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(res.Findings) > 0; got != want {
		t.Errorf("%s finds something: %t, want %t (%v)", rule, got, want, res.Findings)
	}
}

// command runs a program in dir, with env over what a go command needs.
func command(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOENV=off", "GOWORK=", "GOTOOLCHAIN=local", "GOPROXY=off", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fails holds that a command fails and says text.
func fails(t *testing.T, dir string, env []string, text string, args ...string) {
	t.Helper()
	if out, err := command(t, dir, env, args...); err == nil || !strings.Contains(out, text) {
		t.Errorf("%s: %v, should fail with %q:\n%s", strings.Join(args, " "), err, text, out)
	}
}

// works runs a command that must not fail and gives its output.
func works(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, env, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// TestLocalToolchain: with GOTOOLCHAIN=local, as in the golang images, the go
// command stops at a newer go line. Go 1.99 stands for the newer release, this
// machine's for the image's.
func TestLocalToolchain(t *testing.T) {
	t.Parallel()
	project := func(image, line string) string {
		return tree(t, "-- go.mod --\nmodule example.com/app\n\ngo "+line+"\n-- main.go --\npackage main\n\nfunc main() {}\n"+
			"-- Dockerfile --\nFROM golang:"+image+"\nENV GOTOOLCHAIN=local\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n"+
			"-- image/Dockerfile --\nFROM golang:"+image+"\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n"+
			"-- .gitlab-ci.yml --\ntest:\n  image: golang:"+image+"\n  script: [go test ./...]\n")
	}
	bad, good := project("1.25", "1.99"), project("1.25", "1.25")
	for _, rule := range []string{"GO001", "GO005", "GO007"} {
		mustFind(t, bad, rule, true)
		mustFind(t, good, rule, false)
	}
	fails(t, bad, nil, "go.mod requires go >= 1.99", "go", "build", "-o", os.DevNull, ".")
	works(t, good, nil, "go", "build", "-o", os.DevNull, ".")
}

// TestWorkspaceOlderThanModule: every go command in the workspace stops.
func TestWorkspaceOlderThanModule(t *testing.T) {
	t.Parallel()
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- main.go --\npackage main\n\nfunc main() {}\n"
	bad := tree(t, module+"-- go.work --\ngo 1.22\n\nuse .\n")
	good := tree(t, module+"-- go.work --\ngo 1.24\n\nuse .\n")
	mustFind(t, bad, "GO006", true)
	mustFind(t, good, "GO006", false)
	fails(t, bad, nil, "listed in go.work file requires go >= 1.24", "go", "list", ".")
	works(t, good, nil, "go", "list", ".")
}

// fetching gives the settings of a go command that fetches from proxy and
// compiles into the build cache of this machine, which has std already.
func fetching(t *testing.T, proxy *testkit.ModProxy) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return append(proxy.Env(t), "GOCACHE="+strings.TrimSpace(string(out)))
}

// TestInstallRefused: go install path@version refuses replace lines.
func TestInstallRefused(t *testing.T) {
	t.Parallel()
	const main, readme = "package main\n\nfunc main() {}\n", "    go install example.com/app@latest\n"
	const gomod = "module example.com/app\n\ngo 1.24\n"
	const replaced = gomod + "\nreplace example.com/lib => ./lib\n"
	proxy := testkit.NewModProxy(t)
	proxy.Add(t, "example.com/app", "v1.0.0", map[string]string{"go.mod": replaced, "main.go": main})
	bin := t.TempDir()
	env := append(fetching(t, proxy), "GOBIN="+bin)
	fails(t, t.TempDir(), env, "more replace directives", "go", "install", "example.com/app@latest")
	proxy.Add(t, "example.com/app", "v1.0.1", map[string]string{"go.mod": gomod, "main.go": main})
	works(t, t.TempDir(), env, "go", "install", "example.com/app@v1.0.1")
	works(t, bin, nil, filepath.Join(bin, "app"))
	mustFind(t, tree(t, "-- go.mod --\n"+replaced+"-- main.go --\n"+main+"-- README.md --\n"+readme), "MOD010", true)
	mustFind(t, tree(t, "-- go.mod --\n"+gomod+"-- main.go --\n"+main+"-- README.md --\n"+readme), "MOD010", false)
}

// TestGetInstallsNothing: go get adds a requirement, go install a program.
func TestGetInstallsNothing(t *testing.T) {
	t.Parallel()
	proxy := testkit.NewModProxy(t)
	proxy.Add(t, "example.com/tool", "v1.0.0", map[string]string{"main.go": "package main\n\nfunc main() {}\n"})
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- app.go --\npackage app\n-- lint.sh --\n"
	bad := tree(t, module+"go get example.com/tool@v1.0.0\ntool ./...\n")
	good := tree(t, module+"go install example.com/tool@v1.0.0\ntool ./...\n")
	mustFind(t, bad, "MOD011", true)
	mustFind(t, good, "MOD011", false)
	bin := t.TempDir()
	env := append(fetching(t, proxy), "GOBIN="+bin, "PATH="+os.Getenv("PATH")+string(os.PathListSeparator)+bin)
	works(t, bad, env, "go", "get", "example.com/tool@v1.0.0")
	if got, err := filepath.Glob(filepath.Join(bin, "*")); err != nil || len(got) > 0 {
		t.Errorf("go get has installed %v, %v", got, err)
	}
	works(t, good, env, "go", "install", "example.com/tool@v1.0.0")
	works(t, bin, env, filepath.Join(bin, "tool"))
}

// vendored is a project with its modules in vendor, made by the go command.
func vendored(t *testing.T) (dir string, env []string) {
	t.Helper()
	proxy := testkit.NewModProxy(t)
	proxy.Add(t, "example.com/lib", "v1.0.0", map[string]string{"lib.go": "package lib\n\nfunc Says() string { return \"published\" }\n"})
	proxy.Add(t, "example.com/lib", "v1.1.0", map[string]string{"lib.go": "package lib\n\nfunc Says() string { return \"newer\" }\n"})
	dir = tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n"+
		"-- main.go --\npackage main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Says()) }\n")
	env = append(fetching(t, proxy), "CGO_ENABLED=0")
	works(t, dir, env, "go", "mod", "tidy")
	works(t, dir, env, "go", "mod", "vendor")
	return dir, env
}

// TestVendorIsNotChecked: an edited and an added file in vendor are built, and
// go mod verify, which only looks at the module cache, says that all is well.
func TestVendorIsNotChecked(t *testing.T) {
	t.Parallel()
	dir, env := vendored(t)
	put(t, dir, "-- vendor/example.com/lib/added.go --\npackage lib\n\nfunc init() { println(\"injected\") }\n-- check.sh --\ngo mod vendor\ngit diff --quiet vendor/\n")
	if out := works(t, dir, env, "go", "run", "."); out != "injected\npublished" {
		t.Errorf("the program says %q", out)
	}
	if out := works(t, dir, env, "go", "mod", "verify"); !strings.Contains(out, "all modules verified") {
		t.Errorf("go mod verify says %q", out)
	}
	mustFind(t, dir, "MOD002", true)
	repo, err := facts.ReadRepo(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := facts.ReadDeps(t.Context(), &repo, dir, works(t, dir, env, "go", "env", "GOMODCACHE")); err != nil {
		t.Fatal(err)
	}
	if res, err := check.Run(&repo, []string{"MOD013"}); err != nil || len(res.Findings) != 1 || res.Findings[0].Pos.File != "vendor/example.com/lib/added.go" {
		t.Errorf("MOD013 finds %v, %v", res.Findings, err)
	}
	if _, err := exec.LookPath("git"); err != nil {
		return
	}
	git := []string{"git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}
	if err := os.Remove(filepath.Join(dir, "vendor/example.com/lib/added.go")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-qm", "a"}} {
		works(t, dir, nil, append(git, args...)...)
	}
	put(t, dir, "-- vendor/example.com/lib/added.go --\npackage lib\n")
	works(t, dir, nil, "git", "diff", "--quiet", "vendor/")
	if out := works(t, dir, nil, "git", "status", "--porcelain", "vendor/"); out == "" {
		t.Error("git status does not see the added file")
	}
}

// TestInconsistentVendoring: the build stops when go.mod has moved on.
func TestInconsistentVendoring(t *testing.T) {
	t.Parallel()
	dir, env := vendored(t)
	mustFind(t, dir, "MOD004", false)
	works(t, dir, env, "go", "build", "-o", os.DevNull, ".")
	put(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.1.0\n")
	mustFind(t, dir, "MOD004", true)
	fails(t, dir, env, "inconsistent vendoring", "go", "build", "-o", os.DevNull, ".")
}

// TestVendorBypassed: with -mod=mod another text is built than the reviewed one.
func TestVendorBypassed(t *testing.T) {
	t.Parallel()
	dir, env := vendored(t)
	put(t, dir, "-- vendor/example.com/lib/lib.go --\npackage lib\n\nfunc Says() string { return \"reviewed\" }\n")
	put(t, dir, "-- Makefile --\nbuild:\n\tgo build -o app .\n")
	mustFind(t, dir, "MOD012", false)
	if out := works(t, dir, env, "go", "run", "."); out != "reviewed" {
		t.Errorf("the program says %q", out)
	}
	put(t, dir, "-- Makefile --\nbuild:\n\tgo build -mod=mod -o app .\n")
	mustFind(t, dir, "MOD012", true)
	if out := works(t, dir, env, "go", "run", "-mod=mod", "."); out != "published" {
		t.Errorf("the program says %q", out)
	}
}

// TestTagsUntested: what only the image's tag brings is never compiled by the
// tests of CI, so that they pass although the image cannot be built.
func TestTagsUntested(t *testing.T) {
	t.Parallel()
	project := func(test string) string {
		return tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- main.go --\npackage main\n\nfunc main() {}\n"+
			"-- prod.go --\n//go:build prod\n\npackage main\n\nvar _ int = \"broken\"\n"+
			"-- Dockerfile --\nFROM golang:1.24 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -tags prod -o /app .\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n"+
			"-- .github/workflows/ci.yml --\non: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n      - run: "+test+"\n")
	}
	bad := project("go test ./...")
	mustFind(t, bad, "CI009", true)
	works(t, bad, nil, "go", "test", "./...")
	fails(t, bad, nil, "prod.go", "go", "build", "-tags", "prod", "-o", os.DevNull, ".")
	good := project("go test -tags prod ./...")
	mustFind(t, good, "CI009", false)
	fails(t, good, nil, "prod.go", "go", "test", "-tags", "prod", "./...") // where it should fail
}
