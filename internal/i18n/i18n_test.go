package i18n

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, tc := range []struct {
		flag string
		env  string // separated by spaces
		want Lang
	}{
		{"", "", English},
		{"", "LANG=C.UTF-8", English},
		{"", "LANG=POSIX", English},
		{"", "LANG=en_GB.UTF-8", English},
		{"", "LANG=zh_CN.UTF-8", Chinese},
		{"", "LANG=zh_TW.UTF-8", Chinese},
		{"", "LANG=zh_HK", Chinese},
		{"", "LANG=zh_CN.GB18030@pinyin", Chinese},
		{"", "LANG=zh-Hans", Chinese},
		{"", "LANG=cmn_CN.UTF-8", Chinese},
		{"", "LANG=de_DE.UTF-8", English},
		{"", "LANG=tlh", English},
		{"", "LANG=!!", English},
		{"", "LANG=zh_CN LC_MESSAGES=en_US", English},
		{"", "LANG=en_US LC_MESSAGES=zh_CN.UTF-8", Chinese},
		{"", "LC_ALL=C LC_MESSAGES=zh_CN LANG=zh_CN", English},
		{"", "LC_ALL= LANG=zh_CN", Chinese},
		{"", "LANG=en LANG=zh", Chinese},
		{"", "LC_ALL=zh_CN SLIPWAY_LANG=en", English},
		{"", "LANG=en_US SLIPWAY_LANG=zh-CN", Chinese},
		{"", "LANG=zh_CN SLIPWAY_LANG=", Chinese},
		{"zh", "SLIPWAY_LANG=en", Chinese},
		{"en_US.UTF-8", "LANG=zh_CN", English},
		{"zh-Hant-TW", "", Chinese},
		{"ZH", "", Chinese},
	} {
		got, err := Choose(tc.flag, strings.Fields(tc.env))
		if got != tc.want || err != nil {
			t.Errorf("Choose(%q, %q) = %s, %v; want %s", tc.flag, tc.env, got, err, tc.want)
		}
	}
	for _, tc := range []struct{ flag, env, from string }{
		{"fr", "LANG=zh_CN", "--lang"},
		{"english", "", "--lang"},
		{"!", "", "--lang"},
		{"", "SLIPWAY_LANG=fr_FR.UTF-8", "SLIPWAY_LANG"},
	} {
		got, err := Choose(tc.flag, strings.Fields(tc.env))
		e, ok := err.(*LangError)
		if !ok || e.From != tc.from || got != English {
			t.Errorf("Choose(%q, %q) = %s, %v; want a LangError about %s", tc.flag, tc.env, got, err, tc.from)
		}
	}
}

func TestExpand(t *testing.T) {
	args := []string{"a", "{1}", "c"}
	for tmpl, want := range map[string]string{
		"":                    "",
		"plain":               "plain",
		"{0} {1} {2}":         "a {1} c",
		"{2}{0}{0}":           "caa",
		"{3} {version} {} {":  "{3} {version} {} {",
		"{{0}} {a {0}":        "{a} {a a",
		"{00} {+0} {-1} {0 }": "{00} {+0} {-1} {0 }",
		"{999999999999}":      "{999999999999}",
	} {
		if got := expand(tmpl, args); got != want {
			t.Errorf("expand(%q) = %q, want %q", tmpl, got, want)
		}
	}
	many := make([]string, 100)
	many[99] = "last"
	if got := expand("{99}", many); got != "last" {
		t.Errorf("{99} = %q", got)
	}
}

// FuzzExpand: replacing every {n} by itself changes nothing, and nothing of an
// argument is lost.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"{0} of {1}", "{{0}", "{", "}{", "{01}", "{10}"} {
		f.Add(s, "x{0}")
	}
	f.Fuzz(func(t *testing.T, tmpl, arg string) {
		var same []string
		for i := range 100 {
			same = append(same, fmt.Sprintf("{%d}", i))
		}
		if got := expand(tmpl, same); got != tmpl {
			t.Errorf("expand(%q) changed it to %q", tmpl, got)
		}
		want := strings.ReplaceAll(tmpl, "{0}", arg)
		if got := expand(tmpl, []string{arg}); got != want {
			t.Errorf("expand(%q, %q) = %q, want %q", tmpl, arg, got, want)
		}
	})
}

func TestMessageJSON(t *testing.T) {
	m := M("i18n.lang.hint", 8080, "b")
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"i18n.lang.hint","args":["8080","b"],"text":"write 8080 or b"}`; string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	var back Message
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if back.In(Chinese) != "请写 8080 或 b" {
		t.Errorf("got %q", back.In(Chinese))
	}
	if err := json.Unmarshal([]byte(`{"id":1}`), &back); err == nil {
		t.Error("a number was taken for an ID")
	}
	for m, want := range map[*Message]string{
		{}: "", {ID: "no.such", Args: []string{"a"}}: "no.such a",
	} {
		if got := m.In(Chinese); got != want {
			t.Errorf("%+v says %q, want %q", m, got, want)
		}
	}
}
