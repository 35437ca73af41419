package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// drawn are the subjects whose pictures docs/experiments.md shows.
var drawn = []string{"caddy-stripped", "nats-server", "hugo"}

// pictures draws where the bytes of some subjects come from, and those of the
// example in this repository, below docs/pictures.
func pictures(ctx context.Context, dir string) error {
	out := filepath.Join("docs", "pictures")
	if _, err := os.Stat(filepath.Join("examples", "orders", "go.mod")); err != nil {
		return errors.New("run it in the directory of this repository")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make the directory of pictures: %w", err)
	}
	bin, remove, err := buildSlipway(ctx)
	if err != nil {
		return err
	}
	defer remove()
	list, err := chosen(drawn)
	if err != nil {
		return err
	}
	files := map[string]string{}
	for _, s := range list {
		// A picture is called after its file, and no version stands in it.
		link := filepath.Join(filepath.Dir(bin), s.name)
		if err := os.Symlink(s.file(dir), link); err != nil {
			return fmt.Errorf("name %s: %w", s.name, err)
		}
		files[s.name] = link
	}
	orders := filepath.Join(filepath.Dir(bin), "orders")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", orders, ".")
	c.Dir = filepath.Join("examples", "orders")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("build orders: %w", err)
	}
	files["orders"] = orders
	for name, file := range files {
		if _, _, err := measure(ctx, bin, "verify", "--treemap", filepath.Join(out, "treemap-"+name+".svg"), file); err != nil {
			return err
		}
	}
	return nil
}
