package facts

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadMachine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "goenv")
	text := "# by hand\nGOPROXY=https://who:secret@proxy.corp.example.com,direct\nGOOS=plan9\nGOOS=windows\n=x\nGOFLAGS=-mod=mod\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// A go line that this Go cannot meet must not keep it from answering, nor
	// make it fetch anything.
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/x\n\ngo 1.999\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "GOENV="+file, "GOPRIVATE=corp.example.com", "GOFLAGS=", "GOOS=", "GOPROXY=", "GOTOOLCHAIN=auto", "GONOSUMDB=")
	m, err := ReadMachine(t.Context(), dir, environ)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]MachineVar{
		"GOPROXY":     {"https://***@proxy.corp.example.com,direct", "file", Pos{File: file, Line: 2, Column: 1}},
		"GOOS":        {"windows", "file", Pos{File: file, Line: 4, Column: 1}},
		"GOFLAGS":     {"-mod=mod", "file", Pos{File: file, Line: 6, Column: 1}},
		"GOPRIVATE":   {"corp.example.com", "environment", Pos{File: "environment"}},
		"GOTOOLCHAIN": {"auto", "environment", Pos{File: "environment"}},
		"GONOSUMDB":   {"corp.example.com", "default", Pos{}},
	} {
		if got := m.Vars[name]; got != want {
			t.Errorf("%s: have %+v, want %+v", name, got, want)
		}
	}
	if m.Vars["GOVERSION"].Value == "" || m.Vars["GOHOSTOS"].Value == "" {
		t.Error("the go command does not say what it is")
	}
}

func FuzzMachineOf(f *testing.F) {
	f.Add("GOOS=js\nGOFLAGS=\"-x\n=\n#\n")
	f.Fuzz(func(t *testing.T, file string) {
		m := machineOf(map[string]string{"GOOS": "js", "GOENV": "f"}, nil, file)
		if v := m.Vars["GOOS"]; v.Origin == "file" && v.Pos.Line < 1 {
			t.Fatalf("%+v", v)
		}
	})
}
