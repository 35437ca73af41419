package facts

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// skipDirs are not entered. Of vendor, modules.txt is read.
var skipDirs = set("vendor", "node_modules", "testdata", ".git", ".hg", ".svn", ".bzr", ".idea", ".vscode", ".cache")

// repoJob is a file to read and what it is.
type repoJob struct{ path, kind string }

type repoWalk struct {
	root  string
	jobs  []repoJob
	files map[string]bool // every file and directory that was seen
	notes []Note
}

// dir lists one directory; the order of jobs is that of the paths.
func (w *repoWalk) dir(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	es, err := os.ReadDir(filepath.Join(w.root, filepath.FromSlash(dir)))
	switch {
	case err != nil && dir == ".":
		return err
	case err != nil:
		w.note(dir, i18n.M("facts.note.unlisted", reason(err)))
		return nil
	case depth > maxRepoDepth:
		w.note(dir, i18n.M("facts.note.deep"))
		return nil
	}
	if dir != "." && slices.ContainsFunc(es, func(e fs.DirEntry) bool { return e.Name() == ".git" }) {
		w.note(dir, i18n.M("facts.note.repository"))
		return nil
	}
	for _, e := range es {
		name := path.Join(dir, e.Name())
		switch {
		case len(w.files) >= maxRepoFiles:
			if len(w.files) == maxRepoFiles {
				w.files[""] = true
				w.note(name, i18n.M("facts.note.many", maxRepoFiles))
			}
			return nil
		case e.IsDir():
			w.files[name] = true
			if e.Name() == "vendor" {
				w.vendor(name)
			}
			if skipDirs[e.Name()] {
				continue
			}
			if err := w.dir(ctx, name, depth+1); err != nil {
				return err
			}
		case e.Type().IsRegular():
			w.files[name] = true
			if k := kindOf(name); k != "" {
				w.jobs = append(w.jobs, repoJob{name, k})
			}
		}
	}
	return nil
}

func (w *repoWalk) vendor(dir string) {
	name := path.Join(dir, "modules.txt")
	if fi, err := os.Lstat(filepath.Join(w.root, filepath.FromSlash(name))); err == nil && fi.Mode().IsRegular() {
		w.jobs = append(w.jobs, repoJob{name, "vendor"})
	}
}

func (w *repoWalk) note(file string, text i18n.Message) {
	w.notes = append(w.notes, Note{Pos: Pos{File: file}, Text: text})
}

// Reads reports whether ReadRepo or ReadDeps would look into a file, going by
// its name. Of all others it only sees that they are there.
func Reads(name string) bool {
	base := path.Base(name)
	return kindOf(name) != "" || path.Ext(name) == ".go" || base == "modules.txt" || strings.HasSuffix(base, ".dockerignore")
}

// kindOf tells by its name what a file is, "" for one that says nothing to us.
func kindOf(name string) string {
	dir, base := path.Split(name)
	switch ext := path.Ext(base); {
	case base == "go.mod", base == "go.sum", base == "go.work" && dir == "":
		return base
	case ext == ".go":
		if base[0] == '_' || base[0] == '.' || hiddenDir(dir) {
			return "" // the go command does not see it
		}
		return "go"
	case base == ".gitlab-ci.yml" && dir == "":
		return "gitlab"
	case dir == ".github/workflows/" && (ext == ".yml" || ext == ".yaml"):
		return "github"
	case releaseFiles[base] != "":
		return releaseFiles[base]
	case ext == ".yaml", ext == ".yml":
		return "yaml"
	case base == "Makefile", base == "makefile", base == "GNUmakefile", ext == ".mk":
		return "make"
	case ext == ".sh", ext == ".bash":
		return "sh"
	case base == ".go-version", base == ".tool-versions", base == "mise.toml", base == ".mise.toml":
		return "pin"
	case base == ".env", ext == ".env":
		return "env"
	case ext == ".md" && tellsUsers(dir, base):
		return "doc"
	case base == "Dockerfile", base == "Containerfile", strings.EqualFold(ext, ".dockerfile"):
		return "docker"
	case strings.HasPrefix(base, "Dockerfile.") && !templateExts[ext]:
		return "docker"
	}
	return ""
}

// releaseFiles are the names under which the tools look for their
// configuration (goreleaser.com/customization, ko.build/configuration).
var releaseFiles = map[string]string{
	".goreleaser.yml": "goreleaser", ".goreleaser.yaml": "goreleaser", "goreleaser.yml": "goreleaser", "goreleaser.yaml": "goreleaser",
	".ko.yaml": "ko", ".ko.yml": "ko",
}

// templateExts are endings of files that are called Dockerfile.x and are none.
var templateExts = set(".dockerignore", ".md", ".tmpl", ".tpl", ".template", ".j2", ".jinja", ".jinja2",
	".in", ".erb", ".m4", ".mustache", ".bak", ".orig", ".yaml", ".yml", ".json", ".txt")

func hiddenDir(dir string) bool {
	for _, d := range strings.Split(dir, "/") {
		if d != "" && (d[0] == '_' || d[0] == '.') {
			return true
		}
	}
	return false
}
