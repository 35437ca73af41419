package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const deployment = `# app
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod}
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: shop}
    spec:
      terminationGracePeriodSeconds: 20
      securityContext: {runAsNonRoot: true}
      initContainers:
        - {name: wait, image: busybox, command: [sh, -c, true]}
      containers:
        - name: shop
          image: registry.example.com/shop:1.2@sha256:aa
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: GODEBUG, value: "x=1"}
            - {name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}}
          readinessProbe:
            httpGet: {path: /ready, port: http}
            timeoutSeconds: 5
          lifecycle:
            preStop: {sleep: {seconds: 5}}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: [this, is, {never: parsed
--- # the second
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {mode: fast}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec: {template: {spec: {containers: [{name: shop, env: [{name: A, value: b}]}]}}}
`

func TestManifests(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "app.yaml"), []byte(deployment), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := ReadRepo(t.Context(), root)
	if err != nil || len(r.Notes) > 0 {
		t.Fatal(err, r.Notes)
	}
	var kinds []string
	for _, m := range r.Manifests {
		kinds = append(kinds, m.Kind)
	}
	if got := strings.Join(kinds, " "); got != "Deployment Service ConfigMap Deployment" {
		t.Fatalf("kinds are %s", got)
	}
	w, svc := r.Manifests[0].Workload, r.Manifests[1].Service
	if len(w.Inits) != 1 || w.Partial || !r.Manifests[3].Workload.Partial || !svc.Selects(w) || svc.Selects(r.Manifests[3].Workload) {
		t.Errorf("read as %+v, %+v", w, svc)
	}
	c := w.Containers[0]
	if c.Image.Name != "registry.example.com/shop" || c.Image.Tag != "1.2" || c.Image.Digest != "sha256:aa" || c.Mounts[0].Path.Value != "/tmp" || w.Volumes[0].Kind != "emptyDir" {
		t.Errorf("container is %+v", c)
	}
	if c.Env["GODEBUG"].Value != "x=1" || c.Env["MODE"].Value != "fast" {
		t.Errorf("env is %v", c.Env)
	}
	lines := strings.Split(deployment, "\n")
	for _, l := range []Line{
		c.Readiness.Timeout, c.Readiness.Path, c.PreStop.Seconds, w.Grace, w.Security.RunAsNonRoot, c.Ports[0].Number,
		svc.Ports[0].Target, r.Manifests[2].Data["mode"], c.Env["MODE"], r.Manifests[0].Workload.Replicas,
	} {
		if l.Pos.Line == 0 || !strings.HasPrefix(lines[l.Pos.Line-1][l.Pos.Column-1:], l.Value) {
			t.Errorf("%q is not at %s", l.Value, l.Pos)
		}
	}
}

func TestReleases(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module example.com/app\n\ngo 1.26\n",
		"cmd/app/main.go": "package main\n\nfunc main() {}\n",
		".goreleaser.yaml": `version: 2
env: [GOFLAGS=-mod=mod]
builds:
  - id: app
    main: cmd/app
    env: [CGO_ENABLED=0]
    tags: [netgo, osusergo]
    ldflags: [-s -w, "-X main.version={{ .Version }}"]
    goos: [darwin, windows]
  - id: other
    builder: rust
dockers:
  - {ids: [app], dockerfile: Dockerfile, image_templates: ["example.com/app:{{ .Tag }}"]}
`,
		".ko.yaml": "defaultBaseImage: example.com/static\nbuilds: [{id: app, main: ./cmd/app}]\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := ReadRepo(t.Context(), root)
	if err != nil || len(r.Notes) > 0 {
		t.Fatal(err, r.Notes)
	}
	builds := map[string]Build{}
	for _, b := range r.Builds() {
		builds[b.Release.Tool] = b
	}
	g := builds["goreleaser"]
	if len(r.Releases) != 2 || g.Cgo != No || g.CgoWhy.Line != 6 || strings.Join(g.Tags, " ") != "netgo osusergo" || strings.Join(g.Packages, " ") != "cmd/app" ||
		g.GOOS != "darwin" || Literal(g.Go.Flags["-ldflags"]) || g.Go.Env["GOFLAGS"] != "-mod=mod" || len(g.Release.Images) != 1 {
		t.Errorf("goreleaser builds %+v", g)
	}
	if k := builds["ko"]; k.Cgo != No || strings.Join(k.Packages, " ") != "cmd/app" || k.Release.Base.Name != "example.com/static" {
		t.Errorf("ko builds %+v", k)
	}
}
