package image

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// tarFormat is raised when the tar of equal entries changes, so that no cached
// layer is taken for one this code would make.
const tarFormat = "1"

// whiteout is how a name begins that deletes a file of a lower layer (OCI
// image specification, layer.md). Such a file cannot be put into an image.
const whiteout = ".wh."

// arrange sorts the entries and adds the directories above them, so that each
// appears once and before its content. A directory that is not an entry
// itself is 0755 and root's.
func arrange(entries []Entry) ([]Entry, error) {
	at := make(map[string]Entry, len(entries)+8)
	for _, e := range entries {
		if err := checkPath(e.Path); err != nil {
			return nil, err
		}
		if have, twice := at[e.Path]; twice && !(have.Dir && e.Dir && have.Mode == e.Mode && have.UID == e.UID && have.GID == e.GID) {
			return nil, fault.UsageError(i18n.M("image.path.twice", e.Path), i18n.M("image.path.twice.hint"))
		}
		at[e.Path] = e
	}
	for _, e := range entries {
		for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
			above, ok := at[dir]
			if !ok {
				at[dir] = Entry{Path: dir, Mode: 0o755, Dir: true}
			} else if !above.Dir {
				return nil, fault.UsageError(i18n.M("image.path.below", e.Path, dir), i18n.M("image.path.twice.hint"))
			}
		}
	}
	out := make([]Entry, 0, len(at))
	for _, e := range at {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func checkPath(p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsRune(p, 0) {
		return fault.UsageError(i18n.M("image.path", strconv.Quote(p)), i18n.M("image.path.hint"))
	}
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, whiteout) {
			return fault.UsageError(i18n.M("image.path.whiteout", p, whiteout), i18n.M("image.path.whiteout.hint"))
		}
	}
	return nil
}

// writeTar writes the arranged entries to w. Every header holds what the entry
// says and nothing of this machine: no user names, no times but created. The
// format is USTAR, and PAX for an entry that does not fit into it.
func writeTar(ctx context.Context, w io.Writer, entries []Entry, created time.Time) error {
	tw := tar.NewWriter(w)
	buf := make([]byte, copyChunk)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeEntry(ctx, tw, e, created, buf); err != nil {
			return fmt.Errorf("add %s: %w", e.Path, err)
		}
	}
	return tw.Close()
}

func writeEntry(ctx context.Context, tw *tar.Writer, e Entry, created time.Time, buf []byte) error {
	h := &tar.Header{
		Name:    strings.TrimPrefix(e.Path, "/"),
		Mode:    e.Mode,
		Uid:     e.UID,
		Gid:     e.GID,
		ModTime: created.Truncate(time.Second), // a fraction would need PAX
	}
	switch {
	case e.Dir:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case e.Link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.Link
	default:
		h.Typeflag, h.Size = tar.TypeReg, e.Size
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg || e.Size == 0 && e.Open == nil {
		return nil
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.CopyBuffer(onlyWriter{tw}, ctxReader{ctx, io.LimitReader(r, e.Size+1)}, buf)
	if n < e.Size && err == nil || n > e.Size || err == tar.ErrWriteTooLong {
		return fmt.Errorf("its size is not the %d bytes it was: it changed while it was read", e.Size)
	}
	return err
}

// onlyWriter hides other methods, so that io.Copy uses the given buffer.
type onlyWriter struct{ io.Writer }
