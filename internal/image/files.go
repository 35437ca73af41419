package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// extraFiles gives the layer of the files the user asked for.
func extraFiles(ctx context.Context, job Job) (content, error) {
	c := content{title: "files"}
	for _, f := range job.Target.Image.Files {
		if err := c.addFile(ctx, job.ProjectDir, f); err != nil {
			return content{}, err
		}
	}
	return c, nil
}

// addFile adds a file, or a directory with everything in it. Only the bytes,
// the names and whether the owner may execute a file are taken from the disk,
// for the rest differs between machines.
func (c *content) addFile(ctx context.Context, projectDir string, f plan.File) error {
	from, err := resolveFrom(projectDir, f)
	if err != nil {
		return err
	}
	fi, err := os.Stat(from)
	if err != nil {
		return fileError(from, f, err)
	}
	to := path.Clean(f.To)
	if !fi.IsDir() {
		if strings.HasSuffix(f.To, "/") {
			to = path.Join(to, path.Base(filepath.ToSlash(f.From)))
		}
		return c.addRegular(ctx, filepath.Dir(from), filepath.Base(from), fi, to, f)
	}
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fileError(p, f, err)
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return fileError(p, f, err)
		}
		dest := path.Join(to, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			it := item{Entry: Entry{Path: dest, Mode: 0o755, UID: f.UID, GID: f.GID, Dir: true}, implied: f.Mode == 0 && f.UID == 0 && f.GID == 0}
			if f.Mode != 0 {
				it.Mode = searchable(int64(f.Mode))
			}
			if dest != "/" {
				c.items = append(c.items, it)
			}
			return nil
		case d.Type() == fs.ModeSymlink:
			target, err := insideLink(from, p)
			if err != nil {
				return err
			}
			c.items = append(c.items, item{Entry: Entry{Path: dest, Mode: 0o777, UID: f.UID, GID: f.GID, Link: target}, onDisk: p})
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return fileError(p, f, err)
		}
		return c.addRegular(ctx, from, rel, fi, dest, f)
	})
}

// addRegular adds the file name below dir.
func (c *content) addRegular(ctx context.Context, dir, name string, fi fs.FileInfo, to string, f plan.File) error {
	p := filepath.Join(dir, name)
	if !fi.Mode().IsRegular() {
		e := fault.UsageError(i18n.M("image.files.kind", fi.Mode().Type()), i18n.M("image.files.kind.hint"))
		e.Pos.File = p
		return e
	}
	mode := int64(0o644)
	switch {
	case f.Mode != 0:
		mode = int64(f.Mode) & 0o7777
	case fi.Mode()&0o100 != 0:
		mode = 0o755
	}
	// Opened within dir, so that a link put there in the meantime leads
	// nowhere else.
	open := func() (*os.File, error) { return os.OpenInRoot(dir, name) }
	size, digest, err := hashFile(ctx, open)
	if err != nil {
		return fileError(p, f, err)
	}
	c.items = append(c.items, item{
		Entry: Entry{Path: to, Mode: mode, UID: f.UID, GID: f.GID, Size: size, Open: openVerified(p, digest, open)},
		sum:   digest, onDisk: p,
	})
	return nil
}

func hashFile(ctx context.Context, open func() (*os.File, error)) (size int64, digest string, err error) {
	f, err := open()
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(h, ctxReader{ctx, f}, make([]byte, copyChunk))
	if err != nil {
		return 0, "", err
	}
	return n, digestOf(h.Sum(nil)), nil
}

// searchable adds to the permissions of a directory the right to enter it for
// whoever may read it.
func searchable(mode int64) int64 { return mode&0o7777 | mode&0o444>>2 }

// within gives path as it is seen from dir.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// resolveFrom says what a file of the plan is on this disk. A relative path
// stays inside the project, whatever links are on the way: the settings of a
// project that was fetched must not put this machine's files into an image.
func resolveFrom(projectDir string, f plan.File) (string, error) {
	from := f.From
	if filepath.IsAbs(from) {
		p, err := filepath.EvalSymlinks(from)
		if err != nil {
			return "", fileError(from, f, err)
		}
		return p, nil
	}
	root, err := filepath.EvalSymlinks(projectDir)
	if err != nil {
		return "", fileError(projectDir, f, err)
	}
	p, err := filepath.EvalSymlinks(filepath.Join(root, from))
	if err != nil {
		return "", fileError(filepath.Join(projectDir, from), f, err)
	}
	if rel, err := filepath.Rel(root, p); err != nil || !filepath.IsLocal(rel) {
		return "", fault.UsageError(i18n.M("image.files.outside", from), i18n.M("image.files.outside.hint"))
	}
	return p, nil
}

// insideLink gives the target of the link at p if it stays inside root, both
// as it is written and as the disk resolves it.
func insideLink(root, p string) (string, error) {
	target, err := os.Readlink(p)
	if err != nil {
		return "", fileError(p, plan.File{}, err)
	}
	outside := func() error {
		e := fault.UsageError(i18n.M("image.files.link", target), i18n.M("image.files.link.hint"))
		e.Pos.File = p
		return e
	}
	if filepath.IsAbs(target) {
		return "", outside()
	}
	rel, err := filepath.Rel(root, filepath.Join(filepath.Dir(p), target))
	if err != nil || !filepath.IsLocal(rel) {
		return "", outside()
	}
	real, err := filepath.EvalSymlinks(p)
	if errors.Is(err, fs.ErrNotExist) {
		return filepath.ToSlash(target), nil // it leads nowhere, here as in the image
	}
	if err != nil {
		return "", outside() // a loop
	}
	if rel, err := filepath.Rel(root, real); err != nil || !filepath.IsLocal(rel) {
		return "", outside()
	}
	return filepath.ToSlash(target), nil
}

func fileError(p string, f plan.File, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &fault.Error{Msg: i18n.M("image.files.read", f.To), Hint: i18n.M("image.files.read.hint"), Code: fault.Usage, Cause: err}
	e.Pos.File = p
	return e
}
