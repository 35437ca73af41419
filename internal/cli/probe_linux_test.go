package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/probe"
	"github.com/slipway-build/slipway/internal/testkit"
)

// TestProbeSignal sends real signals to `slipway probe signal` and holds the
// sender that it names against this process.
func TestProbeSignal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "slipway")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, "probe", "signal", "--json", "--for", "30s")
	var out bytes.Buffer
	cmd.Stdout = &out
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(errs)
	// Each line is a step: ready, then one per signal.
	var told []string
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.Signal(37), syscall.SIGTERM} {
		if !lines.Scan() {
			t.Fatalf("it ended after %q", told)
		}
		told = append(told, lines.Text())
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	for lines.Scan() {
		told = append(told, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%q", err, told)
	}
	var r probe.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !r.Signal.Sender || len(r.Signal.Received) != 4 || r.Signal.PID != cmd.Process.Pid {
		t.Fatalf("%+v", r.Signal)
	}
	for i, want := range []string{"SIGHUP", "SIGUSR1", "SIGRTMIN+3", "SIGTERM"} {
		if g := r.Signal.Received[i]; g.Name != want || g.PID != os.Getpid() || g.UID != os.Getuid() || g.From != "user" {
			t.Errorf("%+v, want %s of %d", g, want, os.Getpid())
		}
	}
}

// emptyRoot gives a directory that holds slipway and nothing else, and runs it
// there: as process 1 of its own process and network namespace, as a user that
// is not root, without a single variable.
func emptyRoot(t *testing.T) func(args ...string) (stdout, stderr string, code int) {
	t.Helper()
	testkit.NeedE2E(t, "go")
	built := filepath.Join(t.TempDir(), "slipway")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s", "-o", built, "github.com/slipway-build/slipway/cmd/slipway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root := t.TempDir()
	for dir := root; dir != "/"; dir = filepath.Dir(dir) { // the user has to get there
		if fi, err := os.Stat(dir); err == nil && fi.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	// It brings itself into the empty root, as in a Pod.
	if out, err := exec.CommandContext(t.Context(), built, "install-self", root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(args ...string) (string, string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/slipway", args...)
		cmd.Env = []string{}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNET, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		if os.Getuid() != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getgid(), Size: 1}}
			cmd.SysProcAttr.Credential.NoSetGroups = true
		}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), errs.String(), cmd.ProcessState.ExitCode()
	}
}

// TestProbeInAnEmptyRoot runs every probe where there is nothing.
func TestProbeInAnEmptyRoot(t *testing.T) {
	run := emptyRoot(t)
	out, errs, code := run("probe", "--json")
	if code != 3 || errs != "" {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	var all probesDoc
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]probe.Report{}
	for _, a := range all.Areas {
		got[a.Probe] = a
	}
	u := got["user"].User
	if u.PID != 1 || u.UID != 65532 || len(u.Effective) != 0 || u.Proc || u.NameError == "" {
		t.Errorf("user: %+v", u)
	}
	if c := got["ca"].CA; c.Count != 0 || c.Error == "" {
		t.Errorf("ca: %+v", c)
	}
	if got["tmp"].Verdict != probe.Fail || got["dns"].Verdict != probe.Fail || got["tz"].TZ.Local.Name != "UTC" {
		t.Errorf("%+v", all)
	}
	for _, args := range [][]string{
		{"probe", "dns", "orders.shop"}, {"probe", "tls", "127.0.0.1:1"}, {"probe", "net", "https://orders.shop"}, {"probe", "tz", "Europe/Berlin"}, {"probe", "ca"}, {"probe", "tmp"},
	} {
		for _, lang := range []string{"en", "zh"} {
			out, errs, code := run(append(args, "--lang", lang)...)
			if code != 3 || errs != "" || !strings.Contains(out, args[1]) || strings.Contains(out, "panic") {
				t.Errorf("%q: exit code %d\n%s%s", args, code, out, errs)
			}
		}
	}
	if out, errs, code := run("probe", "signal", "--for", "100ms"); code != 0 || errs != "" || !strings.Contains(out, "pid=1") {
		t.Errorf("signal: exit code %d\n%s%s", code, out, errs)
	}
	// Idempotent, and honest about a root it cannot write to.
	if out, errs, code := run("install-self", "/"); code != 0 || errs != "" {
		t.Errorf("install-self again: exit code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := run("install-self", "/new"); code != 1 || !strings.Contains(errs, "/new") {
		t.Errorf("install-self without rights: exit code %d\n%s", code, errs)
	}
}

// TestProbeForeignTLS looks at a server that is not Go's.
func TestProbeForeignTLS(t *testing.T) {
	testkit.NeedE2E(t, "openssl")
	dir := t.TempDir()
	key := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
	key.Dir = dir
	if out, err := key.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	srv := exec.CommandContext(t.Context(), "openssl", "s_server", "-accept", addr, "-cert", "c.pem", "-key", "k.pem", "-quiet", "-groups", "P-384:P-256", "-alpn", "http/1.1")
	srv.Dir = dir
	stdin, err := srv.StdinPipe() // it ends with its input
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = srv.Process.Kill(); _ = srv.Wait() })
	for i := 0; ; i++ {
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = c.Close()
			break
		} else if i == 500 {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	var out, errs bytes.Buffer
	code := Run(t.Context(), []string{"probe", "tls", addr, "--ca", filepath.Join(dir, "c.pem"), "--json"}, nil, nil, &out, &errs)
	var r probe.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, &out, &errs)
	}
	groups := map[string]bool{}
	for _, g := range r.TLS.Groups {
		groups[g.Name] = g.OK
	}
	if !groups["CurveP384"] || !groups["CurveP256"] || groups["X25519"] || groups["X25519MLKEM768"] {
		t.Errorf("groups: %v", groups)
	}
	if !r.TLS.Default.OK || !r.TLS.Default.Retried || r.TLS.ALPN[2].ALPN != "http/1.1" || len(r.TLS.Chain) != 1 || r.TLS.VerifyError != "" {
		t.Errorf("%+v", r.TLS)
	}
}
