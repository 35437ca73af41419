package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// file is where a subject's program is kept.
func (s subject) file(dir string) string {
	return filepath.Join(dir, s.name+"@"+s.version)
}

func (s subject) platform() string {
	goos, goarch := s.goos, s.goarch
	if goos == "" {
		goos = "linux"
	}
	if goarch == "" {
		goarch = "amd64"
	}
	return goos + "/" + goarch
}

// programDir is where programs are kept unless -dir names another directory.
func programDir(dir string) (string, error) {
	if dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	return filepath.Join(cache, "slipway-bench", "verify"), nil
}

// fetch installs every subject that is not there yet, one after the other with
// one compiler at a time. One that fails does not keep the others back.
func fetch(ctx context.Context, dir string, only []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory of programs: %w", err)
	}
	list, err := chosen(only)
	if err != nil {
		return err
	}
	cache, err := goEnv(ctx, "GOMODCACHE")
	if err != nil {
		return err
	}
	failed := 0
	for _, s := range list {
		if _, err := os.Stat(s.file(dir)); err == nil {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := s.install(ctx, cache, dir); err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%s: %v\n", s.name, err)
			continue
		}
		fmt.Println(s.file(dir))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d could not be installed", failed, len(list))
	}
	return nil
}

// install runs go install with a GOPATH of its own, because GOBIN is refused
// when the target is another platform.
func (s subject) install(ctx context.Context, cache, dir string) error {
	path, err := os.MkdirTemp(dir, ".install-")
	if err != nil {
		return fmt.Errorf("make a work directory: %w", err)
	}
	defer os.RemoveAll(path)
	args := []string{"install", "-p", "1", "-trimpath"}
	if s.ldflags != "" {
		args = append(args, "-ldflags="+s.ldflags)
	}
	c := exec.CommandContext(ctx, "go", append(args, s.pkg+"@"+s.version)...)
	c.Dir = path // outside of any module
	goos, goarch, _ := strings.Cut(s.platform(), "/")
	cgo := "0"
	if s.cgo {
		cgo = "1"
	}
	c.Env = append(os.Environ(), "GOPATH="+path, "GOMODCACHE="+cache, "GOBIN=", "GOFLAGS=", "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED="+cgo)
	if s.toolchain != "" {
		c.Env = append(c.Env, "GOTOOLCHAIN="+s.toolchain)
	}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("go install %s@%s: %w: %s", s.pkg, s.version, err, lastLines(stderr.String(), 5))
	}
	var found string
	err = filepath.WalkDir(filepath.Join(path, "bin"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found = name
		}
		return err
	})
	if err == nil && found == "" {
		err = errors.New("go install left no program")
	}
	if err != nil {
		return err
	}
	return os.Rename(found, s.file(dir))
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func goEnv(ctx context.Context, key string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", key).Output()
	if err != nil {
		return "", fmt.Errorf("ask for %s: %w", key, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// chosen gives the subjects with these names; all if there are none.
func chosen(names []string) ([]subject, error) {
	if len(names) == 0 {
		return subjects, nil
	}
	byName := map[string]subject{}
	for _, s := range subjects {
		byName[s.name] = s
	}
	var out []subject
	for _, n := range names {
		s, ok := byName[n]
		if !ok {
			return nil, fmt.Errorf("no subject is called %s", n)
		}
		out = append(out, s)
	}
	return out, nil
}
