package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sizes"
)

// ReadSizes says where the bytes of the program come from; nil for a program
// of a format that has no sections, or one that contradicts itself there.
func (p *OpenedProgram) ReadSizes(ctx context.Context) (*sizes.Report, error) {
	r, err := p.Open()
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	defer r.Close()
	s, err := sizes.Read(ctx, r, p.file)
	if errors.Is(err, sizes.ErrFormat) || errors.Is(err, sizes.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read sizes of %s: %w", p.Name, err)
	}
	return s, nil
}

// ReadProgramSizes says where the bytes of the program at a path come from. A
// file of which that cannot be told is a *fault.Error.
func ReadProgramSizes(ctx context.Context, path string) (*sizes.Report, error) {
	p, err := openProgram(ctx, path)
	if err != nil {
		return nil, err
	}
	s, err := p.ReadSizes(ctx)
	if err == nil && s == nil {
		err = fault.UsageError(i18n.M("verify.size.none", path), i18n.M("verify.size.none.hint"))
	}
	return s, err
}
