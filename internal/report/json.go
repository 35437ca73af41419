package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// SchemaVersion of the error document.
const SchemaVersion = 1

// ErrorDocument is what standard output holds when a command with JSON fails.
type ErrorDocument struct {
	SchemaVersion int         `json:"schemaVersion"`
	Error         ErrorJSON   `json:"error"`          // the first one
	More          []ErrorJSON `json:"more,omitempty"` // others that happened with it
}

// ErrorJSON is one error.
type ErrorJSON struct {
	Code    int          `json:"code"`              // exit code
	Context string       `json:"context,omitempty"` // what was being done
	Message i18n.Message `json:"message"`
	Cause   string       `json:"cause,omitempty"`
	Hint    i18n.Message `json:"hint,omitzero"`
	Pos     fault.Pos    `json:"pos,omitzero"`
	Detail  string       `json:"detail,omitempty"` // output of the tool that found it
}

// ErrorDocumentOf describes err.
func ErrorDocumentOf(err error) ErrorDocument {
	d := ErrorDocument{SchemaVersion: SchemaVersion}
	for i, e := range flatten(err) {
		p := describe(e)
		j := ErrorJSON{
			Code: p.code, Context: strings.TrimSuffix(p.context, ": "), Message: p.msg, Cause: p.cause,
			Hint: p.hint, Pos: p.pos, Detail: p.detail,
		}
		if i == 0 {
			d.Error = j
		} else {
			d.More = append(d.More, j)
		}
	}
	return d
}

func (r *Reporter) resultJSON(v any) error {
	if r.written {
		return fmt.Errorf("write result: standard output already holds a document")
	}
	b, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	var head struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(b, &head); err != nil || head.SchemaVersion < 1 {
		return fmt.Errorf("encode result: %T is not a document with a schemaVersion", v)
	}
	return r.write(b)
}

func (r *Reporter) failJSON(err error) error {
	b, encErr := encode(ErrorDocumentOf(err))
	if encErr != nil {
		return fmt.Errorf("encode error: %w", encErr)
	}
	return r.write(b)
}

func (r *Reporter) write(b []byte) error {
	r.written = true
	if _, err := r.o.Stdout.Write(b); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
