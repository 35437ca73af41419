package faultlab

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestMemoryLimitFault: the runtime ends a program for a GOMEMLIMIT that the
// rule calls malformed, and for no other.
func TestMemoryLimitFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- main.go --\npackage main\n\nfunc main() {}\n")
	program := filepath.Join(dir, "app")
	if out, err := goRun(t, dir, nil, "build", "-o", program, "."); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, value := range []string{"512Mi", "512M", "512MB", "0.5GiB", "512mib", "-1", "B", "99999999999TiB", "512MiB", "5B", "1000000000", "off", "2TiB"} {
		pod := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      image: a\n      env:\n        - name: GOMEMLIMIT\n          value: %q\n", value)
		if err := os.WriteFile(filepath.Join(dir, "pod.yaml"), []byte(pod), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), "GOMEMLIMIT="+value)
		out, err := cmd.CombinedOutput()
		if stopped := err != nil && strings.Contains(string(out), "malformed GOMEMLIMIT"); stopped != (len(finds(t, dir, "K8S014")) == 1) {
			t.Errorf("GOMEMLIMIT=%s: the program is stopped: %t; K8S014 finds %v", value, stopped, finds(t, dir, "K8S014"))
		}
	}
	observedRule(t, "K8S014")
}

const podRepo = `
-- go.mod --
module example.com/org/app

go 1.26
-- main.go --
package main

import (
	"fmt"
	"os"
)

func main() {
	f, err := os.CreateTemp("", "upload-*")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	f.Close()
}
-- Dockerfile --
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
FROM scratch
COPY --from=build /app /app
ENTRYPOINT ["/app"]
-- pod.yaml --
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  initContainers:
    - name: copy
      image: example.com/org/app:1
      command: [cp, /app, /work]
  containers:
    - name: app
      image: example.com/org/app:1
      securityContext:
        readOnlyRootFilesystem: true
`

// TestPodFaults runs the image as the pod would: cp is not in it, and the
// program finds no place for its temporary file until something is mounted.
func TestPodFaults(t *testing.T) {
	t.Parallel()
	host := testkit.Docker(t)
	dir := t.TempDir()
	lay(t, dir, podRepo)
	if out, err := goRun(t, dir, nil, "build", "-o", "app", "."); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(dir, "app"))
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	docker := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "docker", args...)
		cmd.Env, cmd.Stdin = append(os.Environ(), "DOCKER_HOST="+host), bytes.NewReader(layer.Bytes())
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := docker("import", "--change", `ENTRYPOINT ["/app"]`, "-", "pod:1"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	equal(t, "K8S010", finds(t, dir, "K8S010"), "[pod.yaml:8]")
	if out, err := docker("run", "--rm", "--network", "host", "--entrypoint", "cp", "pod:1", "/app", "/work"); err == nil || !strings.Contains(out, "not found") {
		t.Errorf("cp runs in an image from scratch: %v\n%s", err, out)
	}
	equal(t, "K8S009", finds(t, dir, "K8S009"), "[pod.yaml:13]")
	if out, err := docker("run", "--rm", "--network", "host", "--read-only", "pod:1"); err == nil || !strings.Contains(out, "/tmp/upload-") {
		t.Errorf("a temporary file on a read-only file system: %v\n%s", err, out)
	}
	if out, err := docker("run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp", "pod:1"); err != nil {
		t.Errorf("with something at /tmp: %v\n%s", err, out)
	}
	observedRule(t, "K8S009")
	observedRule(t, "K8S010")
}
