package config

import (
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/slipway-build/slipway/internal/i18n"
)

// kind is the shape of a key's value.
type kind int

const (
	section kind = iota // more keys
	text
	number
	list  // of texts
	table // text to text
	items // list of sections
)

// key is one key of slipway.yaml, read off the struct.
type key struct {
	path  string // dotted: image.user
	kind  kind
	index []int // field of Config; of the item for a key below items
	item  bool  // a key of each item of a list, such as image.files.from
	rule  rule
}

const envPrefix = "SLIPWAY_"

// env is the variable that sets k; "" for what only the file can express.
func (k key) env() string {
	if k.item || k.kind == section || k.kind == items {
		return ""
	}
	var b strings.Builder
	b.WriteString(envPrefix)
	for _, r := range k.path {
		switch {
		case r == '.':
			b.WriteByte('_')
		case unicode.IsUpper(r):
			b.WriteByte('_')
			b.WriteRune(r)
		default:
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// description says what k is for. Its ID is derived, so the test of this
// package, not the one of i18n, holds it against the catalogues.
func (k key) description() i18n.Message { return i18n.Message{ID: "config.key." + k.path} }

// leaf reports whether k has a value of its own in Config.
func (k key) leaf() bool { return k.kind != section && !k.item }

func (k key) in(v reflect.Value) reflect.Value { return v.FieldByIndex(k.index) }

// name is the last part of the path.
func (k key) name() string { return k.path[strings.LastIndexByte(k.path, '.')+1:] }

// parent is the path of the section k stands in; "" at the top.
func (k key) parent() string {
	i := strings.LastIndexByte(k.path, '.')
	if i < 0 {
		return ""
	}
	return k.path[:i]
}

// keys gives every key in the order of the struct, sections before their keys.
var keys = sync.OnceValue(func() []key {
	return walk(reflect.TypeFor[Config](), "", nil, false, rules())
})

func walk(t reflect.Type, prefix string, index []int, item bool, rs map[string]rule) []key {
	var ks []key
	for f := range t.Fields() {
		k := key{path: prefix + f.Tag.Get("yaml"), item: item}
		k.index = append(append(k.index, index...), f.Index...)
		k.rule = rs[k.path]
		var below []key
		switch f.Type.Kind() {
		case reflect.Struct:
			below = walk(f.Type, k.path+".", k.index, item, rs)
		case reflect.String:
			k.kind = text
		case reflect.Int:
			k.kind = number
		case reflect.Map:
			k.kind = table
		case reflect.Slice:
			k.kind = list
			if e := f.Type.Elem(); e.Kind() == reflect.Struct {
				k.kind = items
				below = walk(e, k.path+".", nil, true, rs)
			}
		}
		ks = append(append(ks, k), below...)
	}
	return ks
}

// children gives the keys directly below a section; "" is the top.
func children(parent string) []key {
	var ks []key
	for _, k := range keys() {
		if k.parent() == parent {
			ks = append(ks, k)
		}
	}
	return ks
}

func lookup(path string) (key, bool) {
	for _, k := range keys() {
		if k.path == path {
			return k, true
		}
	}
	return key{}, false
}

// Describe says what a dotted key is for.
func Describe(path string) i18n.Message { return key{path: path}.description() }

// Choices gives all values a dotted key can have; nil if they cannot be listed.
func Choices(path string) []string {
	if r := rules()[path]; r.pattern == "" {
		return r.enum
	}
	return nil
}
