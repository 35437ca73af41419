package source

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestNormalizeURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com/org/repo.git":                   "https://example.com/org/repo",
		"https://example.com/org/repo/":                      "https://example.com/org/repo",
		"https://user:tok@Example.COM:443/Org/Repo.git/":     "https://example.com/Org/Repo",
		"https://x-access-token:ghs_1@example.com/o/r?t=1#f": "https://example.com/o/r",
		"https://git.example.com:8443/o/r.git":               "https://git.example.com:8443/o/r",
		"http://example.com/o/r":                             "https://example.com/o/r",
		"git@example.com:org/repo.git":                       "https://example.com/org/repo",
		"example.com:org/repo":                               "https://example.com/org/repo",
		"git@example.com:/srv/repo.git":                      "https://example.com/srv/repo",
		"ssh://git@example.com:2222/org/repo.git":            "https://example.com/org/repo",
		"git+ssh://git@example.com/org/repo":                 "https://example.com/org/repo",
		"git://example.com/org/repo.git":                     "https://example.com/org/repo",
		"https://example.com/a%20b/r":                        "https://example.com/a%20b/r",
		"":                                                   "",
		"/srv/git/repo.git":                                  "",
		"../repo":                                            "",
		"./a:b/c":                                            "",
		"file:///srv/git/repo":                               "",
		`C:\src\repo`:                                        "",
		"C:/src/repo":                                        "",
		"ext::sh -c evil":                                    "",
		"ext::evil":                                          "",
		"https://":                                           "",
		"https://example.com":                                "",
		"https://exa mple.com/x":                             "",
		"https://example.com:port/x":                         "",
		"javascript://x/y":                                   "",
		"git@-evil:x/y":                                      "",
	} {
		if got := normalizeURL(in); got != want {
			t.Errorf("normalizeURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzNormalizeURL(f *testing.F) {
	for _, s := range []string{"https://u:p@h.example/x.git", "git@h:p", "ssh://[::1]:22/x", "a@b@c:d", "https://h/@x:y@z", "http://h:80%2f@x/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := normalizeURL(s)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("normalizeURL(%q) = %q: %v", s, got, err)
		}
	})
}

func TestVersionTags(t *testing.T) {
	tags := []string{"v1.0.0", "v1.10.0", "v1.9.0", "v1.9.0", "v2.0.0", "v2.1.0", "v1.2", "v1", "1.5.0", "v1.3.0+meta", "v01.0.0", "latest", "v1.4.0-rc.1",
		"v0.0.0-20260101000000-0123456789ab", "sub/v0.1.0", "sub/v2.5.0", "sub/sub/v0.2.0", "xsub/v0.7.0", "api/v3/v3.0.0", "v3.0.0"}
	for _, c := range []struct{ dir, path, want string }{
		{"", "example.com/app", "v1.10.0 v1.9.0 v1.4.0-rc.1 v1.0.0"},
		{"", "example.com/app/v2", "v2.1.0 v2.0.0"},
		{"v2", "example.com/app/v2", "v2.1.0 v2.0.0"},
		{"sub", "example.com/app/sub", "v0.1.0"},
		{"sub", "example.com/app/sub/v2", "v2.5.0"},
		{"sub/v2", "example.com/app/sub/v2", "v2.5.0"},
		{"sub/sub", "example.com/app/sub/sub", "v0.2.0"},
		{"", "gopkg.in/app.v2", "v2.1.0 v2.0.0"},
		{"", "gopkg.in/app.v1", "v1.10.0 v1.9.0 v1.4.0-rc.1 v1.0.0"},
		{"", "app", "v1.10.0 v1.9.0 v1.4.0-rc.1 v1.0.0"},
		{"", "", "v1.10.0 v1.9.0 v1.4.0-rc.1 v1.0.0"},
		{"none", "example.com/app/none", ""},
	} {
		if got := strings.Join(versionTags(tags, c.dir, c.path), " "); got != c.want {
			t.Errorf("%s in %q: %s, want %s", c.path, c.dir, got, c.want)
		}
	}
}

const hash1a = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"

func TestParseArchival(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     archival
		ok       bool
	}{
		{"filled in", "node: " + hash1a + "\nnode-date: 2026-01-02T03:04:05+02:00\ndescribe-name: v1.0.0\nref-names: HEAD -> main, tag: v1.0.0, tag: sub/v0.1.0, origin/main\n", archival{hash1a, commitTime, []string{"v1.0.0", "v1.0.0", "sub/v0.1.0"}}, true},
		{"CRLF", "node: " + hash1a + "\r\nnode-date: 2026-01-02T03:04:05+02:00\r\nref-names: tag: v1.0.0\r\n", archival{hash1a, commitTime, []string{"v1.0.0"}}, true},
		{"no tag at the commit", "node: " + hash1a + "\ndescribe-name: v1.0.0-3-g1a1a1a1\n", archival{node: hash1a}, true},
		{"describe not known to an old git", "node: " + hash1a + "\ndescribe-name: %(describe:tags=true,match=*[0-9]*)\n", archival{node: hash1a}, true},
		{"in a clone", "node: $Format:%H$\nnode-date: $Format:%cI$\nref-names: $Format:%D$\n", archival{}, false},
		{"short hash", "node: 1a1a1a1\n", archival{}, false},
		{"bad date", "node: " + hash1a + "\nnode-date: yesterday\n", archival{node: hash1a}, true},
		{"empty", "", archival{}, false},
	} {
		got, ok := parseArchival(c.in)
		if ok != c.ok || got.node != c.want.node || got.time != c.want.time || !slices.Equal(got.tags, c.want.tags) {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseArchival(f *testing.F) {
	f.Add("node: " + hash1a + "\nnode-date: 2026-01-02T03:04:05+02:00\ndescribe-name: v1.0.0\nref-names: HEAD -> main, tag: v1.0.0\n")
	f.Add("node: $Format:%H$\n:\n::\r\nref-names: tag: , tag:\n")
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parseArchival(s)
		if ok != isHash(a.node) || a.time < 0 {
			t.Fatalf("%+v %v", a, ok)
		}
		versionTags(a.tags, "sub", "example.com/x/sub")
	})
}

func TestOriginURL(t *testing.T) {
	for in, want := range map[string]string{
		"[remote \"origin\"]\n\turl = https://example.com/a\n":                                                     "https://example.com/a",
		"[remote \"upstream\"]\n\turl = no\n[REMOTE \"origin\"]\r\n\tfetch = x\r\n\tURL=\"https://a/b#c\" ; x\r\n": "https://a/b#c",
		"[remote \"Origin\"]\nurl = no\n":                                                                          "",
		"[remote \"origin\"] url = a:b # c\n":                                                                      "a:b",
		"[remote \"origin\"]\nurl = a\nurl = b\n[x]\nurl=c":                                                        "a",
		"[remote \"origin\"\nurl = x":                                                                              "",
		`[remote "origin"]` + "\nurl = C:\\\\a\\":                                                                  `C:\a\`,
		"": "",
	} {
		if got := remoteValue(in, "url"); got != want {
			t.Errorf("remoteValue(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzOriginURL(f *testing.F) {
	f.Add("[remote \"origin\"]\n\turl = \"https://example.com/a\\\"b\" # c\n")
	f.Fuzz(func(t *testing.T, s string) {
		if got := remoteValue(s, "url"); strings.ContainsAny(got, "\n") {
			t.Fatalf("%q", got)
		}
	})
}

// FuzzGitOutput feeds the readers of what git and a remote server print.
func FuzzGitOutput(f *testing.F) {
	f.Add(hash1a + "\x001767315845\x00HEAD, tag: refs/tags/v1.0.0, tag: refs/tags/x\n")
	f.Add("?? a b\x00 M c\x00")
	f.Add(hash1a + "\trefs/tags/v1.0.0\n" + strings.Repeat("2b", 20) + "\trefs/tags/v1.0.0^{}\n")
	f.Fuzz(func(t *testing.T, s string) {
		if h, ok := parseHead(s); ok && !isHash(h.hash) {
			t.Fatalf("head %+v", h)
		}
		for _, p := range parseStatus(s) {
			if p == "" {
				t.Fatal("status gives an empty path")
			}
		}
		for name, commit := range parseRemoteTags(s) {
			if !isHash(commit) || strings.HasSuffix(name, "\n") {
				t.Fatalf("tag %q at %q", name, commit)
			}
		}
	})
}

func TestRemoteTags(t *testing.T) {
	peeled := strings.Repeat("2b", 20)
	got := parseRemoteTags(hash1a + "\trefs/tags/a\n" + hash1a + "\trefs/tags/a^{}\n" + // the order a server should keep
		peeled + "\trefs/tags/b^{}\n" + hash1a + "\trefs/tags/b\n" + hash1a + "\trefs/heads/c\nwarning: x\n")
	if len(got) != 2 || got["a"] != hash1a || got["b"] != peeled {
		t.Errorf("%v", got)
	}
}

func TestFirstLine(t *testing.T) {
	const in = "warning: x\nfatal: unable to access 'https://u:p@example.com/': no\nhint: y\n"
	if got := firstLine(in); got != "unable to access 'https://example.com/': no" {
		t.Errorf("%q", got)
	}
}
