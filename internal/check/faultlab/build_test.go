package faultlab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/testkit"
)

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
	fails(t, bad, nil, "go.mod requires go >= 1.99", "go", "build", "-o", os.DevNull, ".")
	works(t, good, nil, "go", "build", "-o", os.DevNull, ".")
	for _, rule := range []string{"GO001", "GO005", "GO007"} {
		observed(t, rule, bad, good)
	}
}

// TestWorkspaceOlderThanModule: every go command in the workspace stops.
func TestWorkspaceOlderThanModule(t *testing.T) {
	t.Parallel()
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- main.go --\npackage main\n\nfunc main() {}\n"
	bad := tree(t, module+"-- go.work --\ngo 1.22\n\nuse .\n")
	good := tree(t, module+"-- go.work --\ngo 1.24\n\nuse .\n")
	fails(t, bad, nil, "listed in go.work file requires go >= 1.24", "go", "list", ".")
	works(t, good, nil, "go", "list", ".")
	observed(t, "GO006", bad, good)
}

// fetching gives the settings of a go command that fetches from proxy and
// compiles into the build cache of this machine, which has std already.
func fetching(t *testing.T, proxy *testkit.ModProxy) []string {
	t.Helper()
	return append(proxy.Env(t), buildCache(t))
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
	observed(t, "MOD010", tree(t, "-- go.mod --\n"+replaced+"-- main.go --\n"+main+"-- README.md --\n"+readme), tree(t, "-- go.mod --\n"+gomod+"-- main.go --\n"+main+"-- README.md --\n"+readme))
}

// TestGetInstallsNothing: go get adds a requirement, go install a program.
func TestGetInstallsNothing(t *testing.T) {
	t.Parallel()
	proxy := testkit.NewModProxy(t)
	proxy.Add(t, "example.com/tool", "v1.0.0", map[string]string{"main.go": "package main\n\nfunc main() {}\n"})
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- app.go --\npackage app\n-- lint.sh --\n"
	bad := tree(t, module+"go get example.com/tool@v1.0.0\ntool ./...\n")
	good := tree(t, module+"go install example.com/tool@v1.0.0\ntool ./...\n")
	bin := t.TempDir()
	env := append(fetching(t, proxy), "GOBIN="+bin, "PATH="+os.Getenv("PATH")+string(os.PathListSeparator)+bin)
	works(t, bad, env, "go", "get", "example.com/tool@v1.0.0")
	if got, err := filepath.Glob(filepath.Join(bin, "*")); err != nil || len(got) > 0 {
		t.Errorf("go get has installed %v, %v", got, err)
	}
	works(t, good, env, "go", "install", "example.com/tool@v1.0.0")
	works(t, bin, env, filepath.Join(bin, "tool"))
	observed(t, "MOD011", bad, good)
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
// go mod verify, which only looks at the module cache, says that all is well,
// as does git diff, which only looks at files it knows.
func TestVendorIsNotChecked(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("this test needs git: ", err)
	}
	dir, env := vendored(t)
	git := []string{"git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-qm", "a"}} {
		works(t, dir, nil, append(git, args...)...)
	}
	modcache := works(t, dir, env, "go", "env", "GOMODCACHE")
	const added = "vendor/example.com/lib/added.go"
	injected := func() []finding.Finding {
		repo, err := facts.ReadRepo(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := facts.ReadDeps(t.Context(), &repo, dir, modcache); err != nil {
			t.Fatal(err)
		}
		res, err := check.Run(&repo, []string{"MOD013"})
		if err != nil {
			t.Fatal(err)
		}
		return res.Findings
	}
	if fs := injected(); len(fs) > 0 {
		t.Errorf("MOD013 finds %v in what the go command made", fs)
	}
	lay(t, dir, "-- "+added+" --\npackage lib\n\nfunc init() { println(\"injected\") }\n")
	equal(t, "the program", works(t, dir, env, "go", "run", "."), "injected\npublished")
	equal(t, "go mod verify", works(t, dir, env, "go", "mod", "verify"), "all modules verified")
	works(t, dir, nil, "git", "diff", "--quiet", "vendor/")
	if out := works(t, dir, nil, "git", "status", "--porcelain", "vendor/"); !strings.Contains(out, added) {
		t.Errorf("git status does not see the added file: %q", out)
	}
	if fs := injected(); len(fs) != 1 || fs[0].Pos.File != added {
		t.Errorf("MOD013 finds %v", fs)
	}
	seen(t, "MOD013") // the module cache, which the rule needs, is the test's own
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n-- vendor/modules.txt --\n# example.com/lib v1.0.0\n## explicit\nexample.com/lib\n-- check.sh --\ngo mod vendor\n"
	observed(t, "MOD002", tree(t, module+"git diff --quiet vendor/\n"), tree(t, module+"test -z \"$(git status --porcelain vendor/)\"\n"))
}

// TestInconsistentVendoring: the build stops when go.mod has moved on.
func TestInconsistentVendoring(t *testing.T) {
	t.Parallel()
	bad, env := vendored(t)
	good := t.TempDir()
	if err := os.CopyFS(good, os.DirFS(bad)); err != nil {
		t.Fatal(err)
	}
	lay(t, bad, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.1.0\n")
	works(t, good, env, "go", "build", "-o", os.DevNull, ".")
	fails(t, bad, env, "inconsistent vendoring", "go", "build", "-o", os.DevNull, ".")
	observed(t, "MOD004", bad, good)
}

// TestVendorBypassed: with -mod=mod another text is built than the reviewed one.
func TestVendorBypassed(t *testing.T) {
	t.Parallel()
	dir, env := vendored(t)
	lay(t, dir, "-- vendor/example.com/lib/lib.go --\npackage lib\n\nfunc Says() string { return \"reviewed\" }\n")
	for flag, says := range map[string]string{"": "reviewed", " -mod=mod": "published"} {
		equal(t, "the program with"+flag, works(t, dir, env, append([]string{"go", "run"}, append(strings.Fields(flag), ".")...)...), says)
	}
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n-- main.go --\npackage main\n\nfunc main() {}\n" +
		"-- vendor/modules.txt --\n# example.com/lib v1.0.0\n## explicit\nexample.com/lib\n-- vendor/example.com/lib/lib.go --\npackage lib\n-- Makefile --\nbuild:\n"
	observed(t, "MOD012", tree(t, module+"\tgo build -mod=mod -o app .\n"), tree(t, module+"\tgo build -o app .\n"))
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
	works(t, bad, nil, "go", "test", "./...")
	fails(t, bad, nil, "prod.go", "go", "build", "-tags", "prod", "-o", os.DevNull, ".")
	good := project("go test -tags prod ./...")
	fails(t, good, nil, "prod.go", "go", "test", "-tags", "prod", "./...") // where it should fail
	observed(t, "CI009", bad, good)
}
