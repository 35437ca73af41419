//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/testkit"
)

// TestCompareE2E measures a real matrix in sandboxes: two settings, in the
// assembled base, in nothing, and in root file systems with musl and glibc.
func TestCompareE2E(t *testing.T) {
	testkit.NeedE2E(t)
	debian, musl := testkit.DebianRoot(t), testkit.MuslRoot(t)
	orders, err := filepath.Abs("../../examples/orders")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	saved := filepath.Join(dir, "result.json")
	run := func(args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		env := append(os.Environ(), "TMPDIR="+dir)
		if code := Run(t.Context(), append([]string{"compare"}, args...), env, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("exit code %d\n%s%s", code, out.String(), errs.String())
		}
	}
	run("--strip", "on,off", "--base", strings.Join([]string{"assembled", "scratch", debian, musl}, ","), "--cache", "warm,cold",
		"--runner", "namespaces", "--runs", "6", "--max-runs", "6", "--warmup", "1", "--save", saved, orders)
	data, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	var r compare.Result
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 16 || r.Method.Runner != "namespaces" {
		t.Fatalf("%d cells, runner %s", len(r.Cells), r.Method.Runner)
	}
	image := map[string]int64{}
	for _, c := range r.Cells {
		if c.Reason != nil {
			t.Errorf("%v: %s %s", c.Values, c.Reason, c.Said)
			continue
		}
		if n := len(c.Samples[compare.Ready]); n != 6 {
			t.Errorf("%v: %d starts", c.Values, n)
		}
		image[c.Values[1]+" "+c.Values[2]] = c.Size.Image
	}
	if !(image["on scratch"] < image["on assembled"] && image["on assembled"] < image["off assembled"] && image["on "+musl] < image["on "+debian]) {
		t.Errorf("sizes of images: %v", image)
	}
	if r.Floor == nil || r.Floor.Summary[compare.Ready].P50.Value >= r.Cells[0].Summary[compare.Ready].P50.Value {
		t.Error("a server that does nothing is slower than one that does")
	}

	// With cgo a program needs its libc: it starts on glibc, not on musl.
	run("--cgo", "on", "--base", debian+","+musl, "--runs", "3", "--max-runs", "3", "--save", saved, orders)
	if data, err = os.ReadFile(saved); err != nil {
		t.Fatal(err)
	}
	r = compare.Result{}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Cells[0].Reason != nil || len(r.Cells[0].Samples[compare.Ready]) != 3 {
		t.Errorf("on Debian: %v %s", r.Cells[0].Reason, r.Cells[0].Said)
	}
	if r.Cells[1].Reason == nil {
		t.Error("a program that needs glibc started on musl")
	}
	left, err := filepath.Glob(filepath.Join(dir, "slipway-compare-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestCompareRunnersE2E starts one program in every way there is, and images
// from everywhere.
func TestCompareRunnersE2E(t *testing.T) {
	host := testkit.Docker(t)
	hello, err := filepath.Abs("../../examples/hello")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env := append(os.Environ(), "TMPDIR="+dir, "DOCKER_HOST="+host)
	run := func(args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Run(t.Context(), args, env, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("%s: exit code %d\n%s%s", args, code, out.String(), errs.String())
		}
	}
	measured := func(args ...string) *compare.Result {
		t.Helper()
		saved := filepath.Join(dir, "result.json")
		run(append([]string{"compare", "--runs", "2", "--max-runs", "2", "--warmup", "0", "--probe", "http://:8080/", "--save", saved}, args...)...)
		f, err := os.Open(saved)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := compare.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Cells {
			if c.Reason != nil || len(c.Samples[compare.Ready]) != 2 {
				t.Errorf("%v: %v %s %v", c.Values, c.Reason, c.Said, c.Samples)
				continue
			}
			for k := range 2 {
				if c.Samples[compare.Whole][k] < c.Samples[compare.Ready][k] {
					t.Errorf("%v: making a sandbox took no time: %v", c.Values, c.Samples)
				}
			}
		}
		return r
	}
	measured("--runner", "none,namespaces,runc,docker", hello)

	archive, layout := filepath.Join(dir, "docker.tar"), filepath.Join(dir, "dist")
	run("ship", "-C", hello, "--target", "linux/"+runtime.GOARCH, "--output", layout, "--docker-archive", archive, "--load", "--name", "hello", "--tag", "compared", "--set", "image.ports=8080")
	r := measured("oci:"+filepath.Join(layout, "oci"), archive, "docker:hello:compared")
	for _, c := range r.Cells[1:] {
		if a, b := float64(c.Size.Image), float64(r.Cells[0].Size.Image); a < 0.9*b || a > 1.1*b {
			t.Errorf("%s: the image has %.0f bytes, and %.0f in the layout", c.Values[0], a, b)
		}
	}
	cmd := exec.CommandContext(t.Context(), "docker", "ps", "-aq")
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("containers left behind: %s %v", out, err)
	}
}
