package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
	"github.com/slipway-build/slipway/internal/trial"
)

// verifyRun runs the command in an empty directory with an empty cache.
func verifyRun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	env := []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "SLIPWAY_CACHE=" + t.TempDir()}
	code = Run(t.Context(), append([]string{"-C", t.TempDir(), "verify"}, args...), env, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestVerifyRunRefusesWhatItCannotRead(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{
		"--probe=8080":        "--probe: ",
		"--memory=lots":       "--memory: ",
		"--memory=0":          "memory",
		"--cpus=-1":           "--cpus -1",
		"--expect-start=0s":   "--expect-start 0s",
		"--reach=db":          "--reach db",
		"--reach=db:1=x":      "--reach db:1=x",
		"--env==x":            "--env =x",
		"--runner=chroot":     "--runner: ",
		"--expect-stop=later": "--expect-stop: ",
		"--reload=HANGUP":     "--reload: ",
		"--slow=ftp://x/":     "--slow: ",
	} {
		code, stdout, stderr := verifyRun(t, "--run", flag, self)
		if code != 2 || stdout != "" || !strings.Contains(stderr, want) || !strings.Contains(stderr, "hint") {
			t.Errorf("%s: %d %s", flag, code, stderr)
		}
	}
}

func TestVerifyRefusesFlagsOfARunWithoutOne(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--probe=http://:8080/", "--expect-start=1s", "--cpus=1", "--env=A=b", "--arg=x", "--egress=a.example", "--runner=runc"} {
		code, stdout, stderr := verifyRun(t, flag, self)
		name, _, _ := strings.Cut(flag, "=")
		if code != 2 || stdout != "" || !strings.Contains(stderr, name+" says how to run") || !strings.Contains(stderr, "--run") {
			t.Errorf("%s: %d %s%s", flag, code, stdout, stderr)
		}
	}
}

func TestVerifyRunOfAProgram(t *testing.T) {
	testkit.NeedE2E(t)
	bin := filepath.Join(t.TempDir(), "compat")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, ".")
	cmd.Dir = "../../examples/compat"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, stdout, stderr := verifyRun(t, "--run", "--json", "--probe", "http://:8080/healthz", "--slow", "http://:8080/slow", bin)
	var doc struct{ Runs []trial.Result }
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil || code != 0 || len(doc.Runs) != 1 {
		t.Fatalf("%d %v\n%s\n%s", code, err, stdout, stderr)
	}
	l := doc.Runs[0].Life
	if l.Phase != trial.Serving || l.ReadyMs <= 0 || l.Stop == nil || l.Stop.Request != trial.Finished || l.Exit == nil || l.Exit.Code != 0 || len(doc.Runs[0].Egress) != 0 {
		t.Errorf("%+v", doc.Runs[0])
	}
	// A finding that counts, in Chinese.
	code, stdout, stderr = verifyRun(t, "--run", "--lang", "zh", "--probe", "http://:8080/healthz#204", "--expect-start", "1s", bin)
	if code != 3 || !strings.Contains(stdout, "BIN045") || !strings.Contains(stdout, "应答 200") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
}
