package main

// subject is a published program and the way a user installs it.
type subject struct {
	pkg   string // path@version
	env   []string
	flags []string
	slow  bool // takes minutes to compile; left out with -quick
}

// subjects are tools that people install, in the ways they install them.
var subjects = []subject{
	{pkg: "github.com/rakyll/hey@v0.1.5"},
	{pkg: "github.com/rakyll/hey@v0.1.5", env: []string{"CGO_ENABLED=0"}, flags: []string{"-trimpath", "-ldflags=-s -w"}},
	{pkg: "github.com/rakyll/hey@v0.1.5", env: []string{"CGO_ENABLED=1"}, flags: []string{"-ldflags=-linkmode=external"}},
	{pkg: "mvdan.cc/gofumpt@v0.12.0"},
	{pkg: "mvdan.cc/sh/v3/cmd/shfmt@v3.14.1", flags: []string{"-trimpath", "-ldflags=-s -w"}},
	{pkg: "mvdan.cc/xurls/v2/cmd/xurls@v2.6.0", env: []string{"GOOS=windows", "GOARCH=amd64"}, flags: []string{"-trimpath"}},
	{pkg: "filippo.io/age/cmd/age@v1.3.1", flags: []string{"-trimpath"}},
	{pkg: "filippo.io/age/cmd/age@v1.3.1", env: []string{"GOTOOLCHAIN=go1.24.13"}},
	{pkg: "filippo.io/mkcert@v1.4.4"},
	{pkg: "filippo.io/mkcert@v1.4.4", env: []string{"GOOS=darwin", "GOARCH=arm64"}, flags: []string{"-trimpath"}},
	{pkg: "golang.org/x/tools/cmd/stringer@v0.52.0"},
	{pkg: "golang.org/x/tools/cmd/goimports@v0.52.0", flags: []string{"-ldflags=-w -s"}},
	{pkg: "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da", env: []string{"GOARCH=arm64"}, flags: []string{"-trimpath"}},
	{pkg: "honnef.co/go/tools/cmd/staticcheck@v0.8.2"},
	{pkg: "mvdan.cc/gofumpt@v0.12.0", flags: []string{"-trimpath", "-ldflags=-X main.version=v0.12.0"}},
	{pkg: "github.com/magefile/mage@v1.17.2", env: []string{"GOTOOLCHAIN=go1.24.13"}, flags: []string{"-trimpath", "-ldflags=-w"}},
	{pkg: "github.com/josephspurrier/goversioninfo/cmd/goversioninfo@v1.7.0", env: []string{"GOOS=windows", "GOARCH=amd64"}, flags: []string{"-trimpath", "-ldflags=-s -w"}},
	{pkg: "github.com/gordonklaus/ineffassign@v0.2.0", env: []string{"GOARCH=arm64"}, flags: []string{"-trimpath"}},
	{pkg: "github.com/kisielk/errcheck@v1.30.0", flags: []string{"-trimpath"}},
	{pkg: "github.com/jstemmer/go-junit-report/v2@v2.1.0", flags: []string{"-ldflags=-X main.Version=v2.1.0"}},
	{pkg: "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.9", env: []string{"GOTOOLCHAIN=go1.25.7"}},
	{pkg: "github.com/tinylib/msgp@v1.6.4", flags: []string{"-gcflags=-N -l"}},
	{pkg: "github.com/golangci/misspell/cmd/misspell@v0.8.0", flags: []string{"-buildmode=pie"}},
	{pkg: "mvdan.cc/unparam@v0.0.0-20260823230713-2fa3d841b0c8"},
	{pkg: "filippo.io/age/cmd/age@v1.3.1", env: []string{"GOFIPS140=v1.0.0"}},
	{pkg: "github.com/junegunn/fzf@v0.65.2", flags: []string{"-ldflags=-s -w -X main.version=0.65.2"}},
	{pkg: "github.com/mattn/go-sqlite3/_example/simple@v1.14.53", env: []string{"CGO_ENABLED=1"}},
	{pkg: "golang.org/x/vuln/cmd/govulncheck@v1.9.0", slow: true, env: []string{"GOFIPS140=v1.26.0"}},
	{pkg: "github.com/mikefarah/yq/v4@v4.54.2", env: []string{"CGO_ENABLED=0"}, flags: []string{"-trimpath", "-ldflags=-s -w"}, slow: true},
	{pkg: "github.com/go-task/task/v3/cmd/task@v3.54.0", slow: true},
	{pkg: "github.com/go-delve/delve/cmd/dlv@v1.27.2", slow: true},
	{pkg: "golang.org/x/tools/gopls@v0.24.0", flags: []string{"-trimpath"}, slow: true},
	{pkg: "github.com/benbjohnson/litestream/cmd/litestream@v0.5.18", env: []string{"CGO_ENABLED=1"}, slow: true},
}
