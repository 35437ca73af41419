package config

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Entry is one setting as `slipway config` shows it.
type Entry struct {
	Key         string       `json:"key"`           // dotted
	Value       any          `json:"value"`         // string, int, []string, map[string]string or []File; empty: decided from the facts, or none
	Origin      Origin       `json:"origin"`        //
	Env         string       `json:"env,omitempty"` // the variable that sets it; "" for what only the file can express
	Description i18n.Message `json:"description"`
}

// Text gives the value on one line, in the form a flag takes.
func (e Entry) Text() string {
	switch v := e.Value.(type) {
	case string:
		return v
	case int:
		if v == 0 {
			return ""
		}
		return strconv.Itoa(v)
	case []string:
		return JoinList(v)
	case map[string]string:
		var ps []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			ps = append(ps, name+"="+v[name])
		}
		return JoinList(ps)
	case []File:
		var ps []string
		for _, f := range v {
			ps = append(ps, strings.Join([]string{f.From, f.To}, " > "))
		}
		return JoinList(ps)
	}
	return ""
}

// List gives every setting in the order of the struct.
func (s Settings) List() []Entry {
	var es []Entry
	c := reflect.ValueOf(s.Config)
	for _, k := range keys() {
		if k.leaf() {
			es = append(es, Entry{
				Key: k.path, Value: k.in(c).Interface(), Origin: s.Origins[k.path],
				Env: k.env(), Description: k.description(),
			})
		}
	}
	return es
}
