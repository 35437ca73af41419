package config

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/slipway-build/slipway/internal/i18n"
)

// schema is the part of JSON Schema (draft 2020-12) that slipway.yaml needs,
// in the order it is printed.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Chinese     string             `json:"x-description-zh,omitempty"`
	Type        types              `json:"type,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Default     string             `json:"default,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	AnyOf       []*schema          `json:"anyOf,omitempty"`
	Names       *schema            `json:"propertyNames,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	// More is false for a section, and the schema of the values for a table.
	More any `json:"additionalProperties,omitempty"`
}

// types prints one type as a string and several as an array.
type types []string

func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Schema gives the JSON Schema of slipway.yaml for editors. What it accepts,
// Load accepts, except for what a pattern cannot say: numbers out of range,
// and settings that contradict each other. Load takes a number or a boolean
// for any text; the schema does only where one is natural.
func Schema() ([]byte, error) {
	root := sectionSchema("")
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = FileName
	// An empty file is a null document.
	root.Type = append(root.Type, "null")
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return b.Bytes(), nil
}

func sectionSchema(parent string) *schema {
	s := &schema{Type: types{"object"}, Properties: map[string]*schema{}, More: false}
	for _, k := range children(parent) {
		s.Properties[k.name()] = k.schema()
		if k.rule.required {
			s.Required = append(s.Required, k.name())
		}
	}
	return s
}

func (k key) schema() *schema {
	var s *schema
	zero := 0
	switch k.kind {
	case section:
		s = sectionSchema(k.path)
	case text:
		s = k.textSchema(!k.rule.required)
		s.Default = k.rule.def
	case number:
		s = &schema{Type: types{"integer"}, Minimum: &zero}
	case list:
		s = &schema{Type: types{"array"}, Items: k.textSchema(k.rule.pattern == "")}
	case table:
		s = &schema{Type: types{"object"}, More: k.textSchema(k.rule.pattern == "")}
		if k.rule.names != "" {
			s.Names = &schema{Pattern: k.rule.names}
		}
	case items:
		s = &schema{Type: types{"array"}, Items: sectionSchema(k.path)}
	}
	if !k.rule.required {
		s.nullable()
	}
	s.Description = k.description().In(i18n.English)
	s.Chinese = k.description().In(i18n.Chinese)
	return s
}

// nullable lets s be a key without a value.
func (s *schema) nullable() {
	switch {
	case s.Type != nil:
		s.Type = append(s.Type, "null")
	case s.Enum != nil:
		s.Enum = append(s.Enum, nil)
	default:
		s.AnyOf[0].Enum = append(s.AnyOf[0].Enum, nil)
	}
}

// textSchema describes one text of k; empty says whether it may be "".
func (k key) textSchema(empty bool) *schema {
	r := k.rule
	str := &schema{Type: types{"string"}, Pattern: r.pattern}
	if r.plain {
		str.Type = append(str.Type, "number")
		if r.pattern == "" {
			str.Type = append(str.Type, "boolean")
		}
	}
	var enum []any
	for _, e := range r.enum {
		enum = append(enum, e)
	}
	if empty && (r.enum != nil || r.pattern != "") {
		enum = append(enum, "")
	}
	switch {
	case enum == nil:
		return str
	case r.pattern == "":
		return &schema{Enum: enum}
	}
	return &schema{AnyOf: []*schema{{Enum: enum}, str}}
}
