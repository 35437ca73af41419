package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// document is what is read of the result of `slipway verify --size --json`.
type document struct {
	Programs []struct {
		Platform string `json:"platform"`
		File     struct {
			Size    int64    `json:"size"`
			Interp  string   `json:"interp"`
			Needed  []string `json:"needed"`
			Symbols bool     `json:"symbols"`
			DWARF   bool     `json:"dwarf"`
			Go      struct {
				GoVersion string
				Main      struct{ Path, Version string }
			} `json:"go"`
		} `json:"file"`
		Sizes struct {
			Size    int64 `json:"size"`
			Modules []struct {
				Name   string `json:"name"`
				Origin string `json:"origin"`
				Size   int64  `json:"size"`
			} `json:"modules"`
		} `json:"sizes"`
	} `json:"programs"`
	Findings []struct {
		ID       string `json:"id"`
		Advisory bool   `json:"advisory"`
		Message  struct {
			Text string `json:"text"`
		} `json:"message"`
	} `json:"findings"`
}

// opened runs `slipway verify --size --json` on a program once.
func opened(ctx context.Context, slipway, file string) (*document, sample, error) {
	out, s, err := measure(ctx, slipway, "verify", "--size", "--json", file)
	if err != nil {
		return nil, s, err
	}
	var d document
	if err := json.Unmarshal(out, &d); err != nil {
		return nil, s, fmt.Errorf("read what verify says of %s: %w", file, err)
	}
	if len(d.Programs) != 1 {
		return nil, s, fmt.Errorf("verify sees %d programs in %s", len(d.Programs), file)
	}
	return &d, s, nil
}

// openAll writes a table of what verify says of every subject that is there.
func openAll(ctx context.Context, dir string, only []string, rounds int) error {
	list, err := chosen(only)
	if err != nil {
		return err
	}
	bin, remove, err := buildSlipway(ctx)
	if err != nil {
		return err
	}
	defer remove()
	fmt.Print("| program | version | platform | Go | linkage | MB | from | unknown | findings | CPU ms | peak MB |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	missing := 0
	for _, s := range list {
		if _, err := os.Stat(s.file(dir)); errors.Is(err, os.ErrNotExist) {
			missing++
			fmt.Fprintf(os.Stderr, "%s is not there; run fetch\n", s.name)
			continue
		}
		var samples []sample
		var d *document
		for range rounds {
			got, one, err := opened(ctx, bin, s.file(dir))
			if err != nil {
				return err
			}
			d, samples = got, append(samples, one)
		}
		p := d.Programs[0]
		fmt.Printf("| %s | %s | %s | %s | %s | %.1f | %s | %s | %s | %.0f | %.0f |\n", s.name, shortVersion(s.version), p.Platform,
			strings.TrimPrefix(p.File.Go.GoVersion, "go"), linkage(d), mb(p.File.Size), biggest(d), unknown(d), findings(d),
			median(samples, func(s sample) float64 { return s.cpu.Seconds() * 1000 }),
			median(samples, func(s sample) float64 { return mb(s.peak) }))
	}
	if missing == len(list) {
		return errors.New("no program is there")
	}
	return nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// shortVersion leaves the time and the commit of a version without a tag out.
func shortVersion(v string) string {
	if parts := strings.Split(v, "-"); len(parts) > 2 && len(parts[len(parts)-1]) == 12 {
		return parts[len(parts)-1]
	}
	return v
}

func linkage(d *document) string {
	f := d.Programs[0].File
	says := "static"
	if f.Interp != "" || len(f.Needed) > 0 {
		says = "dynamic"
		if len(f.Needed) > 0 {
			says = strings.Join(shortened(f.Needed), " ")
		}
	}
	if !f.Symbols && !f.DWARF {
		says += ", stripped"
	}
	return says
}

func shortened(libs []string) []string {
	var out []string
	for _, l := range libs {
		l = filepath.Base(l)
		if len(out) == 2 {
			return append(out, "…")
		}
		out = append(out, l)
	}
	return out
}

// biggest are the three modules with the most bytes, the standard library and
// what is no module left out.
func biggest(d *document) string {
	s := d.Programs[0].Sizes
	var out []string
	for _, m := range s.Modules {
		if m.Origin != "main" && m.Origin != "dependency" || len(out) == 3 {
			continue
		}
		out = append(out, fmt.Sprintf("%s %.1f %%", lastOf(m.Name), 100*float64(m.Size)/float64(s.Size)))
	}
	return strings.Join(out, ", ")
}

// lastOf is the last element of a module path that is no major version.
func lastOf(path string) string {
	parts := strings.Split(path, "/")
	for _, p := range slices.Backward(parts) {
		if len(p) < 2 || p[0] != 'v' || strings.Trim(p[1:], "0123456789") != "" {
			return p
		}
	}
	return path
}

func unknown(d *document) string {
	s := d.Programs[0].Sizes
	for _, m := range s.Modules {
		if m.Origin == "unknown" && m.Name == "" {
			return fmt.Sprintf("%.1f %%", 100*float64(m.Size)/float64(s.Size))
		}
	}
	return "0.0 %"
}

func findings(d *document) string {
	var out []string
	for _, f := range d.Findings {
		id := f.ID
		if f.Advisory {
			id += " (advice)"
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// buildSlipway builds the program into a directory of its own.
func buildSlipway(ctx context.Context) (name string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "slipway-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("make a work directory: %w", err)
	}
	name = filepath.Join(dir, "slipway")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", name, "./cmd/slipway")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("build slipway: %w", err)
	}
	return name, func() { os.RemoveAll(dir) }, nil
}
