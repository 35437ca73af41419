package i18n

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"testing"
)

// TestRead holds the reader of catalogues against encoding/json.
func TestRead(t *testing.T) {
	all, err := fs.Glob(catalogFS, "catalog/*/*.json")
	if err != nil || len(all) < 10 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	for _, name := range all {
		b, err := fs.ReadFile(catalogFS, name)
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]string
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := map[string]string{}
		if twice, err := read(string(b), got); err != nil || len(twice) > 0 || !maps.Equal(got, want) {
			t.Errorf("%s: %d messages, want %d; %q, %v", path.Base(name), len(got), len(want), twice, err)
		}
	}
	for _, bad := range []string{"", "{", `{"a"}`, `{"a":1}`, `{"a":"b",}`, `{"a":"b"`, `{"a":"b"} x`, `["a"]`, `{"a":"\q"}`, `{"a":"b"x}`, `{"a":"b\`} {
		if _, err := read(bad, map[string]string{}); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	if twice, err := read(`{"a":"1","a":"2"}`, map[string]string{}); err != nil || len(twice) != 1 {
		t.Errorf("a message twice: %q, %v", twice, err)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(English)
	}
}
