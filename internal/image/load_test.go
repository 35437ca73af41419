package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/testkit"
)

// engine serves what a test makes of the engine API on a unix socket.
func engine(t *testing.T, load http.HandlerFunc) (host string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "slipway-") // short: a socket's path is at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "docker.sock")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_ping", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "OK") })
	mux.HandleFunc("POST /images/load", load)
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: mux}}
	srv.Start()
	t.Cleanup(srv.Close)
	return "unix://" + socket
}

func someBytes(w io.Writer) error {
	_, err := w.Write(bytes.Repeat([]byte("x"), 1<<20))
	return err
}

func TestLoadDockerNames(t *testing.T) {
	t.Parallel()
	host := engine(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if n != 1<<20 || r.Header.Get("Content-Type") != "application/x-tar" {
			http.Error(w, fmt.Sprint(n), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, `{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"a"}`)
		fmt.Fprint(w, `{"stream":"Loaded image: orders:v1\n"}`+"\n"+`{"stream":"Loaded image ID: `+someDigest+`\n"}`)
	})
	got, err := LoadDocker(t.Context(), host, someBytes)
	if want := []string{"orders:v1", someDigest}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestLoadDockerFaults(t *testing.T) {
	t.Parallel()
	load := func(host string, archive func(io.Writer) error) error {
		t.Helper()
		_, err := LoadDocker(t.Context(), host, archive)
		return err
	}
	never := func(io.Writer) error {
		t.Error("an archive was made for nobody")
		return nil
	}
	for _, host := range []string{"ssh://me@there", "npipe:////./pipe/docker_engine", "unix://", "tcp://there", "/var/run/docker.sock", "tcp://h:1/x", ":"} {
		wantWords(t, load(host, never), fault.Usage, "not an address", "DOCKER_HOST")
	}
	none := filepath.Join(t.TempDir(), "none.sock")
	wantWords(t, load("unix://"+none, never), fault.Failed, "there is no "+none)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	wantWords(t, load("tcp://"+addr, never), fault.Failed, "no Docker engine answers at tcp://"+addr)

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	wantWords(t, load(strings.Replace(other.URL, "http", "tcp", 1), never), fault.Failed, "is not a Docker engine")

	full := engine(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"message":"no space left on device"}`)
	})
	wantWords(t, load(full, someBytes), fault.Failed, "does not load", "no space left")
	late := engine(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, `{"errorDetail":{"message":"invalid tar header"},"error":"invalid tar header"}`)
	})
	wantWords(t, load(late, someBytes), fault.Failed, "does not load", "invalid tar header")
	quiet := engine(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	wantWords(t, load(quiet, someBytes), fault.Failed, "named no image")
	broken := engine(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	wantWords(t, load(broken, someBytes), fault.Failed, "breaks off")
	page := engine(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") })
	wantWords(t, load(page, someBytes), fault.Failed, "not a Docker engine")

	// What is wrong with the archive is not the engine's fault.
	mine := errors.New("cannot make it")
	if err := load(late, func(io.Writer) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = LoadDocker(ctx, late, func(w io.Writer) error {
		cancel()
		for {
			if err := someBytes(w); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// FuzzLoaded holds that the engine's messages never confuse the reader: it
// names images or fails.
func FuzzLoaded(f *testing.F) {
	f.Add([]byte(`{"stream":"Loaded image: a:b\n"}`))
	f.Add([]byte(`{"stream":"x"} {"error":"bad"}`))
	f.Add([]byte(`[1]`))
	f.Add([]byte(`{"stream":`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if names, err := readLoaded(bytes.NewReader(b)); (err == nil) != (len(names) > 0) {
			t.Fatalf("%v, %v", names, err)
		}
	})
}

// TestLoadDockerReal loads a small image into a real engine and runs it.
func TestLoadDockerReal(t *testing.T) {
	host := testkit.Docker(t)
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte("package main\n\nimport (\"fmt\"; \"os\")\n\nfunc main() { fmt.Println(\"hello from\", os.Getuid()) }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "hello")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, src)
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GO111MODULE=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	body, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	names, err := LoadDocker(t.Context(), host, func(w io.Writer) error { return saveArchive(w, "slipway-test/hello:v1", body) })
	if want := []string{"slipway-test/hello:v1"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("got %v, %v; want %v", names, err, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "--host", host, "run", "--rm", "--network", "host", "--read-only", names[0]).CombinedOutput()
	if err != nil || string(out) != "hello from 65532\n" {
		t.Errorf("docker run: %v\n%s", err, out)
	}
	_, err = LoadDocker(t.Context(), host, someBytes)
	wantWords(t, err, fault.Failed, "does not load")
}

// TestDockerPullsWhatWasPushed holds that somebody else's client takes our
// push for what it is.
func TestDockerPullsWhatWasPushed(t *testing.T) {
	host := testkit.Docker(t)
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "team/app", 100<<10)
	mine := slices.IndexFunc(p.made, func(m Made) bool { return m.Platform.Arch == runtime.GOARCH })
	if mine < 0 {
		t.Fatalf("SLIPWAY_E2E=1, but no image for %s among those pushed", runtime.GOARCH)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, ref := range []string{p.ref, reg.host + "/team/app:v1"} {
		out, err := exec.CommandContext(ctx, "docker", "--host", host, "pull", "--quiet", ref).CombinedOutput()
		if err != nil {
			t.Fatalf("docker pull: %v\n%s", err, out)
		}
		out, err = exec.CommandContext(ctx, "docker", "--host", host, "image", "inspect", "--format", "{{.Id}} {{.RepoDigests}}", ref).CombinedOutput()
		if want := p.made[mine].Config.Digest + " [" + p.ref + "]\n"; err != nil || string(out) != want {
			t.Errorf("docker image inspect: %v\n%swant %s", err, out, want)
		}
	}
}

// saveArchive writes the simplest archive an engine takes.
func saveArchive(w io.Writer, name string, program []byte) error {
	var layer bytes.Buffer
	lw := tar.NewWriter(&layer)
	if err := addFile(lw, "hello", 0o755, program); err != nil {
		return err
	}
	if err := lw.Close(); err != nil {
		return err
	}
	config := fmt.Sprintf(`{"architecture":%q,"os":"linux","config":{"User":"65532:65532","Entrypoint":["/hello"]},"rootfs":{"type":"layers","diff_ids":[%q]}}`,
		runtime.GOARCH, digestBytes(layer.Bytes()))
	tw := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		body []byte
	}{
		{"layer.tar", layer.Bytes()},
		{"config.json", []byte(config)},
		{"manifest.json", fmt.Appendf(nil, `[{"Config":"config.json","RepoTags":[%q],"Layers":["layer.tar"]}]`, name)},
	} {
		if err := addFile(tw, f.name, 0o644, f.body); err != nil {
			return err
		}
	}
	return tw.Close()
}

func addFile(tw *tar.Writer, name string, mode int64, body []byte) error {
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(body))}); err != nil {
		return err
	}
	_, err := tw.Write(body)
	return err
}
