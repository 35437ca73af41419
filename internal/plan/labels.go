package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
)

// decideName settles the image's name and tags: the configured name, else the
// only program's, else the module's; the version is the tag.
func decideName(f facts.Facts, c config.Config, names map[string]string, version string) (string, []string, Decision) {
	d := Decision{ID: "name", Why: i18n.M("plan.name.program")}
	name := c.Name
	switch {
	case name != "":
		d.Why, d.Facts = i18n.M("plan.name.asked"), []Fact{asked("name", name)}
	case len(names) == 1:
		for _, n := range names {
			name = n
		}
	default:
		name = programName(f.Module.Path)
		d.Why, d.Facts = i18n.M("plan.name.module"), []Fact{{f.Module.Pos, i18n.M("plan.fact.modulepath", f.Module.Path)}}
	}
	name = repository(name)
	tags := c.Image.Tags
	if len(tags) == 0 {
		tags = []string{imageTag(version)}
	} else {
		d.Facts = append(d.Facts, asked("image.tags", strings.Join(tags, ", ")))
		d.reject(name+":"+imageTag(version), i18n.M("plan.name.no.tags"))
	}
	d.Choice = name + ":" + strings.Join(tags, ", :")
	return name, tags, d
}

// repository brings a name into the grammar of repositories (OCI distribution
// specification, "Pulling manifests"): lower case, with single separators.
func repository(s string) string {
	var parts []string
	for part := range strings.SplitSeq(strings.ToLower(s), "/") {
		var b strings.Builder
		for _, r := range part {
			switch {
			case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				b.WriteRune(r)
			case b.Len() > 0 && !strings.ContainsAny(b.String()[b.Len()-1:], "._-"):
				if r != '.' && r != '_' {
					r = '-'
				}
				b.WriteRune(r)
			}
		}
		if p := strings.TrimRight(b.String(), "._-"); p != "" {
			parts = append(parts, p)
		}
	}
	if parts == nil {
		return "app"
	}
	return strings.Join(parts, "/")
}

// imageTag brings a version into the grammar of tags, which has no plus sign
// and at most 128 characters.
func imageTag(version string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '-'
	}, version)
	if s = strings.TrimLeft(s, ".-"); s == "" {
		return "latest"
	}
	return s[:min(128, len(s))]
}

const ociPrefix = "org.opencontainers.image."

// decideLabels settles labels, which engines show, and annotations, which
// registries read (OCI image specification, annotations.md). Both carry the
// same keys; the user's win.
func decideLabels(p Plan, c config.Config, name string, b Base) (labels, annotations map[string]string, d Decision) {
	labels = map[string]string{}
	for k, v := range map[string]string{
		"created": timestamp(p.Source.Time), "revision": p.Source.Revision, "version": p.Version,
		"source": p.Source.URL, "title": name,
	} {
		if v != "" {
			labels[ociPrefix+k] = v
		}
	}
	annotations = maps.Clone(labels)
	if b.Kind == Reference {
		ref, digest, _ := strings.Cut(b.Ref, "@")
		annotations[ociPrefix+"base.digest"] = digest
		if !strings.HasPrefix(ref, "oci:") { // a directory is no name to anybody else
			annotations[ociPrefix+"base.name"] = ref
		}
	}
	d = Decision{ID: "labels", Why: i18n.M("plan.labels.standard")}
	maps.Copy(labels, c.Image.Labels)
	maps.Copy(annotations, c.Image.Annotations)
	for _, k := range slices.Sorted(maps.Keys(c.Image.Labels)) {
		d.Facts = append(d.Facts, asked("image.labels."+k, c.Image.Labels[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(c.Image.Annotations)) {
		d.Facts = append(d.Facts, asked("image.annotations."+k, c.Image.Annotations[k]))
	}
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		keys = append(keys, strings.TrimPrefix(k, ociPrefix))
	}
	d.Choice = strings.Join(keys, ", ")
	d.reject("licenses", i18n.M("plan.labels.no.licence"))
	return labels, annotations, d
}
