package i18n

import (
	"encoding/json"
	"errors"
	"strings"
)

var errCatalog = errors.New("not an object with strings alone")

// read adds the messages of one file to all and gives the keys that were there
// already. Every start of the program waits for this: encoding/json takes four
// times as long for a flat object of strings, most of which have no escapes.
func read(text string, all map[string]string) (twice []string, err error) {
	rest, ok := strings.CutPrefix(space(text), "{")
	for more := ok; more; {
		var key, value string
		if key, rest, err = quoted(space(rest)); err != nil {
			return nil, err
		}
		if rest, ok = strings.CutPrefix(space(rest), ":"); !ok {
			return nil, errCatalog
		}
		if value, rest, err = quoted(space(rest)); err != nil {
			return nil, err
		}
		if _, there := all[key]; there {
			twice = append(twice, key)
		}
		all[key] = value
		rest, more = strings.CutPrefix(space(rest), ",")
	}
	if rest, ok = strings.CutPrefix(rest, "}"); !ok || space(rest) != "" {
		return nil, errCatalog
	}
	return twice, nil
}

func space(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// quoted reads the string that s begins with.
func quoted(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", errCatalog
	}
	escapes := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escapes = true
			i++
		case '"':
			if !escapes {
				return s[1:i], s[i+1:], nil
			}
			err := json.Unmarshal([]byte(s[:i+1]), &value)
			return value, s[i+1:], err
		}
	}
	return "", "", errCatalog
}
