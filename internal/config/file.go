package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// MaxFileSize is the largest slipway.yaml that is read, in bytes.
const MaxFileSize = 1 << 20

func (s *Settings) readFile(in Input) error {
	name := in.File
	if name == "" {
		name = filepath.Join(in.Dir, FileName)
	}
	shown := relative(in.Base, name)
	b, err := readRegular(name, shown)
	if errors.Is(err, fs.ErrNotExist) && in.File == "" {
		return misnamed(in)
	}
	if err != nil {
		return err
	}
	return s.decode(shown, b)
}

// relative is name as seen from base, if it lies below.
func relative(base, name string) string {
	if base == "" {
		return name
	}
	if rel, err := filepath.Rel(base, name); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return name
}

func readRegular(name, shown string) ([]byte, error) {
	refuse := func(cause error, msg i18n.Message) error {
		return &fault.Error{Pos: fault.Pos{File: shown}, Msg: msg, Code: fault.Usage, Cause: cause}
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, refuse(reason(err), i18n.M("config.file.unreadable"))
	}
	if !info.Mode().IsRegular() { // opening a named pipe would wait for ever
		return nil, refuse(nil, i18n.M("config.file.notRegular"))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, refuse(reason(err), i18n.M("config.file.unreadable"))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, refuse(reason(err), i18n.M("config.file.unreadable"))
	}
	if len(b) > MaxFileSize {
		return nil, refuse(nil, i18n.M("config.file.huge", MaxFileSize>>10))
	}
	return b, nil
}

// reason drops the path from err: the error's position has it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// misnamed catches a file that would be passed over in silence.
func misnamed(in Input) error {
	for _, n := range []string{"slipway.yml", ".slipway.yaml", ".slipway.yml"} {
		name := filepath.Join(in.Dir, n)
		if _, err := os.Stat(name); err == nil {
			return &fault.Error{
				Pos: fault.Pos{File: relative(in.Base, name)}, Code: fault.Usage,
				Msg:  i18n.M("config.file.misnamed", FileName),
				Hint: i18n.M("config.file.rename", FileName),
			}
		}
	}
	return nil
}

// decode reads the one document of a file into s.
func (s *Settings) decode(file string, b []byte) error {
	if s.Places == nil {
		s.Places = map[string]map[string]fault.Pos{}
	}
	d := decoder{file: file, origins: s.Origins, places: s.Places}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case err == io.EOF: // empty, or comments only
		return nil
	case err != nil:
		return d.syntax(err)
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return d.fail(&more, i18n.M("config.yaml.documents"), i18n.M("config.yaml.oneDocument"))
	case err != io.EOF:
		return d.syntax(err)
	}
	if len(doc.Content) != 1 {
		return nil
	}
	return d.section(doc.Content[0], reflect.ValueOf(&s.Config).Elem(), "")
}

var yamlLine = `line ([0-9]+): `

// syntax turns an error of the YAML parser into one with a position.
func (d decoder) syntax(err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	pos := fault.Pos{File: d.file}
	re := regexp.MustCompile(yamlLine)
	if m := re.FindStringSubmatch(msg); m != nil {
		pos.Line, _ = strconv.Atoi(m[1]) // digits; too many of them give 0, unknown
		msg = re.ReplaceAllLiteralString(msg, "")
	}
	return &fault.Error{Pos: pos, Msg: i18n.M("config.yaml.syntax", msg), Code: fault.Usage}
}
