package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// maxDocument bounds plan.json and ship.json; bytes.
const maxDocument = 64 << 20

// shipped is what this package reads of ship.json.
type shipped struct {
	SchemaVersion int `json:"schemaVersion"`
	Index         *struct {
		Digest string `json:"digest"`
	} `json:"index"`
	Targets []struct {
		Platform string `json:"platform"`
		Binaries []struct {
			Package string `json:"package"`
			Path    string `json:"path"` // relative, with slashes
			Digest  string `json:"digest"`
		} `json:"binaries"`
	} `json:"targets"`
}

// IsShip reports whether dir is what `slipway ship` writes.
func IsShip(dir string) bool {
	for _, name := range []string{"plan.json", "ship.json"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || !fi.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// OpenShip opens what `slipway ship` wrote: its images, and its programs, each
// with what the recorded plan says of it.
func OpenShip(ctx context.Context, dir string, opts ImageOptions) (*Opened, error) {
	o := &Opened{Subject: Subject{Name: dir, Kind: KindShip}, Dir: dir}
	if err := o.openShip(ctx, dir, opts); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func (o *Opened) openShip(ctx context.Context, dir string, opts ImageOptions) error {
	name := filepath.Join(dir, "plan.json")
	raw, err := readDocument(name)
	if err != nil {
		return err
	}
	p, err := plan.Decode(raw, name)
	if err != nil {
		return err
	}
	o.Plan = &p
	name = filepath.Join(dir, "ship.json")
	if raw, err = readDocument(name); err != nil {
		return err
	}
	var doc shipped
	if err := json.Unmarshal(raw, &doc); err != nil || doc.SchemaVersion != 1 {
		e := fault.UsageError(i18n.M("verify.ship.read", name), i18n.M("verify.ship.hint"))
		e.Cause = err
		return e
	}
	if doc.Index != nil {
		o.Digest = doc.Index.Digest
	}
	for _, t := range doc.Targets {
		if len(opts.Platforms) > 0 && !slices.Contains(opts.Platforms, t.Platform) {
			continue
		}
		for _, b := range t.Binaries {
			if !filepath.IsLocal(filepath.FromSlash(b.Path)) {
				return fault.UsageError(i18n.M("verify.ship.path", name, b.Path), i18n.M("verify.ship.hint"))
			}
			path := filepath.Join(dir, filepath.FromSlash(b.Path))
			prog, err := openProgram(ctx, path)
			if errors.Is(err, fs.ErrNotExist) {
				return fault.UsageError(i18n.M("verify.ship.gone", path, name), i18n.M("verify.ship.hint"))
			}
			if err != nil {
				return err
			}
			prog.Target, prog.Planned = plannedAs(o.Plan, t.Platform, b.Package)
			if prog.Digest != b.Digest {
				o.findings = append(o.findings, RuleNotAsShipped.On(prog.Name, i18n.M("verify.shipped", prog.Digest, b.Digest)))
			}
			o.Programs = append(o.Programs, prog)
		}
	}
	if doc.Index == nil {
		return nil
	}
	return o.addImages(ctx, dir, opts)
}

func plannedAs(p *plan.Plan, platform, pkg string) (*plan.Target, *plan.Binary) {
	for i := range p.Targets {
		t := &p.Targets[i]
		if t.Platform.String() != platform {
			continue
		}
		if j := slices.IndexFunc(t.Binaries, func(b plan.Binary) bool { return b.Package == pkg }); j >= 0 {
			return t, &t.Binaries[j]
		}
	}
	return nil, nil
}

func readDocument(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read what was shipped: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read what was shipped: %w", err)
	}
	if len(raw) > maxDocument {
		return nil, fault.UsageError(i18n.M("verify.ship.large", name), i18n.M("verify.ship.hint"))
	}
	return raw, nil
}
