package rebuild

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// What explains a difference is named before what it explains.
func TestCauseOfDifference(t *testing.T) {
	l := newLab(t)
	l.addTool()
	l.proxy.Add(t, "example.com/dep", "v1.1.0", map[string]string{"go.mod": "module example.com/dep\n\ngo 1.26\n", "dep.go": strings.Replace(depSrc, "harmless", "another", 1)})
	l.proxy.Add(t, "example.com/tool", "v1.2.4", map[string]string{"go.mod": strings.Replace(toolMod, "v1.0.0", "v1.1.0", 1), "go.sum": "", "main.go": toolSrc})
	a, b := l.install("example.com/tool@v1.2.3"), l.install("example.com/tool@v1.2.4")
	r := l.diff(a, b)
	want(t, r, DifferentCode)
	c, ok := cause(r, CauseDep, "example.com/dep")
	if !ok || !strings.HasPrefix(c.A, "v1.0.0 h1:") || !strings.HasPrefix(c.B, "v1.1.0 h1:") {
		t.Errorf("causes %+v", r.Causes)
	}
	if k, _ := r.First(); k != CauseModule {
		t.Errorf("first difference %s: %+v", k, r.Causes)
	}
	ids := ""
	for _, f := range r.Findings() {
		ids += f.ID + " "
	}
	if ids != "BIN063 BIN060 " {
		t.Errorf("findings %s", ids)
	}

	// A program that says it came from another toolchain, and is the same else.
	data, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	version := runtime.Version()
	if fields := strings.Fields(version); len(fields) > 0 {
		version = fields[0]
	}
	other := version[:len(version)-1] + string('0'+(version[len(version)-1]-'0'+1)%10)
	relabelled := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(relabelled, bytes.ReplaceAll(data, []byte(version), []byte(other)), 0o755); err != nil {
		t.Fatal(err)
	}
	r = l.diff(a, relabelled)
	if k, _ := r.First(); k != CauseToolchain {
		t.Errorf("first difference %s: %+v", k, r.Causes)
	}
	if c, ok := cause(r, CauseToolchain, ""); !ok || c.A != version || c.B != other {
		t.Errorf("causes %+v", r.Causes)
	}
}
