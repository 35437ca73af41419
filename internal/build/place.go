package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// tempPrefix begins the name of a file that is still being written.
const tempPrefix = ".slipway-tmp-"

// Staged are binaries that lie beside their final place under another name.
type Staged struct {
	bins  []Binary
	moves []move
}

type move struct {
	temp, to string
	bin      int // in bins
	id       string
}

// Stage copies the binaries into out/<os>_<arch>[_<variant>]/ under temporary
// names, so that everything that can fail has happened before anything that
// is already there is replaced. Copies that are still as they were left are
// not made again. After an error nothing new is left in out.
func Stage(ctx context.Context, out string, bins []Binary) (_ *Staged, err error) {
	s := &Staged{bins: slices.Clone(bins)}
	defer func() {
		if err == nil {
			return
		}
		s.Discard()
		for _, b := range bins {
			removeEmpty(filepath.Join(out, TargetDir(b.Platform)))
		}
	}()
	// Before anything is staged: afterwards the names of a killed run cannot be
	// told from those of this one.
	removeLeftovers(out)
	for i := range s.bins {
		b := &s.bins[i]
		rec := openRecord(b.dir)
		dir := filepath.Join(out, TargetDir(b.Platform))
		b.Path = filepath.Join(dir, b.Name)
		if err := s.stage(ctx, rec, i, b.Cached, b.Path, 0o755); err != nil {
			return nil, err
		}
		if b.cachedDebug != "" {
			b.Debug = b.Path + ".debug"
			if err := s.stage(ctx, rec, i, b.cachedDebug, b.Debug, 0o644); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *Staged) stage(ctx context.Context, rec record, bin int, from, to string, mode os.FileMode) error {
	abs, err := filepath.Abs(to)
	if err != nil {
		return fmt.Errorf("name %s: %w", to, err)
	}
	id := rec.Digest + " " + filepath.Base(from)
	if p, ok := rec.Placed[abs]; ok && p.Digest == id && p.Stamp.is(abs) {
		return nil
	}
	temp, err := copyToTemp(ctx, from, abs, mode)
	if err != nil {
		return err
	}
	s.moves = append(s.moves, move{temp, abs, bin, id})
	return nil
}

// Commit renames the copies into place and gives the binaries with their paths.
func (s *Staged) Commit() ([]Binary, error) {
	for len(s.moves) > 0 {
		m := s.moves[0]
		if err := os.Rename(m.temp, m.to); err != nil {
			s.Discard()
			return nil, outputFault(m.to, err)
		}
		s.moves = s.moves[1:]
		b := s.bins[m.bin]
		rec := openRecord(b.dir)
		if rec.Placed == nil {
			rec.Placed = map[string]placed{}
		}
		rec.Placed[m.to] = placed{m.id, stampOf(m.to)}
		rec.save(b.dir)
	}
	return s.bins, nil
}

// Discard removes what was staged and not committed, with directories that
// were made for it.
func (s *Staged) Discard() {
	for _, m := range s.moves {
		os.Remove(m.temp)
		removeEmpty(filepath.Dir(m.to))
	}
	s.moves = nil
}

// removeEmpty removes a directory and the one above it, unless they hold
// anything: then it fails, as it should.
func removeEmpty(dir string) {
	if os.Remove(dir) == nil {
		os.Remove(filepath.Dir(dir))
	}
}

// removeLeftovers removes what a killed run left in the directories of out,
// those of targets that are not wanted now, too.
func removeLeftovers(out string) {
	for _, target := range readDir(out) {
		dir := filepath.Join(out, target.Name())
		for _, f := range readDir(dir) {
			if strings.HasPrefix(f.Name(), tempPrefix) {
				_ = os.Remove(filepath.Join(dir, f.Name()))
				_ = os.Remove(dir) // succeeds only if it is empty now
			}
		}
	}
}

// copyToTemp copies from to a temporary file beside to and gives its name.
func copyToTemp(ctx context.Context, from, to string, mode os.FileMode) (_ string, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", outputFault(to, err)
	}
	src, err := os.Open(from)
	if err != nil {
		return "", fmt.Errorf("read binary: %w", err)
	}
	defer src.Close()
	dst, err := os.CreateTemp(filepath.Dir(to), tempPrefix+"*")
	if err != nil {
		return "", outputFault(to, err)
	}
	_, err = io.Copy(dst, src) // copy_file_range where the kernel has it
	if err == nil {
		err = dst.Chmod(mode)
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		os.Remove(dst.Name())
		return "", outputFault(to, err)
	}
	return dst.Name(), nil
}

// outputFault says what is wrong with the place the user wants results in.
func outputFault(to string, err error) error {
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, errReadOnly):
		return fault.New(err, i18n.M("build.output.denied", to), i18n.M("build.output.denied.hint"))
	case errors.Is(err, errNoSpace):
		return fault.New(err, i18n.M("build.output.full", to), i18n.M("build.output.full.hint"))
	}
	return fmt.Errorf("write %s: %w", to, err)
}
