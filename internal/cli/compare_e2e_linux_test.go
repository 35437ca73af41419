//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
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
