package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
)

func TestOpenDir(t *testing.T) {
	dir := realTemp(t)
	write(t, filepath.Join(dir, "app/go.mod"), "module example.com/app\n")
	write(t, filepath.Join(dir, "app/cmd/api/main.go"), "package main\n")
	write(t, filepath.Join(dir, "app/cmd/@x/main.go"), "package main\n")
	if err := os.Symlink("app/cmd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(dir, "app")
	for _, c := range []struct {
		wd   string
		args []string
		want []string
	}{
		{"app", nil, []string{"."}},
		{"app", []string{"."}, []string{"."}},
		{"app", []string{"./cmd/api"}, []string{"./cmd/api"}},
		{"app", []string{"cmd/api"}, []string{"./cmd/api"}},
		{"app", []string{"cmd/@x", "./cmd/api/"}, []string{"./cmd/@x", "./cmd/api"}},
		{"app", []string{"./cmd/..."}, []string{"./cmd/..."}},
		{"app", []string{"./..."}, []string{"./..."}},
		{"app", []string{"./cmd/a...", "..."}, []string{"./cmd/a...", "./..."}},
		{"app/cmd/api", []string{"../..", "."}, []string{".", "./cmd/api"}},
		{"", []string{"app/cmd/...", filepath.Join(app, "cmd", "api")}, []string{"./cmd/...", "./cmd/api"}},
		{"", []string{"link/api"}, []string{"./cmd/api"}},
	} {
		tree := mustOpen(t, options(t, filepath.Join(dir, c.wd), userEnv(t)), c.args...)
		if tree.Root != app || !slices.Equal(tree.Patterns, c.want) || tree.Kind != KindDir || tree.Repo != "" {
			t.Errorf("in %s, %q: root %s patterns %q kind %s repo %q, want patterns %q", c.wd, c.args, tree.Root, tree.Patterns, tree.Kind, tree.Repo, c.want)
		}
	}
}

func TestOpenDirErrors(t *testing.T) {
	dir := realTemp(t)
	for _, m := range []string{"a", "b"} {
		write(t, filepath.Join(dir, m, "go.mod"), "module example.com/"+m+"\n")
	}
	write(t, filepath.Join(dir, "a/main.go"), "package main\n")
	for _, c := range []struct{ args, id, hint string }{
		{".", "source.nomodule", "go mod init"},
		{"a b", "source.several", "go work"},
		{"nope", "source.arg.missing", "package@version"},
		{"a/nope/...", "source.arg.missing", "package@version"},
		{"example.com/tool/cmd", "source.arg.missing", "example.com/tool/cmd@latest"},
		{"a/main.go", "source.arg.file", " a"},
		{"a example.com/tool@v1", "source.one", "only argument"},
		{"example.com/tool@", "source.module.arg", "@v1.2.3"},
		{"-x@v1", "source.module.arg", "@v1.2.3"},
		{"example.com/tool@v1@v2", "source.module.arg", "@v1.2.3"},
	} {
		_, err := Open(t.Context(), options(t, dir, userEnv(t)), strings.Fields(c.args))
		e := wantFault(t, err, fault.Usage, c.id)
		if hint := e.Hint.String(); !strings.Contains(hint, c.hint) {
			t.Errorf("%s: hint %q lacks %q", c.args, hint, c.hint)
		}
	}
}

func TestWorkspace(t *testing.T) {
	dir := realTemp(t)
	for _, m := range []string{"ws/a", "ws/b", "ws/c", "away"} {
		write(t, filepath.Join(dir, m, "go.mod"), "module example.com/"+filepath.Base(m)+"\n")
	}
	work := filepath.Join(dir, "ws", "go.work")
	write(t, work, "go 1.26\n\nuse (\n\t./a\n\t./b\n\t../away\n)\n")
	ws := filepath.Join(dir, "ws")

	tree := mustOpen(t, options(t, ws, userEnv(t)), "./a", "./b/...", "../away")
	if want := []string{".", "../b/...", "../../away"}; tree.WorkFile != work || !slices.Equal(tree.Patterns, want) {
		t.Errorf("work file %q patterns %q, want %q", tree.WorkFile, tree.Patterns, want)
	}

	_, err := Open(t.Context(), options(t, ws, userEnv(t)), []string{"c"})
	if e := wantFault(t, err, fault.Usage, "source.work.unused"); e.Pos.File != work {
		t.Errorf("position %v, want %s", e.Pos, work)
	}
	_, err = Open(t.Context(), options(t, ws, userEnv(t)), nil)
	if e := wantFault(t, err, fault.Usage, "source.nomodule"); !strings.Contains(e.Hint.String(), "./a ./b") {
		t.Errorf("hint %q does not name the workspace's modules", e.Hint)
	}

	if tree := mustOpen(t, options(t, ws, userEnv(t, "GOWORK=off")), "c"); tree.WorkFile != "" {
		t.Errorf("GOWORK=off: work file %q", tree.WorkFile)
	}
	if tree := mustOpen(t, options(t, dir, userEnv(t, "GOWORK="+work)), "away"); tree.WorkFile != work {
		t.Errorf("GOWORK=path: work file %q", tree.WorkFile)
	}
	if tree := mustOpen(t, options(t, dir, userEnv(t)), "away"); tree.WorkFile != "" {
		t.Errorf("away has the work file %q, which is not above it", tree.WorkFile)
	}
	o := options(t, dir, userEnv(t))
	o.Env = append(o.Env, "GOWORK=go.work")
	_, err = Open(t.Context(), o, []string{"away"})
	wantFault(t, err, fault.Usage, "source.work.env")

	home := t.TempDir()
	write(t, filepath.Join(home, "goenv"), "GOWORK=off\n")
	if tree := mustOpen(t, options(t, ws, userEnv(t, "GOENV="+filepath.Join(home, "goenv"))), "c"); tree.WorkFile != "" {
		t.Errorf("go env -w GOWORK=off: work file %q", tree.WorkFile)
	}

	write(t, work, "go 1.26\n\nuses ./a\n")
	_, err = Open(t.Context(), options(t, ws, userEnv(t)), []string{"a"})
	if e := wantFault(t, err, fault.Usage, "source.parse"); e.Pos.Line != 3 {
		t.Errorf("position %v, want line 3 of go.work", e.Pos)
	}
}
