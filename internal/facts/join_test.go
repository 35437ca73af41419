package facts

import (
	"fmt"
	"strings"
	"testing"
)

const joinProject = `
-- go.mod --
module example.com/app

go 1.26
replace example.com/lib => ./lib
-- lib/go.mod --
module example.com/lib
-- lib/tz/tz.go --
package tz

import "time"
-- cmd/app/main.go --
package main

import (
	"net/http"

	"example.com/app/store"
	"example.com/lib/tz"
)
-- store/store.go --
package store

import "example.com/app/cdb"
-- cdb/cgo.go --
package cdb

import "C"
-- cdb/pure.go --
//go:build !cgo

package cdb

import "database/sql"
-- cdb/win_windows.go --
package cdb

import "golang.org/x/sys/windows"
-- .dockerignore --
# what is not sent
.git
-- Dockerfile --
# syntax=docker/dockerfile:1
ARG GO=1.26
FROM --platform=$BUILDPLATFORM golang:${GO}-bookworm AS build
ARG TARGETARCH
ARG TAGS="b,a"
ENV GOFLAGS=-trimpath
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/root/.cache \
    go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    set -e; \
    # the program
    cd cmd && \
    go build -tags "$TAGS" -o /out/app ./app

FROM build AS static
RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -o /out/static ./cmd/app

FROM build AS test
RUN <<END
go vet ./...
go install ./cmd/app
END

FROM scratch AS export
COPY --from=build /out/ /

FROM gcr.io/distroless/base@sha256:abc
USER 65532
COPY --from=build /out/app /usr/local/bin/
COPY --from=static /out/static /static
EXPOSE 8080/tcp
ENTRYPOINT ["/usr/local/bin/app"]
CMD help
-- deploy/Dockerfile --
FROM golang:1.26-alpine
COPY cmd cmd
COPY . .
RUN go build ./cmd/app
-- .github/workflows/ci.yml --
name: ci
on: [push, pull_request]
permissions:
  contents: read
env:
  CGO_ENABLED: 0
jobs:
  test:
    runs-on: ubuntu-latest
    container: golang:1.26
    permissions: write-all
    strategy:
      matrix:
        go: ["1.25", "1.26"]
    steps:
      - uses: actions/setup-go@v5
        with:
          go-version: ${{ matrix.go }}
      - name: build
        working-directory: ./cmd
        env:
          GOOS: ${{ matrix.os }}
        run: |
          echo ${{ github.sha }}
          cd app
          go build -ldflags "-X main.v=${{ github.ref }}" .
      - run: go test ./... # slipway:ignore CI001 because
      - shell: pwsh
        run: if ($x) { go build }
-- .gitlab-ci.yml --
variables:
  GOV: "1.25"
default:
  image: golang:$GOV
.base:
  before_script:
    - export CGO_ENABLED=0
build:
  extends: .base
  script:
    - cd cmd
    - go build ./app
-- Makefile --
GO ?= go
export GOFLAGS := -mod=mod
BUILD = CGO_ENABLED=0 $(GO) build
VERSION := $(shell git describe)
.PHONY: build

build: deps
	@$(BUILD) -ldflags \
	  "-X main.v=$(VERSION)" -o bin/$@ ./cmd/app
	for i in a; do echo $$i; done
`

func TestReadDockerfile(t *testing.T) {
	d := readTestRepo(t, joinProject).Dockerfiles[0]
	same(t, "path", d.Path+d.Err, "Dockerfile")
	same(t, "ignore", d.Ignore, "[.git]")
	same(t, "stages", len(d.Stages), 5)
	b, last := d.Stages[0], d.Stages[4]
	same(t, "base", fmt.Sprintf("%+v", b.Base), "{Raw:golang:${GO}-bookworm Name:golang Tag:1.26-bookworm Digest: Resolved:true Pos:Dockerfile:3:32}")
	same(t, "platform", b.Platform, "$BUILDPLATFORM")
	same(t, "args", b.Args, "map[TAGS:{b,a Dockerfile:5:1} TARGETARCH:{\x00 Dockerfile:4:1}]")
	same(t, "copies", fmt.Sprintf("%+v", b.Copies[0]), "{Pos:Dockerfile:8:1 From: FromStage:-1 Srcs:[go.mod go.sum] Dst:/src/ Add:false Checksum:}")
	same(t, "caches", b.Runs[1].CacheMounts, "[/go/pkg/mod /root/.cache/go-build]")
	var at []string
	for _, r := range d.Stages {
		for _, run := range r.Runs {
			for _, c := range run.Commands {
				at = append(at, c.Pos.String()+" "+strings.Join(c.Words, " "))
			}
		}
	}
	same(t, "commands", strings.Join(at, "\n"), strings.Join([]string{
		"Dockerfile:10:5 go mod download", "Dockerfile:14:5 set -e", "Dockerfile:16:5 cd cmd", "Dockerfile:17:5 go build -tags b,a -o /out/app ./app",
		"Dockerfile:20:38 go build -o /out/static ./cmd/app", "Dockerfile:24:1 go vet ./...", "Dockerfile:25:1 go install ./cmd/app"}, "\n"))
	same(t, "parents", fmt.Sprint(d.Stages[1].Parent, d.Stages[2].Parent, d.Stages[3].Parent, last.Parent), "0 0 -1 -1")
	same(t, "last", fmt.Sprintf("%v %v %+v %+v %v %v", last.Last, last.User, *last.Entrypoint, *last.Cmd, last.Exposes, last.Base.Digest),
		"true {65532 Dockerfile:32:1} {Shell:false Args:[/usr/local/bin/app] Pos:Dockerfile:36:1 At:} {Shell:true Args:[help] Pos:Dockerfile:37:1 At:Dockerfile:37:5} [{8080/tcp Dockerfile:35:1}] sha256:abc")
}

func TestReadWorkflows(t *testing.T) {
	r := readTestRepo(t, joinProject)
	gh, gl := r.Workflows[0], r.Workflows[1]
	if gh.Kind != "github" {
		gh, gl = gl, gh
	}
	j := gh.Jobs[0]
	same(t, "workflow", fmt.Sprint(gh.Name, gh.On, *gh.Permissions, gh.Env), "{ci .github/workflows/ci.yml:1:7} [{push .github/workflows/ci.yml:2:6} {pull_request .github/workflows/ci.yml:2:12}] {.github/workflows/ci.yml:4:3  map[contents:{read .github/workflows/ci.yml:4:13}]} map[CGO_ENABLED:{0 .github/workflows/ci.yml:6:16}]")
	same(t, "job", fmt.Sprint(j.ID, j.Pos, j.Image.Name, j.Image.Tag, j.RunsOn, j.Permissions.All, j.Matrix["go"][1].Value), "test.github/workflows/ci.yml:8:3golang1.26[ubuntu-latest]write-all1.26")
	same(t, "uses", j.Steps[0].Uses, "{actions/setup-go@v5 .github/workflows/ci.yml:16:15}")
	c := j.Steps[1].Commands[2]
	same(t, "command", fmt.Sprintf("%v %q %q %s", c.Pos, c.Words, c.Env, c.Dir), `.github/workflows/ci.yml:26:11 ["go" "build" "-ldflags" "-X main.v=\x00" "."] map["CGO_ENABLED":"0" "GOOS":"\x00"] app`)
	same(t, "inline", j.Steps[2].Commands[0].Pos, ".github/workflows/ci.yml:27:14")
	same(t, "powershell", len(j.Steps[3].Commands), 0)
	same(t, "ignore", r.Ignores, "[{CI001 because .github/workflows/ci.yml:27:30 .github/workflows/ci.yml:27}]")
	g := gl.Jobs[0]
	same(t, "gitlab", fmt.Sprint(len(gl.Jobs), g.ID, g.Image.Tag, g.Image.Resolved, g.Steps[1].Commands[1]), "1build1.25true {.gitlab-ci.yml:12:7 map[CGO_ENABLED:0 GOV:1.25] cmd [] map[CGO_ENABLED:.gitlab-ci.yml:7:14] [go build ./app] [{go .gitlab-ci.yml:12:7} {build .gitlab-ci.yml:12:10} {./app .gitlab-ci.yml:12:16}]}")
}

func TestReadMakefile(t *testing.T) {
	s := readTestRepo(t, joinProject).Scripts[0]
	same(t, "words after a variable do not stand in the file", fmt.Sprint(s.Targets["build"][0].Raw[:3]), "[{ } { } { }]")
	s.Targets["build"][0].Raw = nil
	same(t, "make", fmt.Sprintf("%q", s.Targets["build"][0]), fmt.Sprintf("%q", Command{Pos: Pos{File: "Makefile", Line: 8, Column: 17}, Env: map[string]string{"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}, Dir: ".", At: map[string]Pos{"CGO_ENABLED": {File: "Makefile", Line: 8, Column: 3}}, Words: []string{"go", "build", "-ldflags", "-X main.v=\x00", "-o", "bin/build", "./cmd/app"}}))
	same(t, "loop", s.Targets["build"][1].Words, "[echo \x00]")
}

func TestBuilds(t *testing.T) {
	r := readTestRepo(t, joinProject)
	var got []string
	for _, b := range r.Builds() {
		m, rt := "?", "?"
		if b.Module != nil {
			m = b.Module.Root
		}
		if b.Runtime != nil {
			rt = b.Runtime.Base.Name
		}
		got = append(got, b.Where+fmt.Sprintf(" | %s %v cgo %s %v %v %s -> %s", m, b.Packages, b.Cgo, b.CgoWhy, b.Tags, b.Output, rt))
	}
	same(t, "builds", strings.Join(got, "\n"), strings.Join([]string{
		"Dockerfile:17 stage build | . [cmd/app] cgo yes  [a b] /out/app -> gcr.io/distroless/base",
		"Dockerfile:20 stage static | . [cmd/app] cgo no Dockerfile:20:5 [] /out/static -> gcr.io/distroless/base",
		"Dockerfile:25 stage test | . [cmd/app] cgo yes  [] /go/bin/app -> ?",
		"deploy/Dockerfile:4 | . [cmd/app] cgo no  [] /go/app -> ?",
		".github/workflows/ci.yml job test | . [cmd/app] cgo no .github/workflows/ci.yml:6:16 []  -> ?",
		".gitlab-ci.yml job build | . [cmd/app] cgo no .gitlab-ci.yml:7:14 []  -> ?",
		"Makefile | . [cmd/app] cgo no Makefile:8:3 []  -> ?",
	}, "\n"))
}

func TestClosure(t *testing.T) {
	r := readTestRepo(t, joinProject)
	m := &r.Modules[0]
	with := r.Closure(m, []string{"cmd/app"}, []string{"cgo"})
	same(t, "chain", with["C"].Chain, "[{example.com/app/cmd/app } {example.com/app/store cmd/app/main.go:6:2} {example.com/app/cdb store/store.go:3:8} {C cdb/cgo.go:3:8}]")
	if _, ok := with["database/sql"]; ok {
		t.Error("a file for !cgo was read with cgo")
	}
	without := r.Closure(m, []string{"cmd/app"}, nil)
	for path, want := range map[string]bool{"C": false, "database/sql": true, "time": true, "net/http": true, "golang.org/x/sys/windows": false} {
		if _, ok := without[path]; ok != want {
			t.Errorf("%s reached: %v", path, ok)
		}
	}
}

// TestBuildsOfOthers keeps builds of other people's programs from being taken
// for builds of this repository.
func TestBuildsOfOthers(t *testing.T) {
	r := readTestRepo(t, `
-- go.mod --
module example.com/app
-- main.go --
package main
-- .github/workflows/ci.yml --
on: push
jobs:
  a:
    steps:
      - uses: actions/checkout@v5
      - run: |
          git clone $URL tool
          cd tool && go build
          go install example.com/x@latest
      - run: go build -C "$HOME/other"
      - run: cd /tmp/x && go build
      - uses: actions/checkout@v5
        with:
          repository: other/project
      - run: go build .
-- Dockerfile --
FROM golang:1.26
RUN git clone $URL /src && cd /src && go build
COPY main.go go.mod /app/
RUN cd /app && go build -o x
`)
	var got []string
	for _, b := range r.Builds() {
		got = append(got, fmt.Sprint(b.Go.Pos, " ", b.Module != nil, b.Packages))
	}
	same(t, "builds", strings.Join(got, "\n"), strings.Join([]string{
		"Dockerfile:2:39 false []", "Dockerfile:4:16 true [.]",
		".github/workflows/ci.yml:8:22 false []", ".github/workflows/ci.yml:10:14 false []", ".github/workflows/ci.yml:11:27 false []", ".github/workflows/ci.yml:15:14 false []",
	}, "\n"))
}
