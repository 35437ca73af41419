package rebuild

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
)

// ImageResult is what making an image again from its plan showed.
type ImageResult struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Reason says why it was not made again.
	Reason i18n.Message `json:"reason,omitzero"`
	Want   string       `json:"want"` // digest of the manifest
	Got    string       `json:"got,omitempty"`
	Layers []LayerDiff  `json:"layers,omitempty"` // those that differ
	Config []Cause      `json:"config,omitempty"` // keys of the configuration that differ
	// Manifest is set when the manifests differ and nothing they point at does.
	Manifest bool `json:"manifest,omitempty"`
}

// LayerDiff is a layer that differs. With equal diffIDs the files are the
// same, and the compressor explains the rest.
type LayerDiff struct {
	Title   string `json:"title"`
	DiffIDA string `json:"diffIDA"`
	DiffIDB string `json:"diffIDB"`
	DigestA string `json:"digestA"` // of the compressed blob
	DigestB string `json:"digestB"`
	// CompressorA made the first, as far as that is recorded.
	CompressorA string `json:"compressorA,omitempty"`
	Compressor  string `json:"compressor,omitempty"` // that made the second
}

// Shipped is what is known of an image beside itself.
type Shipped struct {
	// Compressors names by digest what compressed a layer, as the ship records.
	Compressors map[string]string
	// OtherPrograms says that the programs did not come out the same: then
	// nothing is said about the layer that holds them.
	OtherPrograms bool
}

// layerOfPrograms is how Assemble calls the layer of the programs.
const layerOfPrograms = "programs"

// Image holds an image against the one made again: content of the layers
// first, then how they are compressed, then the configuration, which holds
// their diffIDs, and the manifest, which holds all digests.
func Image(name string, want *image.InspectedImage, wantConfig []byte, made image.Made, known Shipped) (*ImageResult, error) {
	r := &ImageResult{Name: name, Verdict: Identical, Want: want.Manifest.Digest, Got: made.Manifest.Digest}
	if r.Want == r.Got && !known.OtherPrograms {
		return r, nil
	}
	content, same := false, 0
	for i := range max(len(want.Layers), len(made.Layers)) {
		var d LayerDiff
		if i < len(want.Layers) {
			d.DiffIDA, d.DigestA = want.Layers[i].DiffID, want.Layers[i].Digest
			d.CompressorA = known.Compressors[d.DigestA]
		}
		if i < len(made.Layers) {
			l := made.Layers[i]
			d.Title, d.DiffIDB, d.DigestB, d.Compressor = l.Title, l.DiffID, l.Digest, l.Compress
		}
		if known.OtherPrograms && d.Title == layerOfPrograms {
			continue
		}
		if d.DiffIDA == d.DiffIDB {
			same++
		}
		if d.DigestA != d.DigestB {
			content = content || d.DiffIDA != d.DiffIDB
			r.Layers = append(r.Layers, d)
		}
	}
	if want.ImageID != made.Config.Digest {
		var err error
		if r.Config, err = configCauses(wantConfig, made.Raw[made.Config.Digest]); err != nil {
			return nil, err
		}
	}
	r.Manifest = len(r.Layers) == 0 && len(r.Config) == 0 && !known.OtherPrograms
	switch {
	case content || r.Manifest || len(r.Config) > 0:
		r.Verdict = DifferentCode
	case known.OtherPrograms:
		r.Verdict, r.Reason, r.Got = Unknown, i18n.M("rebuild.why.programs", same), ""
	default:
		r.Verdict = SameCode
	}
	return r, nil
}

// configCauses compares two configurations key by key; diffIDs belong to the
// layers.
func configCauses(a, b []byte) ([]Cause, error) {
	var x, y map[string]any
	if err := json.Unmarshal(a, &x); err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		return nil, fmt.Errorf("read the configuration made again: %w", err)
	}
	return keyCauses("", x, y), nil
}

func keyCauses(prefix string, x, y map[string]any) []Cause {
	keys := slices.Collect(maps.Keys(x))
	for k := range y {
		if _, ok := x[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []Cause
	for _, k := range keys {
		p, q := x[k], y[k]
		if prefix == "" && k == "rootfs" || reflect.DeepEqual(p, q) {
			continue
		}
		m, okM := p.(map[string]any)
		n, okN := q.(map[string]any)
		if okM && okN {
			out = append(out, keyCauses(prefix+k+".", m, n)...)
			continue
		}
		out = append(out, Cause{Kind: CauseConfig, Name: prefix + k, A: compact(p), B: compact(q)})
	}
	return out
}

func compact(v any) string {
	if v == nil {
		return "-"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > maxText {
		return string(b[:maxText]) + "…"
	}
	return string(b)
}

// Findings judges an image made again.
func (r *ImageResult) Findings() []finding.Finding {
	var out []finding.Finding
	if r.Verdict == Unknown {
		out = append(out, RuleNotRebuilt.On(r.Name, r.Reason))
	}
	for _, l := range r.Layers {
		switch {
		case l.DiffIDA == l.DiffIDB && l.CompressorA != "":
			out = append(out, RuleCompressor.On(r.Name, i18n.M("rebuild.found.compressors", l.Title, l.DigestA, l.DigestB, l.CompressorA, orNone(l.Compressor))))
			continue
		case l.DiffIDA == l.DiffIDB:
			out = append(out, RuleCompressor.On(r.Name, i18n.M("rebuild.found.compressor", l.Title, l.DigestA, l.DigestB, orNone(l.Compressor))))
			continue
		}
		out = append(out, RuleOtherLayer.On(r.Name, i18n.M("rebuild.found.layer", orNone(l.Title), orNone(l.DiffIDA), orNone(l.DiffIDB))))
	}
	var says []finding.Evidence
	for _, c := range r.Config {
		says = append(says, finding.Evidence{Text: c.Message()})
	}
	if len(says) > 0 {
		out = append(out, RuleOtherConfig.On(r.Name, i18n.M("rebuild.found.config", len(says)), says...))
	}
	if r.Manifest {
		out = append(out, RuleOtherConfig.On(r.Name, i18n.M("rebuild.found.manifest", r.Want, r.Got)))
	}
	return out
}
