package config

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// decoder lays a YAML tree over the struct. It walks the nodes itself
// because the library's own decoding knows lines, not columns, and turns
// 1.20 into 1.2 on its way.
type decoder struct {
	file    string
	origins map[string]Origin
	places  map[string]map[string]fault.Pos
}

func (d decoder) pos(n *yaml.Node) fault.Pos {
	return fault.Pos{File: d.file, Line: n.Line, Column: n.Column}
}

func (d decoder) fail(n *yaml.Node, msg, hint i18n.Message) error {
	return d.at(n, fault.UsageError(msg, hint))
}

// at gives err its place; a nil *fault.Error becomes a nil error.
func (d decoder) at(n *yaml.Node, err *fault.Error) error {
	if err == nil {
		return nil
	}
	err.Pos = d.pos(n)
	return err
}

// isNull: a key without a value is as good as no key.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// pairs checks what all mappings have in common and calls f for each pair.
func (d decoder) pairs(n *yaml.Node, label string, f func(k, v *yaml.Node) error) error {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if err := d.noAlias(k, v); err != nil {
			return err
		}
		if k.Kind != yaml.ScalarNode || isNull(k) {
			return d.fail(k, i18n.M("config.yaml.key"), i18n.Message{})
		}
		if line, ok := seen[k.Value]; ok {
			return d.fail(k, i18n.M("config.name.twice", label, quote(k.Value)), i18n.M("config.yaml.first", line))
		}
		seen[k.Value] = k.Line
		if err := f(k, v); err != nil {
			return err
		}
	}
	return nil
}

// noAlias refuses aliases and merge keys: this file is small, and a value
// that stands elsewhere has no position of its own.
func (d decoder) noAlias(nodes ...*yaml.Node) error {
	for _, n := range nodes {
		if n.Kind == yaml.AliasNode || n.ShortTag() == "!!merge" {
			return d.fail(n, i18n.M("config.yaml.alias"), i18n.M("config.yaml.noAlias"))
		}
	}
	return nil
}

// section decodes a mapping whose keys are those below parent. root is what
// the indexes of the keys start from: a Config, or one item of a list.
func (d decoder) section(n *yaml.Node, root reflect.Value, parent string) error {
	if err := d.noAlias(n); err != nil {
		return err
	}
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		if parent == "" {
			return d.fail(n, i18n.M("config.type.top"), i18n.M("config.keys", names(children(""))))
		}
		return d.fail(n, i18n.M("config.type.section", parent), i18n.M("config.keys", names(children(parent))))
	}
	known := children(parent)
	return d.pairs(n, cmp.Or(parent, FileName), func(kn, vn *yaml.Node) error {
		i := slices.IndexFunc(known, func(k key) bool { return k.name() == kn.Value })
		if i < 0 {
			path := strings.TrimPrefix(parent+"."+kn.Value, ".")
			return d.fail(kn, i18n.M("config.unknownKey", short(path)), suggest(kn.Value, known))
		}
		k := known[i]
		if k.leaf() {
			d.origins[k.path] = Origin{Kind: FromFile, Pos: d.pos(kn)}
		}
		return d.value(vn, k, root)
	})
}

// value decodes the value of k into its field.
func (d decoder) value(n *yaml.Node, k key, root reflect.Value) error {
	if isNull(n) {
		return nil
	}
	v := k.in(root)
	switch k.kind {
	case section:
		return d.section(n, root, k.path)
	case text:
		s, err := d.text(n, k)
		v.SetString(s)
		return err
	case number:
		i, err := strconv.ParseUint(n.Value, 10, 31)
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil {
			return d.fail(n, i18n.M("config.type.number", k.path), i18n.M("config.form.number"))
		}
		v.SetInt(int64(i))
	case list:
		return d.list(n, k, v)
	case table:
		return d.table(n, k, v)
	case items:
		return d.items(n, k, v)
	}
	return nil
}

// text gives the text of a scalar as it is written, so that 1.20 and 0644
// stay what they are, and holds it against the rule of k.
func (d decoder) text(n *yaml.Node, k key) (string, error) {
	if err := d.noAlias(n); err != nil {
		return "", err
	}
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
	default:
		return "", d.fail(n, i18n.M("config.type.text", k.path), k.hint())
	}
	if n.Kind != yaml.ScalarNode {
		return "", d.fail(n, i18n.M("config.type.text", k.path), k.hint())
	}
	if n.Value == "" {
		return "", nil
	}
	return n.Value, d.at(n, k.checkText(k.path, n.Value))
}

// hint says what k takes.
func (k key) hint() i18n.Message {
	if k.rule.form.IsZero() && k.rule.enum != nil {
		return i18n.M("config.oneOf", strings.Join(k.rule.enum, ", "))
	}
	return k.rule.form
}

func (d decoder) list(n *yaml.Node, k key, v reflect.Value) error {
	if n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq" {
		hint := i18n.M("config.form.yamlList")
		if n.Kind == yaml.ScalarNode {
			hint = i18n.M("config.form.yamlListOf", k.name(), short(n.Value))
		}
		return d.fail(n, i18n.M("config.type.list", k.path), hint)
	}
	out := make([]string, 0, len(n.Content))
	for _, c := range n.Content {
		s, err := d.text(c, k)
		if err != nil {
			return err
		}
		if s == "" && k.rule.pattern != "" {
			return d.fail(c, i18n.M("config.value.empty", k.path), k.hint())
		}
		out = append(out, s)
	}
	v.Set(reflect.ValueOf(out))
	return nil
}

func (d decoder) table(n *yaml.Node, k key, v reflect.Value) error {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		return d.fail(n, i18n.M("config.type.table", k.path), k.hint())
	}
	out := make(map[string]string, len(n.Content)/2)
	places := make(map[string]fault.Pos, len(n.Content)/2)
	d.places[k.path] = places
	err := d.pairs(n, k.path, func(kn, vn *yaml.Node) error {
		if err := d.at(kn, k.checkName(k.path, kn.Value)); err != nil {
			return err
		}
		if isNull(vn) {
			return d.fail(vn, i18n.M("config.value.missing", k.path, short(kn.Value)), i18n.M("config.form.empty", short(kn.Value)))
		}
		s, err := d.text(vn, k)
		if err != nil {
			return err
		}
		if s == "" && k.rule.pattern != "" {
			return d.fail(vn, i18n.M("config.value.empty", k.path+"."+short(kn.Value)), k.hint())
		}
		out[kn.Value] = s
		places[kn.Value] = d.pos(kn)
		return nil
	})
	v.Set(reflect.ValueOf(out))
	return err
}

func (d decoder) items(n *yaml.Node, k key, v reflect.Value) error {
	if n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq" {
		return d.fail(n, i18n.M("config.type.list", k.path), i18n.M("config.form.yamlItems"))
	}
	for _, c := range n.Content {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := d.section(c, item, k.path); err != nil {
			return err
		}
		for _, f := range children(k.path) {
			if f.rule.required && f.in(item).String() == "" {
				return d.fail(c, i18n.M("config.value.missing", k.path, f.name()), f.hint())
			}
			f.setDefault(item)
		}
		v.Set(reflect.Append(v, item))
	}
	return nil
}

// suggest says which key was probably meant: one of the same section, or the
// same name somewhere else.
func suggest(name string, known []key) i18n.Message {
	var here []string
	for _, k := range known {
		here = append(here, k.name())
	}
	if near := Nearest(name, here); near != "" {
		return i18n.M("config.near", near)
	}
	paths, leaves := leafNames()
	if near := Nearest(name, leaves); near != "" {
		return i18n.M("config.near", paths[slices.Index(leaves, near)])
	}
	return i18n.M("config.keys", strings.Join(here, ", "))
}

// suggestPath does the same for a dotted key.
func suggestPath(path string) i18n.Message {
	paths, leaves := leafNames()
	if near := Nearest(path, paths); near != "" {
		return i18n.M("config.near", near)
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	if near := Nearest(name, leaves); near != "" {
		return i18n.M("config.near", paths[slices.Index(leaves, near)])
	}
	return i18n.M("config.env.list")
}

// leafNames gives the keys with a value of their own, dotted and alone.
func leafNames() (paths, leaves []string) {
	for _, k := range keys() {
		if k.leaf() {
			paths, leaves = append(paths, k.path), append(leaves, k.name())
		}
	}
	return paths, leaves
}

func names(ks []key) string {
	var s []string
	for _, k := range ks {
		s = append(s, k.name())
	}
	return strings.Join(s, ", ")
}
