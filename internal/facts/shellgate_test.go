package facts

import (
	"strings"
	"testing"
)

// TestTellingScript holds the search by bytes against the reader of shell: a
// script that is passed over has no command that anything asks for.
func TestTellingScript(t *testing.T) {
	fill := strings.Repeat("echo \"nothing to see in ${1}\"\n", 1+alwaysRead/20)
	for _, c := range []struct {
		text string
		want bool
	}{
		{"go build ./...", true},
		{"/usr/local/go/bin/go test .", true},
		{"GO=go\n\"${GO}\" vet", true},
		{"x=$(go env GOPATH)", true},
		{"export GOFLAGS=-mod=mod", true},
		{"GOPROXY+=,direct", true},
		{"docker build .", true},
		{"docker buildx \\\n  build -t x .", true},
		{"D=podman\n\"$D\" build .", true},
		{"verb=build\ndocker $verb .", true},
		{"sudo buildah bud .", true},
		{"docker run --tmpfs /run x", true},
		{"# go build would do", false},
		{"ls /usr/local/go/src going let.go", false},
		{"MAGOFLAGS=1; echo $GOFLAGS", false},
		{"docker pull x\n. build/lib.sh\n./build-all", false},
		{"docker ps\nmake build", false},
	} {
		src := fill + c.text + "\n"
		if got := tellingScript([]byte(src)); got != c.want {
			t.Errorf("%q: %t", c.text, got)
		}
		cs, _ := readShell(shellText{src: src, at: func(l, c int) Pos { return Pos{Line: l, Column: c} }})
		asked := len(GoCommands(cs)) > 0
		for _, c := range cs {
			_, _, _, builds := dockerBuildOf(c)
			asked = asked || builds
			for name := range c.Env {
				asked = asked || strings.HasPrefix(name, "GO")
			}
		}
		if asked && !c.want {
			t.Errorf("%q is asked for", c.text)
		}
	}
	if !tellingScript([]byte("exec /app \"$@\"\n")) {
		t.Error("a short script is always read")
	}
}
