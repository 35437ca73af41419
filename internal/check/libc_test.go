package check

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestStandardImporters holds the tables of libc.go against the standard
// library of the go command that runs the test.
func TestStandardImporters(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	var net, user []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if strings.HasPrefix(f[0], "vendor/") || slices.Contains(strings.Split(f[0], "/"), "internal") {
			continue // out of reach of programs
		}
		switch {
		case slices.Contains(f, "os/user"):
			user = append(user, f[0])
		case slices.Contains(f, "net"):
			net = append(net, f[0])
		}
	}
	if !slices.Equal(net, linksNet) {
		t.Errorf("linksNet is %q, want %q", linksNet, net)
	}
	if !slices.Equal(user, linksUser) {
		t.Errorf("linksUser is %q, want %q", linksUser, user)
	}
}
