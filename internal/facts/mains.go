package facts

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errEnough stops the walk; a person does not read a longer list.
var errEnough = errors.New("enough")

// maxMains bounds how many main packages FindMains gives.
const maxMains = 100

// IsMain reports whether dir holds a program: a file of package main that is
// neither a test nor excluded by hand with //go:build ignore.
func IsMain(dir string) (bool, error) {
	es, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("look for a main package: %w", err)
	}
	for _, e := range es {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name[0] == '_' || name[0] == '.' || e.IsDir() {
			continue
		}
		path := filepath.Join(dir, name)
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.SkipObjectResolution)
		if err != nil || f.Name.Name != "main" {
			continue
		}
		src, err := readHeader(path)
		if err != nil {
			continue
		}
		if x := constraintOf(src); x == nil || !Mentions(x, "ignore") {
			return true, nil
		}
	}
	return false, nil
}

// FindMains gives the directories below root that hold a program, as patterns
// (./cmd/api), sorted; nested modules, vendor and testdata are not entered.
func FindMains(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil // an unreadable directory holds no program that could be built
		}
		name := e.Name()
		if path != root {
			if name[0] == '.' || name[0] == '_' || name == "vendor" || name == "testdata" || name == "node_modules" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return fs.SkipDir
			}
		}
		if ok, err := IsMain(path); err == nil && ok {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			pattern := "./" + filepath.ToSlash(rel)
			if rel == "." {
				pattern = "."
			}
			out = append(out, pattern)
			if len(out) == maxMains {
				return errEnough
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("look for main packages: %w", err)
	}
	slices.Sort(out)
	return out, nil
}
