package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const appDockerfile = "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /bin/shopd .\nFROM scratch\nCOPY --from=build /bin/shopd /shopd\nUSER shop\nENTRYPOINT [\"/shopd\"]\n"

func TestRuns(t *testing.T) {
	pod := func(image string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: \"" + image + "\"}]}\n"
	}
	for name, tc := range map[string]struct {
		files map[string]string
		want  Certain
	}{
		"the module's name":     {map[string]string{"pod.yaml": pod("registry.example.com/org/shop:v1")}, Yes},
		"the program's name":    {map[string]string{"pod.yaml": pod("shopd")}, Yes},
		"kubebuilder's":         {map[string]string{"pod.yaml": pod("controller:latest")}, Yes},
		"somebody else's":       {map[string]string{"pod.yaml": pod("postgres:17")}, Unknown},
		"named by a script":     {map[string]string{"pod.yaml": pod("example.com/x/front:2"), "b.sh": "docker build -t example.com/x/front:1 .\n"}, Yes},
		"of a registry unknown": {map[string]string{"pod.yaml": pod("example.com/x/front:2"), "Makefile": "all:\n\tdocker build -t $(REGISTRY)/front:$(V) .\n"}, Yes},
		"named by a workflow": {map[string]string{"pod.yaml": pod("example.com/x/front:2"),
			".github/workflows/a.yml": "jobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {context: ., tags: \"example.com/x/front:1\"}}]}}\n"}, Yes},
		"of two Dockerfiles": {map[string]string{"pod.yaml": pod("shopd"), "other/Dockerfile": appDockerfile}, Unknown},
		"one of two programs": {map[string]string{"pod.yaml": pod("shopd"), "cli/main.go": "package main\n\nfunc main() {}\n",
			"Dockerfile": strings.Replace(strings.Replace(appDockerfile, "go build -o /bin/shopd .", "go build -o /bin/shopd . && CGO_ENABLED=0 go build -o /bin/cli ./cli", 1), "USER", "COPY --from=build /bin/cli /cli\nUSER", 1)}, Yes},
		"of ko":      {map[string]string{"pod.yaml": pod("ko://example.com/org/shop")}, Yes},
		"a variable": {map[string]string{"pod.yaml": pod("${REGISTRY}/shop")}, Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{
				"go.mod": "module example.com/org/shop\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n", "Dockerfile": appDockerfile,
			}
			for k, v := range tc.files {
				files[k] = v
			}
			for name, text := range files {
				file := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r, err := ReadRepo(t.Context(), root)
			if err != nil {
				t.Fatal(err)
			}
			runs := r.Runs()
			if len(runs) != 1 || runs[0].Certain != tc.want {
				t.Fatalf("runs are %+v", runs)
			}
			if run := runs[0]; run.Certain == Yes && (run.Build == nil || run.Build.Packages[0] != "." || run.Docker != nil && run.Stage.User.Value != "shop") {
				t.Errorf("run is %+v", run)
			}
		})
	}
}
