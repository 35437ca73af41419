package config

import (
	"cmp"
	"encoding/csv"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Input is everything Load looks at.
type Input struct {
	Dir  string // directory of the project, where FileName is looked for
	File string // another file, which then must exist; "": FileName in Dir
	// Base is what positions name the file relative to when it lies below;
	// "": they name it as it was opened.
	Base string
	Env  []string // NAME=value, as from os.Environ; an empty value counts as not set
	// KnownEnv lists further variables that begin with SLIPWAY_, such as
	// SLIPWAY_LANG. Any other that names no key is an error.
	KnownEnv []string
	// Flags holds the flags that were given, by dotted key. A list is what
	// JoinList gives; a table is such a list of name=value.
	Flags map[string]string
	// FlagNames gives the flag of a dotted key as the user knows it, such as
	// --target for targets; a key without an entry is --set <key>.
	FlagNames map[string]string
}

// OriginKind is where a value comes from.
type OriginKind string

// The origins, strongest first.
const (
	FromFlag    OriginKind = "flag"
	FromEnv     OriginKind = "env"
	FromFile    OriginKind = "file"
	FromDefault OriginKind = "default"
)

// Origin says where the value of a key comes from.
type Origin struct {
	Kind OriginKind `json:"kind"`
	Name string     `json:"name,omitempty"` // the flag or variable
	Pos  fault.Pos  `json:"pos,omitzero"`   // of the key in the file
}

// Message puts o into words.
func (o Origin) Message() i18n.Message {
	switch o.Kind {
	case FromFlag:
		return i18n.M("config.origin.flag", o.Name)
	case FromEnv:
		return i18n.M("config.origin.env", o.Name)
	case FromFile:
		return i18n.M("config.origin.file", o.Pos)
	}
	return i18n.M("config.origin.default")
}

// Settings is the configuration of one run.
type Settings struct {
	Config  Config
	Origins map[string]Origin // by dotted key; every key that has a value of its own is there
	// Places says where the file states each name of a table, by dotted key and
	// name. What a variable or a flag states is not there.
	Places map[string]map[string]fault.Pos
}

// Load reads the file and lays the environment and then the flags over it. A
// stronger source replaces the whole value of a key, lists and tables too. An
// empty value is the default. Every mistake is a *fault.Error with exit code
// 2 that says where it stands.
func Load(in Input) (Settings, error) {
	s := Settings{Origins: map[string]Origin{}}
	for _, k := range keys() {
		if k.leaf() {
			s.Origins[k.path] = Origin{Kind: FromDefault}
		}
	}
	for _, step := range []func(Input) error{s.readFile, s.readEnv, s.readFlags} {
		if err := step(in); err != nil {
			return Settings{}, err
		}
	}
	s.applyDefaults()
	if err := s.conflicts(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

func (s *Settings) readEnv(in Input) error {
	var names []string // without the prefix, which would make all of them near
	for _, n := range in.KnownEnv {
		names = append(names, strings.TrimPrefix(n, envPrefix))
	}
	byName := map[string]key{}
	for _, k := range keys() {
		if n := k.env(); n != "" {
			byName[n] = k
			names = append(names, strings.TrimPrefix(n, envPrefix))
		}
	}
	for _, kv := range in.Env {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || slices.Contains(in.KnownEnv, name) {
			continue
		}
		k, ok := byName[name]
		if !ok {
			hint := i18n.M("config.env.list")
			if near := Nearest(strings.TrimPrefix(name, envPrefix), names); near != "" {
				hint = i18n.M("config.near", envPrefix+near)
			}
			return fault.UsageError(i18n.M("config.env.unknown", name), hint)
		}
		if err := s.setText(k, name, value, Origin{Kind: FromEnv, Name: name}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Settings) readFlags(in Input) error {
	for _, path := range slices.Sorted(maps.Keys(in.Flags)) {
		name := cmp.Or(in.FlagNames[path], "--set "+path)
		k, ok := lookup(path)
		if !ok {
			return fault.UsageError(i18n.M("config.unknownKey", short(path)), suggestPath(path))
		}
		if k.env() == "" {
			return fault.UsageError(i18n.M("config.flag.unknown", name), i18n.M("config.env.list"))
		}
		if err := s.setText(k, name, in.Flags[path], Origin{Kind: FromFlag, Name: name}); err != nil {
			return err
		}
	}
	return nil
}

// setText sets k from the one-line form that flags and variables have.
func (s *Settings) setText(k key, label, value string, o Origin) error {
	v := reflect.New(k.in(reflect.ValueOf(&s.Config).Elem()).Type()).Elem()
	if value != "" {
		if err := k.parse(v, label, value); err != nil {
			return err
		}
	}
	k.in(reflect.ValueOf(&s.Config).Elem()).Set(v)
	s.Origins[k.path] = o
	delete(s.Places, k.path)
	return nil
}

func (k key) parse(v reflect.Value, label, value string) error {
	switch k.kind {
	case text:
		if err := k.checkText(label, value); err != nil {
			return err
		}
		v.SetString(value)
	case number:
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fault.UsageError(i18n.M("config.value.bad", label, quote(value)), i18n.M("config.form.number"))
		}
		v.SetInt(int64(n))
	case list, table:
		parts, ok := SplitList(value)
		if !ok {
			return fault.UsageError(i18n.M("config.value.bad", label, quote(value)), i18n.M("config.form.list"))
		}
		if k.kind == list {
			for _, p := range parts {
				if err := k.checkText(label, p); err != nil {
					return err
				}
			}
			v.Set(reflect.ValueOf(parts))
			return nil
		}
		m := map[string]string{}
		for _, p := range parts {
			name, val, ok := strings.Cut(p, "=")
			if !ok {
				return fault.UsageError(i18n.M("config.value.bad", label, quote(p)), i18n.M("config.form.pair"))
			}
			if _, twice := m[name]; twice {
				return fault.UsageError(i18n.M("config.name.twice", label, quote(name)), i18n.Message{})
			}
			if err := k.checkPair(label, name, val); err != nil {
				return err
			}
			m[name] = val
		}
		v.Set(reflect.ValueOf(m))
	}
	return nil
}

// checkPair gives a plain nil error where the typed checks give a nil pointer.
func (k key) checkPair(label, name, value string) error {
	if err := k.checkName(label, name); err != nil {
		return err
	}
	if err := k.checkText(label, value); err != nil {
		return err
	}
	return nil
}

// SplitList splits the one-line form of a list: items between commas, an item
// with a comma in double quotes ("" is a quote inside), as in a line of CSV
// (RFC 4180). It reports false for what is not one such line.
func SplitList(s string) ([]string, bool) {
	if s == "" {
		return nil, true
	}
	r := csv.NewReader(strings.NewReader(s))
	r.LazyQuotes = true
	parts, err := r.Read()
	if err != nil {
		return nil, false
	}
	if _, err := r.Read(); err != io.EOF {
		return nil, false
	}
	return parts, true
}

// JoinList is the inverse of SplitList.
func JoinList(items []string) string {
	if len(items) == 0 {
		return ""
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write(items); err != nil {
		return strings.Join(items, ",") // a Builder does not fail
	}
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

func (s *Settings) applyDefaults() {
	c := reflect.ValueOf(&s.Config).Elem()
	for _, k := range keys() {
		if !k.item {
			k.setDefault(c)
		}
	}
}

// setDefault fills the field of k if it is empty; root is as for in.
func (k key) setDefault(root reflect.Value) {
	if v := k.in(root); k.kind == text && v.String() == "" {
		v.SetString(k.rule.def)
	}
}
