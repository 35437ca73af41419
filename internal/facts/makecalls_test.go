package facts

import (
	"fmt"
	"strings"
	"testing"
)

// TestBuildsOfMake follows make from Dockerfiles and jobs into makefiles:
// variables of the command line win over those of the file, those of the
// environment only over ?=.
func TestBuildsOfMake(t *testing.T) {
	r := readTestRepo(t, `
-- go.mod --
module example.com/app

go 1.25
-- main.go --
package main

func main() {}
-- cmd/tool/main.go --
package main

func main() {}
-- Makefile --
CGO_ENABLED ?= 1
OUT = /nowhere
TAGS = file

.PHONY: all build tool either
all: build

build: prepare
	CGO_ENABLED=$(CGO_ENABLED) go build -tags $(TAGS) -o $(OUT) .

prepare:
	$(MAKE) -C sub TAGS=below

tool:
	cd cmd/tool && go build -o /tool .

either:
ifdef FAST
	go build -tags fast .
else
	go build -tags slow .
endif
-- sub/Makefile --
x:
	cd .. && go build -tags $(TAGS) -o /sub ./cmd/tool
-- Dockerfile --
FROM golang:1.25 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 make -j 4 OUT=/app TAGS=a,b
RUN make either && make $TARGET && make -n tool
FROM scratch
COPY --from=build /app /app
ENTRYPOINT ["/app"]
-- .github/workflows/ci.yml --
on: push
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - run: make tool
`)
	var got []string
	for _, b := range r.Builds() {
		if b.Script != nil {
			continue
		}
		runs := "-"
		if b.Runtime != nil {
			runs = b.Runtime.Base.Raw
		}
		got = append(got, fmt.Sprintf("%s %s via %s cgo=%s tags=%v packages=%v output=%s runs=%s", b.Where, b.Go.Pos, b.Via, b.Cgo, b.Tags, b.Packages, b.Output, runs))
	}
	want := []string{
		"Dockerfile:4 stage build sub/Makefile:2:11 via Dockerfile:4:19 cgo=no tags=[below] packages=[cmd/tool] output=/sub runs=-",
		"Dockerfile:4 stage build Makefile:9:16 via Dockerfile:4:19 cgo=no tags=[a b] packages=[.] output=/app runs=scratch",
		".github/workflows/ci.yml job build Makefile:15:17 via .github/workflows/ci.yml:6:14 cgo=unknown tags=[] packages=[cmd/tool] output= runs=-",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("builds are\n%s\nwant\n%s", g, w)
	}
}

// TestIncludedMakefiles holds that what a makefile includes counts as its own,
// and is shown where it stands.
func TestIncludedMakefiles(t *testing.T) {
	r := readTestRepo(t, `
-- go.mod --
module example.com/app

go 1.25
-- main.go --
package main

func main() {}
-- Makefile --
ifdef FAST
include build/fast.mk
endif
include build/common.mk # shared
-include $(wildcard x) local.mk missing.mk
build: prepare
	go build -tags $(TAGS) .
-- build/common.mk --
TAGS := a,b

prepare:
	CGO_ENABLED=0 \
	go build -o $(OUT) .
-- local.mk --
OUT = bin/app
-- build/fast.mk --
TAGS = fast
-- .github/workflows/ci.yml --
on: push
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - run: make build
`)
	var got []string
	for _, b := range r.Builds() {
		if b.Script == nil {
			got = append(got, fmt.Sprint(b.Go.Pos, " ", b.CgoWhy, " ", b.Tags, b.Packages, b.Go.Flags["-o"]))
		}
	}
	want := "build/common.mk:5:2 build/common.mk:4:2 [] [.]bin/app\nMakefile:7:2  [a b] [.]"
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("builds are\n%s\nwant\n%s", g, want)
	}
}

// TestMakeEnds holds that makefiles that run each other come to an end.
func TestMakeEnds(t *testing.T) {
	files := "\n-- go.mod --\nmodule a\n-- main.go --\npackage main\n-- Makefile --\ninclude Makefile Makefile\ninclude Makefile\na: a b\n\tmake a\n\tmake b\nb: a\n" + strings.Repeat("\tmake a b\n", 300) +
		"-- Dockerfile --\nFROM golang\nWORKDIR /s\nCOPY . .\n" + strings.Repeat("RUN make a\n", 100)
	r := readTestRepo(t, files)
	r.Builds()
}
