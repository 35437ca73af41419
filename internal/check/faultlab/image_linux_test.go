package faultlab

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// wanting is a program that wants something of the image it runs in.
const wanting = `-- go.mod --
module example.com/app

go 1.24
-- main.go --
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"time"
)

func main() {
	var err error
	switch os.Args[1] {
	case "temp":
		_, err = os.CreateTemp("", "x")
	case "zone":
		_, err = time.LoadLocation("Asia/Shanghai")
	case "user":
		_, err = user.Lookup("app")
	case "exec":
		git := exec.Command("git", "version")
		git.Stdin, git.Stdout, git.Stderr = os.Stdin, os.Stdout, os.Stderr
		err = git.Run()
	case "call":
		_, err = http.Get(os.Args[2])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
`

const scratch = `-- Dockerfile --
FROM golang:1.24 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
FROM scratch
COPY --from=build /app /app
ENTRYPOINT ["/app"]
`

// TestScratchRoot runs one program in a root that holds nothing else, as an
// image from scratch does, and then in one that holds what was missing.
func TestScratchRoot(t *testing.T) {
	testkit.NeedE2E(t)
	if os.Geteuid() != 0 {
		t.Fatal("SLIPWAY_E2E=1, but not root: no program can be given a root of its own")
	}
	dir := tree(t, wanting+scratch)
	const module = "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n"
	server := testkit.NewTLSServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	zones, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	works(t, dir, nil, "go", "build", "-o", filepath.Join(root, "app"), ".")
	run := func(args ...string) (string, error) {
		cmd := &exec.Cmd{Path: "/app", Args: append([]string{"/app"}, args...), Dir: "/", Env: []string{"HOME=/", "PATH=/bin", "ZONEINFO=/zones.zip"},
			SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, tc := range []struct {
		rule, says string
		args       []string
		mend       func()
	}{
		{"IMG011", "open /tmp/x", []string{"temp"}, func() {
			if err := os.Mkdir(filepath.Join(root, "tmp"), 0o777); err != nil {
				t.Fatal(err)
			}
		}},
		{"IMG009", "unknown time zone", []string{"zone"}, func() { write(t, root, "zones.zip", zones, 0o644) }},
		{"IMG012", "no such file or directory", []string{"user"}, func() { write(t, root, "etc/passwd", []byte("app:x:7:7::/:\n"), 0o644) }},
		{"IMG013", "executable file not found in $PATH", []string{"exec"}, func() {
			works(t, dir, nil, "go", "build", "-o", filepath.Join(root, "bin", "git"), "./git")
		}},
		{"IMG003", "certificate signed by unknown authority", []string{"call", server.URL}, func() { write(t, root, "etc/ssl/certs/ca-certificates.crt", ca, 0o644) }},
	} {
		if out, err := run(tc.args...); err == nil || !strings.Contains(out, tc.says) {
			t.Errorf("%s on an empty root: %v, %s", tc.args[0], err, out)
		}
		if tc.rule == "IMG013" {
			lay(t, dir, "-- git/main.go --\npackage main\n\nfunc main() {}\n")
		}
		tc.mend()
		if out, err := run(tc.args...); err != nil {
			t.Errorf("%s with what was missing: %v, %s", tc.args[0], err, out)
		}
		observedRule(t, tc.rule)
		// Where the program calls is its argument, which IMG003 cannot know.
		if got := finds(t, dir, tc.rule); len(got) != 1 && tc.rule != "IMG003" {
			t.Errorf("%s finds %v in the image that was run", tc.rule, got)
		}
	}
	// Docker starts the shell form, and a health check in it, with this.
	cmd := &exec.Cmd{Path: "/bin/sh", Args: []string{"/bin/sh", "-c", "/app temp"}, Dir: "/", SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	if err := cmd.Run(); err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("a shell in an image without one: %v", err)
	}
	bad := tree(t, module+"-- Dockerfile --\nFROM scratch\nCOPY app /app\nHEALTHCHECK CMD /app temp\nENTRYPOINT /app temp\n")
	good := tree(t, module+"-- Dockerfile --\nFROM scratch\nCOPY app /app\nHEALTHCHECK CMD [\"/app\", \"temp\"]\nENTRYPOINT [\"/app\", \"temp\"]\n")
	observed(t, "IMG001", bad, good)
	observed(t, "IMG014", bad, good)
}

// TestLibcMissing runs a program that imports net in an empty root, built with
// cgo and without.
func TestLibcMissing(t *testing.T) {
	t.Parallel()
	testkit.NeedE2E(t, "gcc")
	if os.Geteuid() != 0 {
		t.Fatal("SLIPWAY_E2E=1, but not root: no program can be given a root of its own")
	}
	project := func(cgo string) (dir, root string) {
		dir = tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.24\n-- main.go --\npackage main\n\nimport _ \"net\"\n\nfunc main() {}\n"+strings.Replace(scratch, "CGO_ENABLED=0", "CGO_ENABLED="+cgo, 1))
		root = t.TempDir()
		works(t, dir, []string{"CGO_ENABLED=" + cgo}, "go", "build", "-o", filepath.Join(root, "app"), ".")
		return dir, root
	}
	start := func(root string) error {
		return (&exec.Cmd{Path: "/app", Args: []string{"/app"}, Dir: "/", SysProcAttr: &syscall.SysProcAttr{Chroot: root}}).Run()
	}
	bad, root := project("1")
	if err := start(root); err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("with cgo: %v", err)
	}
	good, root := project("0")
	if err := start(root); err != nil {
		t.Errorf("without cgo: %v", err)
	}
	observed(t, "CGO001", bad, good)
}

// listening is a program that says which end it comes to: a signal, or nobody
// left at its standard input.
const listening = `-- go.mod --
module example.com/app

go 1.24
-- main.go --
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	term, left := make(chan os.Signal, 1), make(chan error, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		left <- err
	}()
	fmt.Println("ready")
	select {
	case <-term:
		fmt.Println("stopped by SIGTERM")
	case <-left:
		fmt.Println("never told to stop")
	}
}
`

// TestScriptKeepsSignals sends SIGTERM to a script that starts a program, as
// Docker does to process 1: only with exec does the program get it.
func TestScriptKeepsSignals(t *testing.T) {
	t.Parallel()
	const image = "-- Dockerfile --\nFROM golang:1.24 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /app .\n" +
		"FROM alpine:3.22\nCOPY start.sh /start.sh\nCOPY --from=build /app /app\nENTRYPOINT [\"/start.sh\"]\n"
	var dirs []string
	for _, tc := range []struct{ line, end string }{
		{"/app", "never told to stop"},
		{"exec /app", "stopped by SIGTERM"},
	} {
		dirs = append(dirs, tree(t, listening+image+"-- start.sh --\n#!/bin/sh\nset -e\n"+tc.line+"\n"))
		dir := tree(t, listening+image+"-- start.sh --\n#!/bin/sh\nset -e\n"+tc.line+"\n")
		app := filepath.Join(t.TempDir(), "app")
		works(t, dir, nil, "go", "build", "-o", app, ".")
		write(t, dir, "start.sh", []byte("#!/bin/sh\nset -e\n"+strings.Replace(tc.line, "/app", app, 1)+"\n"), 0o755)
		cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "start.sh"))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		says := bufio.NewReader(out)
		if l, err := says.ReadString('\n'); err != nil || l != "ready\n" {
			t.Fatalf("the program says %q, %v", l, err)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		state, err := cmd.Process.Wait() // of the shell, or of the program in its place
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(says)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(rest)); got != tc.end {
			t.Errorf("%s: the program %q, want %q (%v)", tc.line, got, tc.end, state)
		}
	}
	observed(t, "IMG015", dirs[0], dirs[1])
}

// TestOtherArchitecture: a program for the builder's architecture does not
// start on the target's.
func TestOtherArchitecture(t *testing.T) {
	t.Parallel()
	// The first one that this machine has no emulator for.
	other := ""
	for _, a := range []struct{ goarch, emulator string }{{"arm64", "aarch64"}, {"amd64", "x86_64"}, {"s390x", "s390x"}, {"riscv64", "riscv64"}} {
		if _, err := os.Stat("/proc/sys/fs/binfmt_misc/qemu-" + a.emulator); err != nil && a.goarch != runtime.GOARCH {
			other = a.goarch
			break
		}
	}
	if other == "" {
		t.Fatal("this machine runs programs of all architectures")
	}
	docker := func(build string) string {
		return "-- Dockerfile --\nFROM --platform=$BUILDPLATFORM golang:1.24 AS build\nARG TARGETARCH\nWORKDIR /src\nCOPY . .\nRUN " + build + " -o /app .\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n"
	}
	bad := tree(t, small+strings.Replace(docker("CGO_ENABLED=0 go build"), "ARG TARGETARCH\n", "", 1))
	dir := tree(t, small+docker("CGO_ENABLED=0 GOARCH=$TARGETARCH go build"))
	app := filepath.Join(t.TempDir(), "app")
	works(t, dir, []string{"GOARCH=" + other}, "go", "build", "-o", app, ".")
	if err := exec.CommandContext(t.Context(), app).Run(); err == nil || !strings.Contains(err.Error(), "exec format error") {
		t.Errorf("a program for %s: %v", other, err)
	}
	works(t, dir, nil, "go", "build", "-o", app, ".")
	works(t, dir, nil, app)
	observed(t, "IMG007", bad, dir)
}
