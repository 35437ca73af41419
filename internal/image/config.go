package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/plan"
)

// configFile is the image configuration (OCI image specification, config.md)
// with the fields Docker adds to it. What is not named here is dropped from
// the configuration of a reference base: it describes how that base was
// built, not how it runs.
type configFile struct {
	Architecture string          `json:"architecture"`
	Author       string          `json:"author,omitempty"`
	Config       containerConfig `json:"config"`
	Created      *time.Time      `json:"created,omitempty"`
	History      []historyEntry  `json:"history,omitempty"`
	OS           string          `json:"os"`
	OSFeatures   []string        `json:"os.features,omitempty"`
	OSVersion    string          `json:"os.version,omitempty"`
	RootFS       rootFS          `json:"rootfs"`
	Variant      string          `json:"variant,omitempty"`
}

// containerConfig is how a container of the image runs.
type containerConfig struct {
	ArgsEscaped  bool                `json:"ArgsEscaped,omitempty"` // Windows bases
	Cmd          []string            `json:"Cmd,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Healthcheck  *healthConfig       `json:"Healthcheck,omitempty"` // Docker
	Labels       map[string]string   `json:"Labels,omitempty"`
	OnBuild      []string            `json:"OnBuild,omitempty"` // Docker
	Shell        []string            `json:"Shell,omitempty"`   // Docker
	StopSignal   string              `json:"StopSignal,omitempty"`
	User         string              `json:"User,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
}

// healthConfig is Docker's health check; durations are in nanoseconds.
type healthConfig struct {
	Interval      int64    `json:"Interval,omitempty"`
	Retries       int      `json:"Retries,omitempty"`
	StartInterval int64    `json:"StartInterval,omitempty"`
	StartPeriod   int64    `json:"StartPeriod,omitempty"`
	Test          []string `json:"Test,omitempty"` // CMD and arguments, CMD-SHELL and a line, or NONE
	Timeout       int64    `json:"Timeout,omitempty"`
}

// rootFS names the layers by the digest of their uncompressed tar.
type rootFS struct {
	DiffIDs []string `json:"diff_ids"`
	Type    string   `json:"type"` // layers
}

type historyEntry struct {
	Author     string     `json:"author,omitempty"`
	Comment    string     `json:"comment,omitempty"`
	Created    *time.Time `json:"created,omitempty"`
	CreatedBy  string     `json:"created_by,omitempty"`
	EmptyLayer bool       `json:"empty_layer,omitempty"`
}

// configure lays the plan and our layers over the configuration of the base,
// which is zero for anything but a reference base with baseLayers layers.
func configure(base configFile, baseLayers int, img *plan.Image, p plan.Platform, ours []Layer) configFile {
	c := base
	created := time.Unix(img.Created, 0).UTC()
	c.Created = &created
	c.Architecture, c.OS, c.Variant = p.Arch, p.OS, p.Variant
	c.Author = ""
	c.RootFS = rootFS{Type: "layers", DiffIDs: slices.Clone(base.RootFS.DiffIDs)}
	c.History = padHistory(base.History, baseLayers)
	for _, l := range ours {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.DiffID)
		c.History = append(c.History, historyEntry{Created: &created, CreatedBy: "slipway " + l.Title})
	}

	r := &c.Config
	if img.User != "" {
		r.User = img.User
	}
	if img.Workdir != "" {
		r.WorkingDir = img.Workdir
	}
	if len(img.Entrypoint) > 0 {
		// The arguments of the base belong to the entry point of the base.
		r.Entrypoint, r.Cmd = img.Entrypoint, nil
	}
	if len(img.Cmd) > 0 {
		r.Cmd = img.Cmd
	}
	r.Env = mergeEnv(r.Env, img.Env)
	if len(img.Ports) > 0 {
		ports := maps.Clone(r.ExposedPorts)
		if ports == nil {
			ports = map[string]struct{}{}
		}
		for _, port := range img.Ports {
			ports[port] = struct{}{}
		}
		r.ExposedPorts = ports
	}
	if len(img.Labels) > 0 {
		labels := maps.Clone(r.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		maps.Copy(labels, img.Labels)
		r.Labels = labels
	}
	if img.StopSignal != "" {
		r.StopSignal = img.StopSignal
	}
	if h := img.Healthcheck; h != nil {
		r.Healthcheck = &healthConfig{
			Test:        append([]string{"CMD"}, h.Cmd...),
			Interval:    h.Interval,
			Timeout:     h.Timeout,
			StartPeriod: h.StartPeriod,
			Retries:     h.Retries,
		}
	}
	return c
}

// padHistory gives a history in which every layer of the base has a line, so
// that readers who walk both lists in step do not take our lines for those of
// the base. A base without a history is allowed by the specification.
func padHistory(history []historyEntry, layers int) []historyEntry {
	out := slices.Clone(history)
	have := 0
	for _, h := range history {
		if !h.EmptyLayer {
			have++
		}
	}
	for ; have < layers; have++ {
		out = append(out, historyEntry{CreatedBy: "base"})
	}
	return out
}

// mergeEnv replaces what has the same name in place and appends the rest.
func mergeEnv(base, over []string) []string {
	out := slices.Clone(base)
	for _, kv := range over {
		name, _, _ := strings.Cut(kv, "=")
		i := slices.IndexFunc(out, func(have string) bool { return strings.HasPrefix(have, name+"=") })
		if i >= 0 {
			out[i] = kv
		} else {
			out = append(out, kv)
		}
	}
	return out
}

// canonicalJSON encodes v as compact JSON with sorted keys, so that the order of
// fields in a Go type is never part of a digest.
func canonicalJSON(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(tree); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
