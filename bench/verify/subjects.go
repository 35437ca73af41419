package main

// A subject is one program that is opened, and run where it serves.
type subject struct {
	name    string // also that of its file; unique
	pkg     string // what go install is given
	version string // of the module that holds it

	goos, goarch string // empty: linux and amd64
	cgo          bool
	toolchain    string // such as go1.22.12; empty: that of this machine
	ldflags      string

	serve *service // nil: it serves nobody
}

// A service says how a subject is made to serve, and how to ask whether it does.
type service struct {
	args []string
	env  []string // KEY=value
	// files are made before it is started: path in its root file system, content.
	files map[string]string
	probe string // URL that answers 200 when it is ready; without a host
}

// subjects are well-known programs as the module proxy has them, in versions
// that Go 1.26.8 takes. What was wanted too, but cannot be had as a module
// here or not be installed: see the page.
var subjects = []subject{
	{name: "age", pkg: "filippo.io/age/cmd/age", version: "v1.3.1"},
	{name: "air", pkg: "github.com/air-verse/air", version: "v1.67.4"},
	{name: "buf", pkg: "github.com/bufbuild/buf/cmd/buf", version: "v1.75.0"},
	{name: "caddy", pkg: "github.com/caddyserver/caddy/v2/cmd/caddy", version: "v2.11.9", serve: caddy},
	{name: "caddy-stripped", pkg: "github.com/caddyserver/caddy/v2/cmd/caddy", version: "v2.11.9", ldflags: "-s -w", serve: caddy},
	{name: "caddy-cgo", pkg: "github.com/caddyserver/caddy/v2/cmd/caddy", version: "v2.11.9", cgo: true, serve: caddy},
	{name: "coredns", pkg: "github.com/coredns/coredns", version: "v1.15.0", serve: &service{
		args:  []string{"-conf", "/etc/Corefile"},
		files: map[string]string{"/etc/Corefile": ".:1053 {\n  health :8080\n  whoami\n}\n"},
		probe: "http://:8080/health"}},
	{name: "crane", pkg: "github.com/google/go-containerregistry/cmd/crane", version: "v0.22.1"},
	{name: "cue", pkg: "cuelang.org/go/cmd/cue", version: "v0.16.1"},
	{name: "dlv", pkg: "github.com/go-delve/delve/cmd/dlv", version: "v1.27.2"},
	{name: "esbuild", pkg: "github.com/evanw/esbuild/cmd/esbuild", version: "v0.28.2", serve: &service{
		args: []string{"--serve=0.0.0.0:8000", "--servedir=/etc", "--watch=forever"}, probe: "http://:8000/"}},
	{name: "fzf", pkg: "github.com/junegunn/fzf", version: "v0.65.2"},
	{name: "ghz", pkg: "github.com/bojand/ghz/cmd/ghz", version: "v0.93.0"},
	{name: "goimports", pkg: "golang.org/x/tools/cmd/goimports", version: "v0.52.0"},
	{name: "gofumpt", pkg: "mvdan.cc/gofumpt", version: "v0.12.0"},
	{name: "golangci-lint", pkg: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", version: "v2.15.0"},
	{name: "goose", pkg: "github.com/pressly/goose/v3/cmd/goose", version: "v3.27.0"},
	{name: "grpcurl", pkg: "github.com/fullstorydev/grpcurl/cmd/grpcurl", version: "v1.9.4", toolchain: "go1.25.7"},
	{name: "helm", pkg: "helm.sh/helm/v4/cmd/helm", version: "v4.2.2"},
	{name: "hey", pkg: "github.com/rakyll/hey", version: "v0.1.5"},
	{name: "hey-darwin", pkg: "github.com/rakyll/hey", version: "v0.1.5", goos: "darwin", goarch: "arm64"},
	{name: "hugo", pkg: "github.com/gohugoio/hugo", version: "v0.165.0"},
	{name: "k6", pkg: "go.k6.io/k6", version: "v1.8.1"},
	{name: "kind", pkg: "sigs.k8s.io/kind", version: "v0.33.0"},
	{name: "ko", pkg: "github.com/google/ko", version: "v0.19.1"},
	{name: "litestream", pkg: "github.com/benbjohnson/litestream/cmd/litestream", version: "v0.5.18"},
	{name: "mc", pkg: "github.com/minio/mc", version: "v0.0.0-20250313080218-cf909e1063a9"},
	{name: "minio", pkg: "github.com/minio/minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c", serve: &service{
		args: []string{"server", "/tmp/minio"}, probe: "http://:9000/minio/health/live"}},
	{name: "mkcert", pkg: "filippo.io/mkcert", version: "v1.4.4", toolchain: "go1.20.14"},
	{name: "nats-server", pkg: "github.com/nats-io/nats-server/v2", version: "v2.15.2", serve: nats},
	{name: "nats-server-stripped", pkg: "github.com/nats-io/nats-server/v2", version: "v2.15.2", ldflags: "-s -w", serve: nats},
	{name: "nats-server-arm64", pkg: "github.com/nats-io/nats-server/v2", version: "v2.15.2", goarch: "arm64", serve: nats},
	{name: "nats-server-windows", pkg: "github.com/nats-io/nats-server/v2", version: "v2.15.2", goos: "windows", ldflags: "-s -w"},
	{name: "opa", pkg: "github.com/open-policy-agent/opa", version: "v1.22.2", serve: &service{
		args: []string{"run", "--server", "--addr=0.0.0.0:8181"}, probe: "http://:8181/health"}},
	{name: "pocketbase", pkg: "github.com/pocketbase/pocketbase/examples/base", version: "v0.36.8", serve: &service{
		args: []string{"serve", "--http=0.0.0.0:8090", "--dir=/tmp/pocketbase"}, probe: "http://:8090/api/health"}},
	{name: "prometheus", pkg: "github.com/prometheus/prometheus/cmd/prometheus", version: "v0.316.0", serve: &service{
		args:  []string{"--config.file=/etc/prometheus.yml", "--storage.tsdb.path=/tmp/prometheus"},
		files: map[string]string{"/etc/prometheus.yml": "global:\n  scrape_interval: 15s\n"},
		probe: "http://:9090/-/ready"}},
	{name: "rclone", pkg: "github.com/rclone/rclone", version: "v1.76.0", serve: &service{
		args: []string{"serve", "http", "/etc", "--addr=0.0.0.0:8080"}, probe: "http://:8080/"}},
	{name: "registry", pkg: "github.com/distribution/distribution/v3/cmd/registry", version: "v3.1.2", serve: &service{
		args:  []string{"serve", "/etc/registry.yml"},
		files: map[string]string{"/etc/registry.yml": "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /tmp/registry\nhttp:\n  addr: 0.0.0.0:5000\n"},
		probe: "http://:5000/v2/"}},
	{name: "shfmt", pkg: "mvdan.cc/sh/v3/cmd/shfmt", version: "v3.14.1"},
	{name: "sops", pkg: "github.com/getsops/sops/v3/cmd/sops", version: "v3.13.3"},
	{name: "staticcheck", pkg: "honnef.co/go/tools/cmd/staticcheck", version: "v0.8.2"},
	{name: "step-ca", pkg: "github.com/smallstep/certificates/cmd/step-ca", version: "v0.30.2"},
}

var (
	caddy = &service{args: []string{"respond", "--listen", ":8080", "hello"}, probe: "http://:8080/"}
	nats  = &service{args: []string{"-m", "8222"}, probe: "http://:8222/healthz"}
)
