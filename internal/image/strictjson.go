package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// strictJSON decodes a document that no two readers can take for different
// ones.
func strictJSON(raw []byte, v any) error {
	if err := uniqueKeys(raw); err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// maxJSONDepth is how deep the values of a document may be nested; an image's
// own are six deep.
const maxJSONDepth = 64

// free are the objects whose keys are anybody's names. Elsewhere keys that
// differ in case alone are one key to Go and two to others.
var free = map[string]bool{"annotations": true, "Labels": true, "labels": true, "Volumes": true, "ExposedPorts": true}

var errJSONDepth = errors.New("nested too deep")

// uniqueKeys checks that raw is one JSON value in which no object has a key
// twice: which of the two counts differs from reader to reader, so that one
// digest would mean two images.
func uniqueKeys(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := uniqueValue(d, "", 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// uniqueValue checks the next value, which stands under key.
func uniqueValue(d *json.Decoder, key string, depth int) error {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxJSONDepth {
		return errJSONDepth
	}
	seen := map[string]bool{}
	for d.More() {
		name := ""
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = t.(string)
			id := name
			if !free[key] {
				id = strings.ToLower(name)
			}
			if seen[id] {
				return fmt.Errorf("key %q stands there twice", name)
			}
			seen[id] = true
		}
		if err := uniqueValue(d, name, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
