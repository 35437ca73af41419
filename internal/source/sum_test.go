package source

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

func rawZip(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, body := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestSums holds the parallel hashes against those of golang.org/x/mod.
func TestSums(t *testing.T) {
	dir, files := t.TempDir(), map[string]string{}
	for i := range 50 {
		name, body := fmt.Sprintf("d%d/f%d.go", i%7, i), strings.Repeat("x", i*4001)
		write(t, filepath.Join(dir, name), body)
		files["m@v1/"+name] = body
	}
	want, err := dirhash.HashDir(dir, "m@v1", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := hashDir(t.Context(), dir, "m@v1"); got != want || err != nil {
		t.Errorf("hashDir = %s, %v; want %s", got, err, want)
	}
	z := filepath.Join(t.TempDir(), "m.zip")
	write(t, z, string(rawZip(t, files)))
	if got, err := hashZip(t.Context(), z); got != want || err != nil {
		t.Errorf("hashZip = %s, %v; want %s", got, err, want)
	}
	write(t, filepath.Join(dir, "a\nb"), "")
	if _, err := hashDir(t.Context(), dir, "m@v1"); !errors.Is(err, errUnhashable) {
		t.Errorf("a name with a newline: %v", err)
	}
}

// BenchmarkHashDir hashes 3,000 files, 30 MB: a large module.
func BenchmarkHashDir(b *testing.B) {
	dir, body := b.TempDir(), strings.Repeat("0123456789", 1000)
	for i := range 3000 {
		write(b, filepath.Join(dir, fmt.Sprintf("d%d/f%d.go", i%100, i)), body)
	}
	b.SetBytes(3000 * 10000)
	for b.Loop() {
		if _, err := hashDir(b.Context(), dir, "m@v1"); err != nil {
			b.Fatal(err)
		}
	}
}
