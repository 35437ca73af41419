// Package i18n holds every sentence slipway says to a person, in English and
// in Chinese. Code names a sentence by its ID and passes its arguments; which
// language is printed is decided at the very end, by the renderer.
//
// Catalogues are JSON files under catalog/<lang>/<area>.json, each a flat
// object from message ID to template. A template refers to its arguments by
// position: {0}, {1}; so that a translation may change their order. Arguments
// are printed as they are: a port is 8080, never 8,080.
//
// The package knows no other package of the project.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed catalog
var catalogFS embed.FS

// Lang is one of the languages that have a catalogue.
type Lang string

// The languages every message exists in.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// Message is a sentence that has not been put into words yet. Its JSON form
// carries the ID, the arguments and the English text, so that a document
// reads the same whatever the user's language was.
type Message struct {
	ID   string
	Args []string
}

// M makes a Message. id must be a string constant that both catalogues hold;
// a test checks every call. Each argument is printed with fmt.Sprint.
func M(id string, args ...any) Message {
	m := Message{ID: id}
	for _, a := range args {
		m.Args = append(m.Args, fmt.Sprint(a))
	}
	return m
}

// IsZero reports whether m says nothing.
func (m Message) IsZero() bool { return m.ID == "" }

// In puts m into words. An ID without a template gives the ID and the
// arguments, so that nothing is ever lost.
func (m Message) In(l Lang) string {
	if m.ID == "" {
		return ""
	}
	t, ok := catalogue(l)[m.ID]
	if !ok {
		t, ok = catalogue(English)[m.ID]
	}
	if !ok {
		return strings.TrimSpace(m.ID + " " + strings.Join(m.Args, " "))
	}
	return expand(t, m.Args)
}

// String gives the English text.
func (m Message) String() string { return m.In(English) }

type messageJSON struct {
	ID   string   `json:"id"`
	Args []string `json:"args,omitempty"`
	Text string   `json:"text"`
}

// MarshalJSON writes {"id","args","text"} with the English text.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(messageJSON{m.ID, m.Args, m.In(English)})
}

// UnmarshalJSON reads what MarshalJSON wrote; the text is derived anew.
func (m *Message) UnmarshalJSON(b []byte) error {
	var v messageJSON
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	m.ID, m.Args = v.ID, v.Args
	return nil
}

// expand replaces {0}, {1}, … by args, in one pass: what an argument holds is
// never expanded. Anything else between braces stays.
func expand(t string, args []string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(t, '{')
		if i < 0 {
			b.WriteString(t)
			return b.String()
		}
		b.WriteString(t[:i])
		t = t[i:]
		n, size := placeholder(t)
		if size > 0 && n < len(args) {
			b.WriteString(args[n])
		} else {
			size = 1
			b.WriteByte('{')
		}
		t = t[size:]
	}
}

// placeholder reads the {n} that t begins with; size is its length in bytes,
// 0 if there is none. n has at most two digits and no leading zero.
func placeholder(t string) (n, size int) {
	for size = 1; size < len(t) && size < 4; size++ {
		c := t[size]
		switch {
		case c == '}' && size > 1:
			return n, size + 1
		case c < '0' || c > '9' || size == 2 && n == 0:
			return 0, 0
		}
		n = n*10 + int(c-'0')
	}
	return 0, 0
}

var (
	loadEN = sync.OnceValue(func() map[string]string { return load(English) })
	loadZH = sync.OnceValue(func() map[string]string { return load(Chinese) })
)

func catalogue(l Lang) map[string]string {
	if l == Chinese {
		return loadZH()
	}
	return loadEN()
}

// load merges the area files of one language. The files are part of the
// binary and checked by a test, so a broken one is a bug and panics.
func load(l Lang) map[string]string {
	all := make(map[string]string, 4096)
	dir := path.Join("catalog", string(l))
	files, err := fs.ReadDir(catalogFS, dir)
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		b, err := fs.ReadFile(catalogFS, path.Join(dir, f.Name()))
		if err != nil {
			panic(err)
		}
		twice, err := read(string(b), all)
		if err != nil || len(twice) > 0 {
			panic(fmt.Sprintf("%s/%s: %v, defined twice: %q", dir, f.Name(), err, twice))
		}
	}
	return all
}
