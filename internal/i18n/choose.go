package i18n

import (
	"fmt"
	"strings"

	"golang.org/x/text/language"
)

// LangError is a language that was asked for by name and has no catalogue.
type LangError struct {
	Value string // as it was given
	From  string // --lang or SLIPWAY_LANG
}

// Error gives the English text.
func (e *LangError) Error() string { return e.Message().String() }

// Message says what is wrong.
func (e *LangError) Message() Message {
	return M("i18n.lang.unknown", e.From, fmt.Sprintf("%q", e.Value))
}

// Hint says what to write instead.
func (e *LangError) Hint() Message { return M("i18n.lang.hint", string(English), string(Chinese)) }

// Choose picks the language of the output. Strongest first: flag (the value
// of --lang), SLIPWAY_LANG, and the locale by LC_ALL, LC_MESSAGES, LANG
// (POSIX.1-2024, section 8.2); empty values count as not set. A locale in
// another language gives English. A flag or SLIPWAY_LANG in another language
// is a *LangError, and English.
func Choose(flag string, env []string) (Lang, error) {
	get := func(name string) string {
		value := ""
		for _, kv := range env { // the last one counts, as in os/exec
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				value = v
			}
		}
		return value
	}
	for _, asked := range []LangError{{flag, "--lang"}, {get("SLIPWAY_LANG"), "SLIPWAY_LANG"}} {
		if asked.Value == "" {
			continue
		}
		if l, ok := match(asked.Value); ok {
			return l, nil
		}
		return English, &asked
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := get(name); v != "" {
			l, _ := match(v)
			return l, nil
		}
	}
	return English, nil
}

// match finds the catalogue for a locale such as zh_CN.UTF-8 or a language
// tag such as zh-Hant; English and false if there is none.
func match(locale string) (Lang, bool) {
	name := locale
	if i := strings.IndexAny(name, ".@"); i >= 0 { // encoding and modifier
		name = name[:i]
	}
	switch name {
	case "C", "POSIX":
		return English, true
	case string(English), string(Chinese): // saves the tables of x/text a run
		return Lang(name), true
	}
	tag, err := language.Parse(name)
	if err != nil {
		return English, false
	}
	// Readers of traditional Chinese are better served by simplified Chinese
	// than by English; the matcher alone would say so only with low confidence.
	langs := []Lang{English, Chinese, Chinese}
	m := language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese, language.TraditionalChinese})
	_, i, confidence := m.Match(tag)
	if confidence == language.No {
		return English, false
	}
	return langs[i], true
}
