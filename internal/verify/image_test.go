package verify

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestImageFaults holds one fault each in an image that is right otherwise,
// and what is said about it.
func TestImageFaults(t *testing.T) {
	prog := goProgram(t, hello, nil, "-trimpath")
	zones := goProgram(t, "package main\n\nimport \"time\"\n\nfunc main() {\n\tl, _ := time.LoadLocation(\"Asia/Shanghai\")\n\tprintln(time.Now().In(l).String())\n}\n", nil, "-trimpath")
	type conf = map[string]any
	good := func(over conf) conf {
		c := conf{"User": "65532:65532", "Entrypoint": []string{"/app"}, "Labels": conf{"org.opencontainers.image.revision": "3f2a"}}
		for k, v := range over {
			c[k] = v
		}
		return c
	}
	app := entry{path: "/app", text: prog, mode: 0o755}
	root := entry{path: "/etc/passwd", text: "root:x:0:0::/:/bin/sh\n", mode: 0o644}
	shell := []entry{app, {path: "/bin/sh", text: prog, mode: 0o755}}
	for name, c := range map[string]struct {
		config  conf
		entries []entry
		want    []string
		says    string
	}{
		"good":                    {good(nil), []entry{app, root}, nil, ""},
		"good through links":      {good(conf{"Entrypoint": []string{"app"}, "Env": []string{"PATH=/usr/bin"}}), []entry{{path: "/opt/app", text: prog, mode: 0o755}, {path: "/usr/bin/app", link: "../../opt/app"}}, nil, ""},
		"good script":             {good(conf{"Entrypoint": []string{"/run"}}), append(shell, entry{path: "/run", text: "#!/bin/sh\nexec /app\n", mode: 0o755}), nil, ""},
		"good env script":         {good(conf{"Entrypoint": []string{"/run"}}), append(shell, entry{path: "/usr/bin/env", text: prog, mode: 0o755}, entry{path: "/run", text: "#!/usr/bin/env sh\n", mode: 0o755}), nil, ""},
		"working directory later": {good(conf{"WorkingDir": "/data"}), []entry{app}, nil, ""},
		"gone":                    {good(conf{"Entrypoint": []string{"/app2"}}), []entry{app}, []string{"BIN023"}, "starts /app2"},
		"not in PATH":             {good(conf{"Entrypoint": []string{"app"}, "Env": []string{"PATH=/bin"}}), []entry{app}, []string{"BIN023"}, "starts app"},
		"shell form":              {good(conf{"Entrypoint": []string{"/bin/sh", "-c", "/app --port 80"}}), []entry{app}, []string{"BIN023"}, "shell form needs to start /app --port 80"},
		"a directory":             {good(conf{"Entrypoint": []string{"/etc"}}), []entry{app, root}, []string{"BIN023"}, "not a file"},
		"no program":              {good(conf{"Entrypoint": nil}), []entry{app}, []string{"(BIN023)"}, "names no program"},
		"not a program":           {good(nil), []entry{{path: "/app", text: "hello", mode: 0o755}}, []string{"BIN023"}, "exec format error"},
		"empty":                   {good(nil), []entry{{path: "/app", mode: 0o755}}, []string{"BIN023"}, "empty"},
		"not executable":          {good(nil), []entry{{path: "/app", text: prog, mode: 0o644}}, []string{"BIN024"}, "mode 644: user 65532"},
		"root's alone":            {good(nil), []entry{{path: "/app", text: prog, mode: 0o700}}, []string{"BIN024"}, "mode 700"},
		"closed directory":        {good(conf{"Entrypoint": []string{"/opt/app"}}), []entry{{path: "/opt/", mode: 0o700}, {path: "/opt/app", text: prog, mode: 0o755}}, []string{"BIN024"}, "/opt has mode 700"},
		"script without shell":    {good(conf{"Entrypoint": []string{"/run"}}), []entry{app, {path: "/run", text: "#!/bin/bash\n", mode: 0o755}}, []string{"BIN025"}, "run by /bin/bash"},
		"carriage return":         {good(conf{"Entrypoint": []string{"/run"}}), append(shell, entry{path: "/run", text: "#!/bin/sh\r\nexec /app\r\n", mode: 0o755}), []string{"BIN025"}, "carriage return"},
		"env without program":     {good(conf{"Entrypoint": []string{"/run"}}), append(shell, entry{path: "/usr/bin/env", text: prog, mode: 0o755}, entry{path: "/run", text: "#!/usr/bin/env python3\n", mode: 0o755}), []string{"BIN025"}, "python3, which is nowhere in PATH"},
		"health by shell":         {good(conf{"Healthcheck": conf{"Test": []string{"CMD-SHELL", "curl -f http://localhost/"}}}), []entry{app}, []string{"BIN026"}, "no /bin/sh"},
		"health by curl":          {good(conf{"Healthcheck": conf{"Test": []string{"CMD", "curl", "-f", "http://localhost/"}}}), []entry{app}, []string{"BIN026"}, "starts curl"},
		"health by itself":        {good(conf{"Healthcheck": conf{"Test": []string{"CMD", "/app", "health"}}}), []entry{app}, nil, ""},
		"user by name":            {good(conf{"User": "app"}), []entry{app, root}, []string{"BIN027"}, "runs as app"},
		"group by name":           {good(conf{"User": "1000:app"}), []entry{app, root}, []string{"BIN027"}, "runs as 1000:app"},
		"root":                    {good(conf{"User": ""}), []entry{app}, []string{"(BIN028)"}, "as root"},
		"root by name":            {good(conf{"User": "root"}), []entry{app, root}, []string{"(BIN028)"}, "as root"},
		"working directory":       {good(conf{"WorkingDir": "/srv"}), []entry{app, {path: "/srv/", mode: 0o700}}, []string{"BIN029"}, "may not enter"},
		"working file":            {good(conf{"WorkingDir": "/app"}), []entry{app}, []string{"BIN029"}, "not a directory"},
		"relative":                {good(conf{"WorkingDir": "srv"}), []entry{app}, []string{"BIN029"}, "not an absolute"},
		"zone of TZ":              {good(conf{"Env": []string{"TZ=Asia/Shanghai"}}), []entry{{path: "/app", text: zones, mode: 0o755}, {path: "/etc/passwd"}}, []string{"BIN013"}, "every local time is UTC"},
		"zone is there":           {good(conf{"Env": []string{"TZ=Asia/Shanghai"}}), []entry{{path: "/app", text: zones, mode: 0o755}, {path: "/usr/share/zoneinfo/Asia/Shanghai", text: "TZif"}}, nil, ""},
		"zone by function":        {good(nil), []entry{{path: "/app", text: zones, mode: 0o755}}, []string{"(BIN013)"}, "can call time.LoadLocation"},
		"weak GODEBUG":            {good(conf{"Env": []string{"GODEBUG=netdns=go, tls10server=1"}}), []entry{app}, []string{"BIN036"}, "tls10server=1"},
		"harmless GODEBUG":        {good(conf{"Env": []string{"GODEBUG=netdns=go,madvdontneed=1"}}), []entry{app}, nil, ""},
		"secret":                  {good(conf{"Env": []string{"DB_PASSWORD=hunter2hunter2"}}), []entry{app}, []string{"(BIN038)"}, "DB_PASSWORD"},
		"secret in a file":        {good(conf{"Env": []string{"DB_PASSWORD_FILE=/run/secrets/db", "API_TOKEN=/run/t/token", "API_KEY=${KEY}"}}), []entry{app}, nil, ""},
		"secret in a URL":         {good(conf{"Env": []string{"DSN=postgres://orders:s3cretpw@db:5432/orders"}}), []entry{app}, []string{"(BIN038)"}, "DSN"},
		"writable":                {good(nil), []entry{{path: "/app", text: prog, mode: 0o777}}, []string{"BIN033"}, "anybody may change"},
		"writable by itself":      {good(nil), []entry{{path: "/app", text: prog, mode: 0o755, uid: 65532}}, []string{"(BIN033)"}, "user 65532, who runs it"},
		"setuid Go program":       {good(nil), []entry{app, {path: "/bin/up", text: prog, mode: 0o4755}}, []string{"BIN033"}, "setuid programs of root: 1"},
		"setuid of others":        {good(nil), []entry{app, {path: "/bin/su", text: "\x7fELF", mode: 0o4755}}, []string{"(BIN033)"}, "setuid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := judgeImage(t, layout(t, c.config, c.entries...))
			if got := ids(r); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q\n%v", got, c.want, r.Findings)
			}
			if len(c.want) > 0 && len(r.Findings) > 0 && !strings.Contains(r.Findings[0].Message.String(), c.says) {
				t.Errorf("says %q, not %q", r.Findings[0].Message, c.says)
			}
			for _, kv := range r.Images[0].Env {
				if strings.Contains(kv, "hunter2") || strings.Contains(kv, "s3cretpw") {
					t.Errorf("the report says %q", kv)
				}
			}
			if len(r.Programs) == 0 && strings.HasPrefix(name, "good") {
				t.Error("no program was opened")
			}
		})
	}
}

// Programs for another processor than their image.
func TestImagePlatform(t *testing.T) {
	other := "arm64"
	prog := goProgram(t, hello, []string{"GOARCH=amd64"}, "-trimpath")
	r := judgeImage(t, layout(t, map[string]any{"architecture": other, "User": "1", "Entrypoint": []string{"/app"}}, entry{path: "/app", text: prog, mode: 0o755}))
	if got := says(r.Findings, "BIN001"); !strings.Contains(got, "linux/amd64, and the image for linux/arm64") {
		t.Errorf("found %q: %q", ids(r), got)
	}
}

// A program for newer ARM processors than its image is for. Programs of other
// systems can be in no image.
func TestImageProcessor(t *testing.T) {
	testkit.NeedE2E(t)
	arm := goProgram(t, hello, []string{"GOARCH=arm", "GOARM=7"}, "-trimpath")
	for variant, want := range map[string]string{"v6": "GOARM=7", "v7": ""} {
		r := judgeImage(t, layout(t, map[string]any{"architecture": "arm", "variant": variant, "User": "1", "Entrypoint": []string{"/app"}}, entry{path: "/app", text: arm, mode: 0o755}))
		if got := says(r.Findings, "BIN022"); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("arm/%s: %q, %q", variant, got, ids(r))
		}
		if len(r.Programs) == 0 {
			t.Errorf("arm/%s: no program was opened", variant)
		}
	}
	for _, goos := range []string{"windows", "darwin"} {
		prog := goProgram(t, hello, []string{"GOOS=" + goos, "GOARCH=amd64"}, "-trimpath")
		r := judgeOn(t, prog, rootOf(t, map[string]string{"/etc/passwd": ""}))
		if got := says(r.Findings, "BIN001"); !strings.Contains(got, goos+"/amd64") || r.Programs[0].Base.Starts != No {
			t.Errorf("%s: %q, %+v", goos, ids(r), r.Programs[0].Base)
		}
		r = judgeImage(t, layout(t, map[string]any{"User": "1", "Entrypoint": []string{"/app"}}, entry{path: "/app", text: prog, mode: 0o755}))
		if got := says(r.Findings, "BIN023"); !strings.Contains(got, "exec format error") {
			t.Errorf("%s in an image: %q", goos, ids(r))
		}
	}
}

// One file for two kinds of Mac, made as lipo does.
func TestFatProgram(t *testing.T) {
	testkit.NeedE2E(t)
	const align = 1 << 14
	be := binary.BigEndian
	b := make([]byte, align)
	be.PutUint32(b, 0xcafebabe)
	be.PutUint32(b[4:], 2)
	for i, c := range []struct {
		arch     string
		cpu, sub uint32 // mach/machine.h
	}{{"amd64", 0x01000007, 3}, {"arm64", 0x0100000c, 0}} {
		prog := goProgram(t, hello, []string{"GOOS=darwin", "GOARCH=" + c.arch}, "-trimpath")
		for k, v := range []uint32{c.cpu, c.sub, uint32(len(b)), uint32(len(prog)), 14} {
			be.PutUint32(b[8+20*i+4*k:], v)
		}
		b = append(b, prog...)
		b = append(b, make([]byte, (align-len(b)%align)%align)...)
	}
	r := judgeAlone(t, string(b))
	f := r.Programs[0].File
	if len(f.Slices) != 2 || f.Slices[0].Arch != "amd64" || f.Slices[1].Arch != "arm64" || f.Go == nil || f.OS != "darwin" {
		t.Errorf("%+v", f)
	}
	if got := ids(r); !slices.Equal(got, []string{"(BIN037)"}) {
		t.Errorf("found %q", got)
	}
}

// A position-independent program without cgo: it needs no library, and a
// loader all the same.
func TestPIEWithoutLibc(t *testing.T) {
	prog := goProgram(t, hello, nil, "-trimpath", "-buildmode=pie")
	r := judgeImage(t, layout(t, map[string]any{"User": "1", "Entrypoint": []string{"/app"}}, entry{path: "/app", text: prog, mode: 0o755}))
	if got := says(r.Findings, "BIN018"); !strings.Contains(got, "needs no library, and is started by /lib") {
		t.Errorf("found %q: %q", ids(r), got)
	}
	if r.Programs[0].Base.Starts != No {
		t.Errorf("the verdict is %+v", r.Programs[0].Base)
	}
}
