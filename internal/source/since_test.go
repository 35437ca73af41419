package source

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestParseChanges(t *testing.T) {
	out := ":100644 100644 aaaa bbbb M\x00a file\x00:000000 100644 0000 cccc A\x00new\x00:100644 100644 aaaa bbbb R090\x00old\x00sub/now\x00\x00" +
		"diff --git a/a file b/a file\nindex aaaa..bbbb 100644\n--- a/a file\t\n+++ b/a file\t\n" +
		"@@ -1 +1,2 @@ func x\n-- a/x\n+++ b/not a file\n+@@ -1 +1 @@\n" + // lines that look like headers
		"@@ -9,2 +10,0 @@\n-gone\n-gone\n\\ No newline at end of file\n" +
		"diff --git a/old b/sub/now\nsimilarity index 90%\n--- a/old\n+++ b/sub/now\n@@ -3 +3 @@\n-x\n+y\n"
	lines, fresh, from := parseChanges(out)
	if got, want := fmt.Sprint(lines, fresh, from), "map[a file:[{1 2}] sub/now:[{3 3}]] map[new:true] map[sub/now:old]"; got != want {
		t.Errorf("have %s, want %s", got, want)
	}
	s := Since{lines: lines, fresh: fresh, from: from}
	for _, c := range []struct {
		file string
		line int
		want bool
	}{{"a file", 1, true}, {"a file", 2, true}, {"a file", 3, false}, {"a file", 0, false}, {"new", 0, true}, {"new", 7, true}, {"other", 1, false}} {
		if s.Changed(c.file, c.line) != c.want {
			t.Errorf("%s:%d: want %t", c.file, c.line, c.want)
		}
	}
	if s.Before("sub/now") != "old" || s.Before("new") != "new" {
		t.Error("names of before are wrong")
	}
}

func FuzzParseChanges(f *testing.F) {
	f.Add(":1 1 a b M\x00f\x00\x00diff --git a/f b/f\n+++ b/f\n@@ -1,2 +3,4 @@\n-x\n+y\n")
	f.Add(":")
	f.Add("+++ b/f\n@@ -0,0 +1,99999999999999999999 @@\n")
	f.Fuzz(func(t *testing.T, out string) {
		lines, _, _ := parseChanges(out)
		for file, rs := range lines {
			for _, r := range rs {
				if file == "" || r.first < 0 || r.last < r.first {
					t.Fatalf("%q: %v", file, r)
				}
			}
		}
	})
}

func FuzzReadBlobs(f *testing.F) {
	f.Add([]byte("aa blob 3\nxyz\nbb blob 0\n\n"))
	f.Add([]byte("aa missing\n"))
	f.Add([]byte("aa blob -1\n"))
	f.Add([]byte("aa blob 99999999999\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		n := 0
		err := readBlobs(bufio.NewReader(bytes.NewReader(out)), 2, func(i int, content []byte) error {
			n++
			if !strings.Contains(string(out), string(content)) {
				t.Fatalf("%q is not in %q", content, out)
			}
			return nil
		})
		if err == nil && n != 2 {
			t.Fatalf("%d of 2", n)
		}
	})
}
