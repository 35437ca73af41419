package facts

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxReleases bounds the builds of one configuration.
const maxReleases = 200

// templateText is a Go template, which both tools allow in most values.
var templateText = regexp.MustCompile(`\{\{.*?\}\}`)

// readGoreleaser reads the builds of a goreleaser configuration
// (goreleaser.com/customization/builds/go). One without builds has the one
// that goreleaser assumes.
func readGoreleaser(name string, src []byte) ([]Release, error) {
	f, err := parseYAML(name, src)
	if err != nil {
		return nil, err
	}
	if f.root == nil || f.root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("not a mapping")
	}
	shared := f.assignments(get(f.root, "env"))
	var out []Release
	builds := items(get(f.root, "builds"))
	for i, n := range builds {
		if n = deref(n); i == maxReleases || n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		builder, tool := f.line(get(n, "builder")).Value, f.line(get(n, "tool")).Value
		if f.line(get(n, "skip")).Value == "true" || builder != "" && builder != "go" || tool != "" && tool != "go" {
			continue // not a build, or not by the go command
		}
		r := f.release("goreleaser", n, shared)
		r.GOOS, r.GOARCH = f.scalars(get(n, "goos")), f.scalars(get(n, "goarch"))
		for _, l := range f.scalars(get(n, "targets")) { // linux_amd64_v1
			system, _, _ := strings.Cut(l.Value, "_")
			r.GOOS = append(r.GOOS, Line{system, l.Pos})
		}
		out = append(out, r)
	}
	if len(builds) == 0 && !slices.ContainsFunc([]string{"partial", "includes"}, func(k string) bool { return get(f.root, k) != nil }) {
		out = append(out, Release{Path: name, Tool: "goreleaser", Pos: f.pos(f.root), Env: shared})
	}
	f.releaseImages(out)
	return out, nil
}

// readKo reads a ko configuration (ko.build/configuration). ko builds without
// cgo unless it is told otherwise.
func readKo(name string, src []byte) ([]Release, error) {
	f, err := parseYAML(name, src)
	if err != nil {
		return nil, err
	}
	if f.root == nil || f.root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("not a mapping")
	}
	shared := f.assignments(get(f.root, "defaultEnv"))
	base := f.line(get(f.root, "defaultBaseImage"))
	ref := imageRef(base.Value, base.Value, base.Pos)
	flags, ldflags := f.scalars(get(f.root, "defaultFlags")), f.scalars(get(f.root, "defaultLdflags"))
	var out []Release
	for i, n := range items(get(f.root, "builds")) {
		if n = deref(n); i == maxReleases || n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		r := f.release("ko", n, shared)
		r.Base = ref
		if r.Flags == nil {
			r.Flags = flags
		}
		if r.Ldflags == nil {
			r.Ldflags = ldflags
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		out = append(out, Release{Path: name, Tool: "ko", Pos: f.pos(f.root), Base: ref, Env: shared, Flags: flags, Ldflags: ldflags})
	}
	return out, nil
}

// release reads what the builds of both tools have in common.
func (f yamlFile) release(tool string, n *yaml.Node, shared map[string]Line) Release {
	r := Release{
		Path: f.name, Tool: tool, ID: f.line(get(n, "id")), Pos: f.pos(n),
		Main: f.line(get(n, "main")), Dir: f.line(get(n, "dir")), Binary: f.line(get(n, "binary")),
		Flags: f.scalars(get(n, "flags")), Tags: f.scalars(get(n, "tags")), Ldflags: f.scalars(get(n, "ldflags")),
		Env: f.assignments(get(n, "env")),
	}
	for k, v := range shared {
		if r.Env == nil {
			r.Env = map[string]Line{}
		}
		if _, ok := r.Env[k]; !ok {
			r.Env[k] = v
		}
	}
	return r
}

// assignments reads a list of NAME=value.
func (f yamlFile) assignments(n *yaml.Node) map[string]Line {
	var out map[string]Line
	for _, l := range f.scalars(n) {
		name, value, ok := strings.Cut(l.Value, "=")
		if !ok || strings.Contains(name, "{{") {
			continue
		}
		if out == nil {
			out = map[string]Line{}
		}
		out[name] = Line{value, l.Pos}
	}
	return out
}

// releaseImages gives each build the images that take its binary.
func (f yamlFile) releaseImages(builds []Release) {
	for _, key := range []string{"dockers", "dockers_v2"} {
		for i, n := range items(get(f.root, key)) {
			if i == maxReleases {
				break
			}
			im := ReleaseImage{Dockerfile: f.line(get(n, "dockerfile")), Names: f.scalars(get(n, "image_templates"))}
			im.Names = append(im.Names, f.scalars(get(n, "images"))...)
			ids := f.scalars(get(n, "ids"))
			for k := range builds {
				if len(ids) == 0 && len(builds) == 1 || slices.ContainsFunc(ids, func(l Line) bool { return l.Value == builds[k].ID.Value }) {
					builds[k].Images = append(builds[k].Images, im)
				}
			}
		}
	}
}

// releaseBuilds gives the go build that a tool runs for the release.
func (r *Repo) releaseBuilds(rel *Release) []Build {
	if rel.Tool == "ko" && rel.Main.Value == "" && rel.Dir.Value == "" && rel.ID.Value == "" {
		return nil // ko builds what it is asked to
	}
	known := func(s string) string { return templateText.ReplaceAllString(s, NotLiteral) }
	words := []string{"go", "build"}
	for _, l := range rel.Flags {
		words = append(words, known(l.Value))
	}
	if len(rel.Tags) > 0 {
		var tags []string
		for _, l := range rel.Tags {
			tags = append(tags, known(l.Value))
		}
		words = append(words, "-tags="+strings.Join(tags, ","))
	}
	if len(rel.Ldflags) > 0 {
		var flags []string
		for _, l := range rel.Ldflags {
			flags = append(flags, known(l.Value))
		}
		words = append(words, "-ldflags="+strings.Join(flags, " "))
	}
	env := map[string]string{}
	for k, l := range rel.Env {
		env[k] = known(l.Value)
		if strings.Contains(l.Value, "$") {
			env[k] = NotLiteral
		}
	}
	if _, ok := env["CGO_ENABLED"]; !ok && rel.Tool == "ko" {
		env["CGO_ENABLED"] = "0"
	}
	if pkg := known(rel.Main.Value); pkg != "" {
		host, _, _ := strings.Cut(pkg, "/")
		if !path.IsAbs(pkg) && Literal(pkg) && (strings.HasSuffix(host, ".go") || !strings.Contains(host, ".")) {
			pkg = "./" + pkg // both tools take it for a path
		}
		words = append(words, pkg)
	}
	dir := path.Clean(rel.Dir.Value)
	g, ok := goCommandOf(Command{Pos: rel.Pos, Env: env, Dir: dir, Words: words})
	if !ok {
		return nil
	}
	b := Build{Go: g, Release: rel, Where: fmt.Sprintf("%s %s", rel.Tool, rel.Path)}
	if rel.ID.Value != "" {
		b.Where += " build " + rel.ID.Value
	}
	at := "." // goreleaser runs at the top
	if rel.Tool == "ko" {
		at = path.Dir(rel.Path)
	}
	r.settle(&b, path.Join(at, dir), Literal(known(rel.Dir.Value)) && (rel.Tool == "ko" || path.Dir(rel.Path) == "."))
	if b.GOOS == "" && len(rel.GOOS) > 0 && !slices.ContainsFunc(rel.GOOS, func(l Line) bool { return l.Value == "linux" }) {
		b.GOOS = known(rel.GOOS[0].Value)
	}
	if l, ok := rel.Env["CGO_ENABLED"]; ok {
		b.CgoWhy = l.Pos
	}
	return []Build{b}
}
