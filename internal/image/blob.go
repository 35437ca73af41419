package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// copyTo writes the blob of the layer to w and holds it against its digest on
// the way. The error is errCorrupt when the blob is damaged.
func (l Layer) copyTo(ctx context.Context, w io.Writer) error {
	return copyVerified(ctx, w, l.Path, l.Digest, l.Size)
}

// ensure sees to it that the blob is whole: a damaged or missing one is made
// again. Whoever streams a blob to where it cannot be taken back calls this
// first.
func (l Layer) ensure(ctx context.Context) error {
	err := verifyFile(ctx, l.Path, l.Digest, l.Size)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return l.heal(ctx, err)
}

// heal replaces a blob that could not be used because of cause.
func (l Layer) heal(ctx context.Context, cause error) error {
	if !errors.Is(cause, errCorrupt) && !errors.Is(cause, fs.ErrNotExist) {
		return fmt.Errorf("read layer %s: %w", l.Title, cause)
	}
	if err := os.Remove(l.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(err, i18n.M("image.blob", l.Path), i18n.M("image.blob.hint"))
	}
	if l.remake == nil {
		return fault.New(cause, i18n.M("image.blob", l.Path), i18n.M("image.blob.hint"))
	}
	again, err := l.remake(ctx)
	if err != nil {
		return err
	}
	if again.Digest != l.Digest {
		return fault.New(nil, i18n.M("image.changed", l.Title), i18n.M("image.changed.hint"))
	}
	return nil
}

// ensureAll is ensure for every layer of the images.
func ensureAll(ctx context.Context, made []Made) error {
	seen := map[string]bool{}
	for _, m := range made {
		for _, l := range m.Layers {
			if seen[l.Digest] {
				continue
			}
			seen[l.Digest] = true
			if err := l.ensure(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
