package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
)

//go:embed corpus.txt
var corpusText string

// repository is one module version of the corpus.
type repository struct {
	module, version string
	set             string // development or held-back
}

var majorSuffix = regexp.MustCompile(`^v[0-9]+$`)

// name is how people call it: the last element of its path that is not a
// major version.
func (r repository) name() string {
	parts := strings.Split(r.module, "/")
	last := parts[len(parts)-1]
	if majorSuffix.MatchString(last) {
		last = parts[len(parts)-2]
	}
	return last
}

// corpus reads corpus.txt: a "[set]" line, then module@version lines.
func corpus() ([]repository, error) {
	var out []repository
	set := ""
	for i, line := range strings.Split(corpusText, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if s, ok := strings.CutPrefix(line, "["); ok {
			set = strings.TrimSuffix(s, "]")
			continue
		}
		path, version, ok := strings.Cut(line, "@")
		if !ok || set == "" {
			return nil, fmt.Errorf("corpus.txt:%d: want module@version below a [set]", i+1)
		}
		out = append(out, repository{path, version, set})
	}
	return out, nil
}

// dir gives where the module cache keeps it.
func (r repository) dir(cache string) (string, error) {
	path, err := module.EscapePath(r.module)
	if err != nil {
		return "", fmt.Errorf("escape %s: %w", r.module, err)
	}
	version, err := module.EscapeVersion(r.version)
	if err != nil {
		return "", fmt.Errorf("escape %s: %w", r.version, err)
	}
	return filepath.Join(cache, filepath.FromSlash(path)+"@"+version), nil
}

// moduleCache asks the go command where it is.
func moduleCache(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("ask for GOMODCACHE: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// fetch downloads what is not there yet, one after the other, and prints name,
// directory and set of each. One that fails does not keep the others back.
func fetch(ctx context.Context) error {
	list, err := corpus()
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range list {
		var stdout, stderr bytes.Buffer
		c := exec.CommandContext(ctx, "go", "mod", "download", "-json", r.module+"@"+r.version)
		c.Dir = os.TempDir() // outside of any module
		c.Stdout, c.Stderr = &stdout, &stderr
		runErr := c.Run()
		var d struct{ Dir, Version, Error string }
		if err := json.Unmarshal(stdout.Bytes(), &d); err != nil || d.Dir == "" {
			failed++
			fmt.Fprintf(os.Stderr, "%s@%s: %s %s (%v)\n", r.module, r.version, d.Error, strings.TrimSpace(stderr.String()), runErr)
			continue
		}
		fmt.Printf("%s\t%s\t%s\n", r.name(), d.Dir, r.set)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d could not be fetched", failed, len(list))
	}
	return nil
}
