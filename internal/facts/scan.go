package facts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// sourceExts are the files in a package directory that the go command reads
// besides Go files (go/build.Package).
var sourceExts = []string{".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso", ".pgo"}

// localDir is a package directory whose files may change between runs.
type localDir struct {
	Dir   string   `json:"dir"`
	Embed []string `json:"embed,omitempty"` // go:embed patterns
}

// fileState is one local file at the time of a scan.
type fileState struct {
	Hash   string `json:"hash"`             // of the content
	Header string `json:"header,omitempty"` // of what the package graph depends on; Go files only
}

// snapshot is the state of all local inputs. Shape changes whenever the
// package graph could; Input changes whenever a byte that is compiled could.
type snapshot struct {
	Shape string               `json:"shape"`
	Input string               `json:"input"`
	Files map[string]fileState `json:"files"`
}

// takeSnapshot reads and hashes every local input: content decides, never a
// time stamp. Headers of files that old knows by content are not parsed again.
func takeSnapshot(dirs []localDir, extra []string, old map[string]fileState) (snapshot, error) {
	type part struct {
		shape, input []byte
		files        map[string]fileState
	}
	parts := make([]part, len(dirs)+1)
	var eg errgroup.Group
	eg.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for i, d := range dirs {
		eg.Go(func() error {
			shape, input := sha256.New(), sha256.New()
			files := map[string]fileState{}
			if err := scanDir(d, old, shape, input, files); err != nil {
				return err
			}
			parts[i] = part{shape.Sum(nil), input.Sum(nil), files}
			return nil
		})
	}
	eg.Go(func() error {
		h := sha256.New()
		for _, name := range extra {
			b, err := os.ReadFile(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read project file: %w", err)
			}
			fmt.Fprintf(h, "%s %d %t\n", filepath.Base(name), len(b), err == nil)
			h.Write(b)
		}
		parts[len(dirs)] = part{h.Sum(nil), h.Sum(nil), nil}
		return nil
	})
	if err := eg.Wait(); err != nil {
		return snapshot{}, err
	}
	shape, input := sha256.New(), sha256.New()
	s := snapshot{Files: map[string]fileState{}}
	for _, p := range parts {
		shape.Write(p.shape)
		input.Write(p.input)
		for k, v := range p.files {
			s.Files[k] = v
		}
	}
	s.Shape, s.Input = hex.EncodeToString(shape.Sum(nil)), hex.EncodeToString(input.Sum(nil))
	return s, nil
}

func scanDir(d localDir, old map[string]fileState, shape, input hash.Hash, files map[string]fileState) error {
	es, err := os.ReadDir(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(shape, "gone")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read package directory: %w", err)
	}
	for _, e := range es {
		name := e.Name()
		isGo := strings.HasSuffix(name, ".go")
		switch {
		case name == "go.mod":
			// A nested module takes the directory out of this one.
			fmt.Fprintln(shape, name)
			continue
		case name[0] == '_' || name[0] == '.', strings.HasSuffix(name, "_test.go"), e.IsDir():
			continue
		case !isGo && !slices.Contains(sourceExts, filepath.Ext(name)):
			continue
		}
		path := filepath.Join(d.Dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			if fi, serr := os.Stat(path); serr != nil || fi.IsDir() {
				continue // a dangling link or a link to a directory: the go command ignores it as well
			}
			return fmt.Errorf("read source: %w", err)
		}
		st := fileState{Hash: sum(b)}
		if isGo {
			if o, ok := old[path]; ok && o.Hash == st.Hash {
				st.Header = o.Header
			} else {
				st.Header = headerSum(b)
			}
		}
		files[path] = st
		fmt.Fprintln(shape, name, st.Header)
		fmt.Fprintln(input, name, st.Hash)
	}
	return scanEmbeds(d, shape, input)
}

// scanEmbeds hashes what go:embed patterns match today: the names belong to
// the shape, the bytes to the input.
func scanEmbeds(d localDir, shape, input hash.Hash) error {
	for _, pattern := range d.Embed {
		glob := filepath.FromSlash(strings.TrimPrefix(pattern, "all:"))
		matches, err := filepath.Glob(filepath.Join(d.Dir, glob))
		if err != nil {
			continue // the go command reports a malformed pattern
		}
		for _, m := range matches {
			err := filepath.WalkDir(m, func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() || !e.Type().IsRegular() {
					return err
				}
				rel, err := filepath.Rel(d.Dir, path)
				if err != nil {
					return err
				}
				b, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				fmt.Fprintln(shape, "embed", rel)
				fmt.Fprintln(input, "embed", rel, sum(b))
				return nil
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read embedded files: %w", err)
			}
		}
	}
	return nil
}

// headerSum hashes the part of a Go file that the package graph depends on:
// everything up to the last import (constraints, package clause, #cgo lines)
// and the go:embed directives.
func headerSum(src []byte) string {
	h := sha256.New()
	end := len(src)
	fset := token.NewFileSet()
	if f, err := parser.ParseFile(fset, "", src, parser.ImportsOnly|parser.SkipObjectResolution); err == nil {
		last := f.Name.End()
		if n := len(f.Decls); n > 0 {
			last = f.Decls[n-1].End()
		}
		end = fset.Position(last).Offset
	}
	h.Write(src[:end])
	for rest := src[end:]; ; {
		i := bytes.Index(rest, []byte("//go:embed"))
		if i < 0 {
			break
		}
		rest = rest[i:]
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		h.Write(line)
		rest = after
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:16])
}

// within reports whether path is dir or lies below it. Both are clean and
// absolute.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
