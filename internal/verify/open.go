package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/ldso"
	"github.com/slipway-build/slipway/internal/plan"
)

// Opened is a subject with its files at hand, for the stages that do more with
// it than look. Close gives up what it holds.
type Opened struct {
	Subject
	Programs []*OpenedProgram // of this disk
	Images   []*OpenedImage
	Dir      string     // of a ship or a directory; empty otherwise
	Plan     *plan.Plan // recorded by a ship, or named by the user; nil: none

	findings []finding.Finding
	notes    []i18n.Message
	closers  []io.Closer
}

// OpenedProgram is a program with its file at hand.
type OpenedProgram struct {
	Program
	// At is its index in the programs of the report, once there is one.
	At int
	// Path is where the file lies on this disk; empty for one in an image.
	Path string
	// In is where it lies in its image; empty for one on this disk.
	In string
	// Planned is what the plan says of it, in Target; nil: nothing.
	Planned *plan.Binary
	Target  *plan.Target

	named    bool // the commit of its source is named beside it
	shipped  bool // what the plan says is judged with the file that went into the image
	file     *binary.File
	open     func() (ldso.File, error) // of a program in an image
	findings []finding.Finding
}

// All are the programs of this disk and those in images, without the ones that
// are in an image and beside it.
func (o *Opened) All() []*OpenedProgram {
	out := slices.Clone(o.Programs)
	for _, m := range o.Images {
		for _, p := range m.Programs {
			if !p.shipped {
				out = append(out, p)
			}
		}
	}
	return out
}

// Close closes what was opened.
func (o *Opened) Close() error {
	var err error
	for _, c := range o.closers {
		err = errors.Join(err, c.Close())
	}
	o.closers = nil
	return err
}

// Bounds of a directory of programs.
const (
	maxFiles = 20000 // that are looked at
	maxDepth = 8     // directories below one another
)

// OpenFile opens a program.
func OpenFile(ctx context.Context, path string) (*Opened, error) {
	p, err := openProgram(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Opened{Subject: Subject{Name: path, Kind: KindProgram}, Programs: []*OpenedProgram{p}}, nil
}

// OpenDir opens the programs in a directory, in order of their paths. Files
// that are no programs are passed over, as are libraries and symbol files.
func OpenDir(ctx context.Context, dir string) (*Opened, error) {
	o := &Opened{Subject: Subject{Name: dir, Kind: KindDirectory}, Dir: dir}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			if path != dir && (strings.HasPrefix(d.Name(), ".") || strings.Count(rel, string(filepath.Separator)) >= maxDepth) {
				return filepath.SkipDir
			}
			return nil
		}
		if seen++; seen > maxFiles {
			return fault.UsageError(i18n.M("verify.dir.large", dir, maxFiles), i18n.M("verify.dir.hint"))
		}
		if !d.Type().IsRegular() || strings.HasSuffix(d.Name(), ".debug") {
			return nil
		}
		p, err := openProgram(ctx, path)
		switch e := (*fault.Error)(nil); {
		case errors.As(err, &e) && e.Cause != nil:
			// It begins like a program and is damaged.
			o.notes = append(o.notes, i18n.M("verify.damaged", path))
		case errors.As(err, &e):
		case err != nil:
			return err
		case p.file.Type != binary.Shared && p.file.Type != binary.Object:
			o.Programs = append(o.Programs, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(o.Programs) == 0 {
		return nil, fault.UsageError(i18n.M("verify.dir.empty", dir), i18n.M("verify.dir.hint"))
	}
	return o, nil
}

func openProgram(ctx context.Context, path string) (*OpenedProgram, error) {
	f, err := binary.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	defer r.Close()
	digest, err := digestOf(ctx, r, f.Size)
	if err != nil {
		return nil, fmt.Errorf("read program %s: %w", path, err)
	}
	return newProgram(path, digest, f, path), nil
}

// digestOf reads size bytes. The buffer is of a size at which reading costs
// nothing beside hashing.
func digestOf(ctx context.Context, r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	buf := make([]byte, 256<<10)
	for at := int64(0); at < size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		h.Write(buf[:n])
		at += int64(n)
		if err != nil && (!errors.Is(err, io.EOF) || at < size) {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func newProgram(name, digest string, f *binary.File, path string) *OpenedProgram {
	p := &OpenedProgram{Path: path, file: f, Program: Program{
		Name: name, Platform: platformOf(f), Digest: digest, File: *f,
	}}
	p.Embeds, p.FIPS = embedded(f), fips(f)
	return p
}

// platformOf gives os/arch, with what the file does not say left out.
func platformOf(f *binary.File) string {
	if f.Arch == "" {
		return f.OS
	}
	if f.OS == "" {
		return "?/" + f.Arch
	}
	return f.OS + "/" + f.Arch
}
