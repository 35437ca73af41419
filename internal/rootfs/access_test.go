package rootfs

import (
	"errors"
	"slices"
	"testing"
)

func system(t *testing.T) *Tree {
	t.Helper()
	return mergeOf(t, []ent{
		{name: "etc/passwd", body: "root:x:0:0:root:/root:/bin/sh\n# note:x:1:1:a:/:b\nbroken\napp:x:1000:1001:App:/home/app:/bin/false\nodd:x:x:0:a:/:b\n5:x:7:7::/:\n"},
		{name: "etc/group", body: "root:x:0:\nstaff:x:50:app,root\nother:x:51:root\napp:x:1001:\nwide:x:52:root,app\n"},
		{name: "usr/bin/app", body: "x", mode: 0o755}, {name: "bin", ln: "usr/bin"}, {name: "usr/bin/mine", body: "x", mode: 0o700, uid: 1000},
		{name: "usr/bin/staffed", body: "x", mode: 0o750, gid: 50}, {name: "usr/bin/data", body: "x"}, {name: "usr/bin/link", ln: "/opt/real"}, {name: "opt/real", body: "x", mode: 0o711},
		{name: "usr/bin/dir/"}, {name: "home/", mode: 0o711}, {name: "home/app/", mode: 0o700, uid: 1000}, {name: "home/app/tool", body: "x", mode: 0o755},
		{name: "usr/sbin/data", body: "x", mode: 0o755}, {name: "usr/bin/hidden", ln: "/home/app/tool"}, {name: "usr/bin/loop", ln: "loop"}, {name: "work/run", body: "x", mode: 0o755},
	})
}

func TestUserIsWhatARuntimeMakesOfIt(t *testing.T) {
	t.Parallel()
	tree := system(t)
	for spec, want := range map[string]User{
		"":            {Name: "root", Home: "/root", Groups: []int{50, 51, 52}},
		"root":        {Name: "root", Home: "/root", Groups: []int{50, 51, 52}},
		"app":         {UID: 1000, GID: 1001, Name: "app", Home: "/home/app", Groups: []int{50, 52}},
		"1000":        {UID: 1000, GID: 1001, Name: "app", Home: "/home/app", Groups: []int{50, 52}},
		"app:staff":   {UID: 1000, GID: 50, Name: "app", Home: "/home/app"},
		"app:7":       {UID: 1000, GID: 7, Name: "app", Home: "/home/app"},
		"65532":       {UID: 65532},
		"65532:65532": {UID: 65532, GID: 65532},
		"1000:":       {UID: 1000, GID: 1001, Name: "app", Home: "/home/app", Groups: []int{50, 52}},
	} {
		got, err := tree.User(spec)
		if err != nil || got.UID != want.UID || got.GID != want.GID || got.Name != want.Name || got.Home != want.Home || !slices.Equal(got.Groups, want.Groups) {
			t.Errorf("%q: %+v, %v; want %+v", spec, got, err, want)
		}
	}
	for _, spec := range []string{"nobody", "app:none", "-1", "4294967296", "odd", "note", "App"} {
		if got, err := tree.User(spec); !errors.Is(err, ErrUser) {
			t.Errorf("%q: %+v, %v", spec, got, err)
		}
	}
	bare := mergeOf(t, []ent{{name: "x"}})
	if u, err := bare.User("65532:7"); err != nil || u.UID != 65532 || u.GID != 7 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := bare.User("app"); !errors.Is(err, ErrUser) {
		t.Errorf("%v", err)
	}
}

func TestLookPath(t *testing.T) {
	t.Parallel()
	tree := system(t)
	root, app, other := User{}, User{UID: 1000, GID: 1001, Groups: []int{50}}, User{UID: 65532, GID: 65532}
	for _, c := range []struct {
		name, search, dir string
		as                User
		path, leads       string
		err               error
		at                string
	}{
		{name: "app", as: other, path: "/usr/bin/app", leads: "/usr/bin/app"},
		{name: "app", search: "/bin:/usr/bin", as: other, path: "/bin/app", leads: "/usr/bin/app"},
		{name: "/bin/app", as: other, path: "/bin/app", leads: "/usr/bin/app"},
		{name: "link", as: other, path: "/usr/bin/link", leads: "/opt/real"},
		{name: "mine", as: app, path: "/usr/bin/mine", leads: "/usr/bin/mine"},
		{name: "mine", as: root, path: "/usr/bin/mine", leads: "/usr/bin/mine"},
		{name: "mine", as: other, err: ErrNotAllowed, at: "/usr/bin/mine"},
		{name: "staffed", as: app, path: "/usr/bin/staffed", leads: "/usr/bin/staffed"},
		{name: "staffed", as: other, err: ErrNotAllowed, at: "/usr/bin/staffed"},
		{name: "/usr/bin/data", as: root, err: ErrNotAllowed, at: "/usr/bin/data"},
		{name: "data", search: "/usr/bin:/usr/sbin", as: root, path: "/usr/sbin/data", leads: "/usr/sbin/data"},
		{name: "dir", as: root, err: ErrNotFile, at: "/usr/bin/dir"},
		{name: "none", as: root, err: ErrNotFound},
		{name: "", as: root, err: ErrNotFound},
		{name: "app", search: "usr/bin:", as: root, err: ErrNotFound},
		{name: "/home/app/tool", as: other, err: ErrNoSearch, at: "/home/app"},
		{name: "hidden", as: other, err: ErrNoSearch, at: "/home/app"},
		{name: "hidden", as: app, path: "/usr/bin/hidden", leads: "/home/app/tool"},
		{name: "hidden", as: root, path: "/usr/bin/hidden", leads: "/home/app/tool"},
		{name: "loop", as: root, err: ErrLinks},
		{name: "./run", dir: "/work", as: other, path: "/work/run", leads: "/work/run"},
		{name: "../opt/real", dir: "/work", as: other, path: "/opt/real", leads: "/opt/real"},
		{name: "./run", as: other, err: ErrNotFound},
		{name: "/usr/bin/app/x", as: other, err: ErrNotFound},
	} {
		got, err := tree.LookPath(c.name, c.search, c.dir, c.as)
		if c.err != nil {
			e, ok := errors.AsType[*LookError](err)
			if !ok || !errors.Is(err, c.err) || c.at != "" && e.At != c.at || err.Error() == "" {
				t.Errorf("%q as %d: %+v, %v; want %v at %q", c.name, c.as.UID, got, err, c.err, c.at)
			}
			continue
		}
		if err != nil || got.Path != c.path || got.Node.Path != c.leads {
			t.Errorf("%q as %d: %+v, %v; want %s, %s", c.name, c.as.UID, got, err, c.path, c.leads)
		}
	}
}
