package faultlab

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestGlibc sees that a program that cgo makes for package net alone asks for
// the glibc that took over the threads, which rule CGO010 counts on, and asks
// for nothing with cgo off.
func TestGlibc(t *testing.T) {
	testkit.NeedE2E(t, "gcc")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/app\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"net\"\n\nfunc main() { _, _ = net.LookupHost(\"localhost\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, cgo := range []string{"1", "0"} {
		bin := filepath.Join(dir, "app"+cgo)
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		f, err := elf.Open(bin)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		symbols, _ := f.ImportedSymbols() // none without a dynamic section
		asks := slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool {
			return s.Library == "libc.so.6" && s.Version == "GLIBC_2.34" && s.Name == "pthread_create"
		})
		if asks != (cgo == "1") {
			t.Errorf("CGO_ENABLED=%s: asks for pthread_create of glibc 2.34: %t", cgo, asks)
		}
	}
}
