package facts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ciProject = `
-- .gitlab-ci.yml --
include:
  - local: /ci/base.yml
  - local: 'ci/jobs/*.yml'
  - project: other/project
    file: /x.yml
variables: {GO: "1.25", GO_IMAGE: golang, SHARED: main}
default:
  before_script: [cd app]
build:
  extends: .go
  variables: {CGO_ENABLED: "1"}
  script:
    - !reference [.setup, script]
    - go build ./$SHARED
elsewhere:
  extends: .not-here
  script: [go build ./elsewhere]
alone:
  inherit: {default: false, variables: [GO]}
  script:
    - go build ./$GO/$SHARED
lost:
  script:
    - go vet ./before
    - !reference [.not-here, script]
    - go build ./lost
loop: {extends: loop2, script: [!reference [loop, script]]}
loop2: {extends: loop}
-- ci/base.yml --
spec:
  inputs: {stage: {default: test}}
---
include: nested/more.yml
variables: {SHARED: base, BASE: "yes"}
.go:
  extends: [.first, .second]
  image: $GO_IMAGE:$GO-alpine
  variables: {CGO_ENABLED: "0", GOFLAGS: -trimpath}
.first:
  variables: {A: first, B: first}
.second:
  variables: {B: second}
-- nested/more.yml --
.setup:
  script:
    - export GOOS=linux
    - - go env # slipway:ignore ENV001 a test
-- ci/jobs/a.yml --
in-a:
  stage: $[[ inputs.stage ]]
  script:
    - echo $[[ inputs.stage ]] && go test ./a
-- ci/jobs/deep/b.yml --
in-b:
  script: go test ./b
-- .github/workflows/ci.yml --
on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    env: {CGO_ENABLED: "0"}
    steps:
      - uses: actions/checkout@v5
      - uses: ./.github/actions/setup
        if: always()
        env: {OUTER: "1"}
      - run: go build ./app
  other:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
        with: {repository: other/one}
      - uses: ./.github/actions/setup
-- .github/actions/setup/action.yml --
runs:
  using: composite
  steps:
    - uses: actions/setup-go@v6
      with: {go-version: "1.20"}
    - run: |
        echo "GOFLAGS=-tags=x" >> $GITHUB_ENV
        go vet ./${{ inputs.dir }}
      shell: bash
    - uses: ./.github/actions/inner
-- .github/actions/inner/action.yaml --
runs:
  using: composite
  steps:
    - run: go generate ./inner
      shell: bash
    - uses: ./.github/actions/setup
`

func TestIncludedCI(t *testing.T) {
	r := readTestRepo(t, ciProject)
	var gl, gh *Workflow
	for i := range r.Workflows {
		if r.Workflows[i].Kind == "gitlab" {
			gl = &r.Workflows[i]
		} else {
			gh = &r.Workflows[i]
		}
	}
	var got []string
	for _, j := range gl.Jobs {
		for _, s := range j.Steps {
			for _, c := range s.Commands {
				got = append(got, fmt.Sprintf("%s %s %q in %q cgo=%s os=%s B=%s", j.ID, c.Pos, strings.Join(c.Words, " "), c.Dir, c.Env["CGO_ENABLED"], c.Env["GOOS"], c.Env["B"]))
			}
		}
	}
	same(t, "gitlab", strings.Join(got, "\n"), strings.Join([]string{
		`in-a .gitlab-ci.yml:8:19 "cd app" in "." cgo= os= B=`,
		`in-a ci/jobs/a.yml:4:7 "echo \x00" in "app" cgo= os= B=`,
		`in-a ci/jobs/a.yml:4:35 "go test ./a" in "app" cgo= os= B=`,
		`build .gitlab-ci.yml:8:19 "cd app" in "." cgo=1 os= B=second`,
		`build nested/more.yml:4:9 "go env" in "app" cgo=1 os=linux B=second`,
		`build .gitlab-ci.yml:14:7 "go build ./main" in "app" cgo=1 os=linux B=second`,
		`elsewhere .gitlab-ci.yml:17:12 "go build ./elsewhere" in "" cgo= os= B=`,
		`alone .gitlab-ci.yml:21:7 "go build ./1.25/\x00" in "." cgo= os= B=`,
		`lost .gitlab-ci.yml:8:19 "cd app" in "." cgo= os= B=`,
		`lost .gitlab-ci.yml:24:7 "go vet ./before" in "app" cgo= os= B=`,
		`lost .gitlab-ci.yml:26:7 "go build ./lost" in "" cgo= os= B=`,
	}, "\n"))
	build := gl.Jobs[1]
	same(t, "image", fmt.Sprint(build.Image.Name, build.Image.Tag, build.Image.Resolved, build.Image.Pos), "golang1.25-alpinetrue ci/base.yml:8:10")
	same(t, "variables", fmt.Sprint(build.Env["CGO_ENABLED"], build.Env["GOFLAGS"], build.Env["A"], gl.Env["SHARED"], gl.Env["BASE"]),
		"{1 .gitlab-ci.yml:11:28} {-trimpath ci/base.yml:9:42} {first ci/base.yml:11:18} {main .gitlab-ci.yml:6:51} {yes ci/base.yml:5:33}")
	same(t, "ignores", fmt.Sprint(len(r.Ignores), r.Ignores[0].Pos), "1 nested/more.yml:4:18")

	got = nil
	for _, j := range gh.Jobs {
		for _, s := range j.Steps {
			line := fmt.Sprintf("%s %s via %s %s if=%s", j.ID, s.Pos, s.Via, s.Uses.Value, s.If.Value)
			for _, c := range s.Commands {
				line += fmt.Sprintf(" | %s %q %s%s%s", c.Pos, strings.Join(c.Words, " "), c.Env["CGO_ENABLED"], c.Env["OUTER"], c.Env["GOFLAGS"])
			}
			got = append(got, line)
		}
	}
	const setup, inner = ".github/actions/setup/action.yml", ".github/actions/inner/action.yaml"
	want := []string{
		"test .github/workflows/ci.yml:7:9 via  actions/checkout@v5 if=",
		"test .github/workflows/ci.yml:8:9 via  ./.github/actions/setup if=always()",
	}
	if len(got) < 8 {
		t.Fatalf("%d steps: %q", len(got), got)
	}
	same(t, "own steps", strings.Join(got[:2], "\n"), strings.Join(want, "\n"))
	same(t, "inlined", got[2], "test "+setup+":4:7 via .github/workflows/ci.yml:8:15 actions/setup-go@v6 if=always()")
	same(t, "run", got[3], "test "+setup+":6:7 via .github/workflows/ci.yml:8:15  if=always() | "+setup+":7:9 \"echo GOFLAGS=-tags=x\" 01 | "+setup+":8:9 \"go vet ./\\x00\" 01")
	same(t, "inner", got[5], "test "+inner+":4:7 via "+setup+":10:13  if=always() | "+inner+":4:12 \"go generate ./inner\" 01\x00")
	same(t, "last", got[len(got)-1], "other .github/workflows/ci.yml:17:9 via  ./.github/actions/setup if=")
}

// FuzzIncludes holds that configurations which include, extend and refer to
// one another end.
func FuzzIncludes(f *testing.F) {
	f.Add("include: [a.yml, '**.yml']\nx: {extends: [y, y], script: [!reference [y, script], *a]}\n", "y: {extends: [x, x, x], script: &a [!reference [x, script], !reference [y, script]]}\n")
	f.Add("jobs: {a: {steps: [{uses: ./a}, {uses: ./a}]}}", "runs: {using: composite, steps: [{uses: ./a}, {uses: ./a}, {uses: ./a}]}")
	f.Fuzz(func(t *testing.T, one, two string) {
		root := t.TempDir()
		files := map[string]bool{}
		for _, name := range []string{"a.yml", "a/action.yml"} {
			files[name] = true
			name = filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(two), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		near := nearby{root, files}
		readGitLab(".gitlab-ci.yml", []byte(one), near)
		readGitHub(".github/workflows/a.yml", []byte(one), near)
	})
}
