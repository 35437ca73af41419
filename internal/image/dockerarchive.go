package image

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// dockerEntry is one image of the manifest.json of a docker archive (moby,
// image/tarexport).
type dockerEntry struct {
	Config   string   `json:"Config"`
	Layers   []string `json:"Layers"`
	RepoTags []string `json:"RepoTags"`
}

// WriteDockerArchive writes the images for docker load, one entry of
// manifest.json each. Gzip layers go in as they are, which every Docker
// unpacks; zstd layers go in as plain tar, since Docker before 23 cannot read
// zstd. The image keeps its configuration, and with it Docker's image ID.
//
// A name can stand for one image only: the first image gets the tags, the
// others the tags with -os-arch[-variant] behind them.
func WriteDockerArchive(ctx context.Context, w io.Writer, made []Made, tags []string) error {
	if err := ensureAll(ctx, made); err != nil {
		return err
	}
	var entries []dockerEntry
	a := newArchive(w)
	written := map[string]bool{}
	for i, m := range made {
		e := dockerEntry{RepoTags: dockerTags(tags, m, i), Layers: []string{}}
		h, err := hexOf(m.Config.Digest)
		if err != nil {
			return err
		}
		e.Config = h + ".json"
		if !written[e.Config] {
			written[e.Config] = true
			a.raw(e.Config, m.Raw[m.Config.Digest])
		}
		for _, l := range m.Layers {
			f, err := dockerLayer(ctx, l)
			if err != nil {
				return err
			}
			e.Layers = append(e.Layers, f.name)
			if !written[f.name] {
				written[f.name] = true
				a.file(f.name, f.size, f.write)
			}
		}
		entries = append(entries, e)
	}
	manifest, err := canonicalJSON(entries)
	if err != nil {
		return err
	}
	a.raw("manifest.json", manifest)
	if err := a.close(); err != nil {
		return fmt.Errorf("write docker archive: %w", err)
	}
	return nil
}

func dockerTags(tags []string, m Made, i int) []string {
	out := []string{}
	for _, t := range tags {
		if i > 0 {
			t += "-" + strings.ReplaceAll(m.Platform.String(), "/", "-")
		}
		out = append(out, t)
	}
	return out
}

type dockerFile struct {
	name  string
	size  int64
	write func(io.Writer) error
}

func dockerLayer(ctx context.Context, l Layer) (dockerFile, error) {
	h, err := hexOf(l.Digest)
	if err != nil {
		return dockerFile{}, err
	}
	if !strings.HasSuffix(l.MediaType, "zstd") {
		name := h + ".tar"
		if strings.HasSuffix(l.MediaType, "gzip") {
			name += ".gz"
		}
		return dockerFile{name, l.Size, func(w io.Writer) error { return l.copyTo(ctx, w) }}, nil
	}
	size := l.RawSize
	if size == 0 { // a layer of a reference base
		if size, err = copyTar(ctx, io.Discard, l); err != nil {
			return dockerFile{}, err
		}
	}
	return dockerFile{h + ".tar", size, func(w io.Writer) error {
		_, err := copyTar(ctx, w, l)
		return err
	}}, nil
}
