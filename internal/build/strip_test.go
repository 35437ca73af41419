package build

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compile builds a small program for a platform, with its DWARF.
func compile(t testing.TB, goos, goarch string, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module example.com/p\n\ngo 1.24\n",
		"main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"it runs\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "p")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0", "GOFLAGS="}, env...)...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return out
}

func TestStripELF(t *testing.T) {
	for _, c := range [][2]string{{"linux", "amd64"}, {"linux", "386"}, {"linux", "arm64"}, {"linux", "s390x"}, {"freebsd", "amd64"}} {
		t.Run(c[0]+"/"+c[1], func(t *testing.T) {
			full := compile(t, c[0], c[1])
			out := full + ".stripped"
			if err := StripELF(full, out); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Stat(full)
			after, _ := os.Stat(out)
			if after.Size() > before.Size()*3/4 {
				t.Errorf("%d bytes of %d are left", after.Size(), before.Size())
			}
			a, b := sections(t, full), sections(t, out)
			for name, s := range b {
				if strings.HasPrefix(name, ".debug") || strings.HasPrefix(name, ".zdebug") || name == ".symtab" {
					t.Errorf("%s is still there", name)
				}
				if o := a[name]; name != ".shstrtab" && (o.Addr != s.Addr || o.Size != s.Size || o.Type != s.Type) {
					t.Errorf("%s changed: %+v, was %+v", name, s, o)
				}
			}
			for name, s := range a {
				if _, ok := b[name]; !ok && s.Flags&elf.SHF_ALLOC != 0 {
					t.Errorf("%s was lost", name)
				}
			}
			bi, err := buildinfo.ReadFile(out)
			if err != nil || bi.Path != "example.com/p" {
				t.Errorf("build info: %v %v", bi, err)
			}
			if c == [2]string{"linux", "amd64"} {
				got, err := exec.Command(out).CombinedOutput()
				if err != nil || string(got) != "it runs\n" {
					t.Errorf("%v: %s", err, got)
				}
			}
		})
	}
}

func sections(t *testing.T, name string) map[string]elf.SectionHeader {
	t.Helper()
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := map[string]elf.SectionHeader{}
	for _, s := range f.Sections[1:] {
		m[s.Name] = s.SectionHeader
	}
	return m
}

func TestStripELFLeavesOthersAlone(t *testing.T) {
	full := compile(t, "windows", "amd64")
	if err := StripELF(full, full+".s"); !errors.Is(err, ErrNotELF) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(full + ".s"); err == nil {
		t.Error("a file was left behind")
	}
}
