//go:build linux && amd64

package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/testkit"
)

const (
	badHello = "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"it works\") }\n"
	badCgo   = "package main\n\n// int works(void) { return 1; }\nimport \"C\"\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"it works\", C.works()) }\n"
	// It calls C once it has begun its work.
	badLib   = "package main\n\n// int foo_v2(void);\nimport \"C\"\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"it begins\")\n\tfmt.Println(\"it works\", C.foo_v2())\n}\n"
	badZone  = "package main\n\nimport (\n\t\"fmt\"\n\t\"time\"\n)\n\nfunc main() {\n\tat := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)\n\tfmt.Println(\"local time is\", at.Local().Format(\"15:04 MST\"))\n}\n"
	badNamed = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"time\"\n)\n\nfunc main() {\n\tl, err := time.LoadLocation(os.Getenv(\"TZ\"))\n\tif err != nil {\n\t\tfmt.Println(err)\n\t\tos.Exit(1)\n\t}\n\tfmt.Println(\"it works in\", l)\n}\n"
	badFIPS  = "package main\n\nimport (\n\t\"crypto/fips140\"\n\t\"fmt\"\n)\n\nfunc main() { fmt.Println(\"FIPS 140 is in force:\", fips140.Enabled()) }\n"
	badShell = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"os/exec\"\n)\n\nfunc main() {\n\tout, err := exec.Command(\"sh\", \"-c\", \"echo it works\").CombinedOutput()\n\tif err != nil {\n\t\tfmt.Println(err)\n\t\tos.Exit(1)\n\t}\n\tfmt.Print(string(out))\n}\n"
	badC     = "#include <stdio.h>\nint main(void) { puts(\"it works\"); return 0; }\n"
)

// build makes the Go programs of the table, each once.
func (k *badKit) hello() string   { return k.program(badHello) }
func (k *badKit) glibcGo() string { return k.program(badCgo, "CGO_ENABLED=1") }
func (k *badKit) muslGo() string {
	return k.program(badCgo, "CGO_ENABLED=1", "CC=musl-gcc", "-ldflags=-linkmode=external")
}

// c compiles a C program or library.
func (k *badKit) c(name, text string, args ...string) string {
	k.t.Helper()
	dir := k.t.TempDir()
	src, out := k.write(dir, name+".c", text), filepath.Join(dir, name)
	k.exec(dir, nil, "gcc", append([]string{"-o", out, src}, args...)...)
	return out
}

// libfoo is the library of which a program wants foo_v2: with it, or as it was
// before that was added.
func (k *badKit) libfoo(v2 bool) string {
	text := "int foo(void) { return 0; }\n"
	if v2 {
		text += "int foo_v2(void) { return 2; }\n"
	}
	return k.c("libfoo.so", text, "-shared", "-fPIC", "-Wl,-soname,libfoo.so.1")
}

// withLib is an image with a program that uses libfoo, and the files of glibc.
func (k *badKit) withLib(files ...testkit.ImageFile) []string {
	lib := k.libfoo(true)
	prog := k.program(badLib, "CGO_ENABLED=1", "CGO_LDFLAGS=-L"+filepath.Dir(lib)+" -lfoo")
	return k.image(nil, append(append(k.glibc(), k.app(prog, 0o755)), files...)...)
}

const foo = "/usr/lib/x86_64-linux-gnu/libfoo.so.1"

// newerGlibc is a C program that wants a symbol of glibc 2.38, which Debian 12
// does not have: what a newer build machine makes of strtol. Here a library that
// says that it is libc stands in for the newer glibc when it is linked.
func (k *badKit) newerGlibc() string {
	dir := k.t.TempDir()
	k.write(dir, "libc.c", "int slipway_new(void) { return 0; }\n")
	k.write(dir, "libc.map", "GLIBC_2.38 { slipway_new; };\n")
	// The linker takes one library of a name; the right name is put in afterwards.
	k.exec(dir, nil, "gcc", "-shared", "-fPIC", "-nostdlib", "-o", "libnew.so", "libc.c", "-Wl,-soname,libC.so.6", "-Wl,--version-script=libc.map")
	k.write(dir, "p.c", "#include <stdio.h>\nint slipway_new(void);\nint main(void) { puts(\"it works\"); return slipway_new(); }\n")
	k.exec(dir, nil, "gcc", "-o", "p", "p.c", "./libnew.so", "-Wl,--hash-style=gnu")
	b, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		k.t.Fatal(err)
	}
	return k.write(dir, "newer", strings.ReplaceAll(string(b), "libC.so.6\x00", "libc.so.6\x00"))
}

// busybox are a static shell and what it is linked to.
func (k *badKit) busybox() []testkit.ImageFile {
	return []testkit.ImageFile{k.file("/bin/busybox", k.musl+"/bin/busybox", 0o755), {Path: "/bin/sh", Link: "busybox"}, {Path: "/usr/bin/env", Link: "../../bin/busybox"}}
}

// shipped is what slipway ship makes of a program, on a base of these files.
func (k *badKit) shipped(text string, files ...testkit.ImageFile) []string {
	src := k.t.TempDir()
	k.write(src, "go.mod", "module example.com/app\n\ngo 1.26\n")
	k.write(src, "main.go", text)
	base := testkit.Layout(k.t, map[string]any{"User": "65532:65532"}, files...)
	k.exec(src, nil, "sh", "-c", `base=$(sed 's/.*"digest":"\([^"]*\)".*/\1/' "$2/index.json") && exec "$1" ship --target linux/amd64 --output dist --base "oci:$2@$base"`, "sh", k.slipway, base)
	return []string{filepath.Join(src, "dist")}
}

func (k *badKit) zoneFile() testkit.ImageFile {
	return k.file("/usr/share/zoneinfo/Asia/Shanghai", k.debian+"/usr/share/zoneinfo/Asia/Shanghai", 0o644)
}

func env(kv ...string) map[string]any             { return map[string]any{"Env": kv} }
func entry(words ...string) map[string]any        { return map[string]any{"Entrypoint": words} }
func text(at, s string) testkit.ImageFile         { return testkit.ImageFile{Path: at, Text: s, Mode: 0o755} }
func dir(at string, mode int64) testkit.ImageFile { return testkit.ImageFile{Path: at, Mode: mode} }

// repo builds a program of a repository twice: of the commit, and of a tree
// with something in it that is not committed.
func (k *badKit) repo(change string) (commit, changed, source string) {
	dir := k.t.TempDir()
	k.write(dir, "go.mod", "module example.com/app\n\ngo 1.26\n")
	k.write(dir, "main.go", badHello)
	k.write(dir, ".gitignore", "commit\nchanged\n")
	git(k.t, dir, "init", "-q")
	git(k.t, dir, "add", ".")
	git(k.t, dir, "commit", "-qm", "one")
	vars := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOWORK=off"}
	k.exec(dir, vars, "go", "build", "-buildvcs=true", "-o", "commit", ".")
	k.write(dir, change, badHello[:len(badHello)-2]+"; fmt.Println(1) }\n")
	k.exec(dir, vars, "go", "build", "-buildvcs=true", "-o", "changed", ".")
	if change != "main.go" {
		if err := os.Remove(filepath.Join(dir, change)); err != nil {
			k.t.Fatal(err)
		}
	}
	return filepath.Join(dir, "commit"), filepath.Join(dir, "changed"), dir
}

var knownBads = []knownBad{
	{
		id: "BIN001", what: "a program for arm64 in an image for amd64",
		bad: func(k *badKit) []string {
			return k.image(nil, k.app(k.program(badHello, "GOARCH=arm64"), 0o755))
		},
		says: "linux/arm64", ran: "exec format error", runID: "BIN040",
		good: func(k *badKit) []string { return k.image(nil, k.app(k.hello(), 0o755)) }, miss: "one for amd64", works: "it works",
	},
	{
		id: "BIN001", what: "a program for Windows on Debian",
		bad:  func(k *badKit) []string { return []string{k.program(badHello, "GOOS=windows"), "--base", k.debian} },
		says: "windows/amd64", ran: "",
		good: func(k *badKit) []string { return []string{k.hello(), "--base", k.debian} }, miss: "one for Linux", works: "it works",
	},
	{
		id: "BIN018", what: "a program with cgo on an empty root file system (FROM scratch)",
		bad:  func(k *badKit) []string { return []string{k.glibcGo(), "--base", "scratch"} },
		says: "/lib64/ld-linux-x86-64.so.2", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string {
			return []string{k.program(badCgo, "CGO_ENABLED=1", "-ldflags=-linkmode=external -extldflags=-static"), "--base", "scratch"}
		}, miss: "the same, linked statically", works: "it works 1",
	},
	{
		id: "BIN018", what: "`CGO_ENABLED=0 go build -buildmode=pie` on an empty root file system",
		bad:  func(k *badKit) []string { return []string{k.program(badHello, "-buildmode=pie"), "--base", "scratch"} },
		says: "needs no library", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string { return []string{k.program(badHello, "-buildmode=pie"), "--base", k.debian} }, miss: "the same program on Debian", works: "it works",
	},
	{
		id: "BIN020", what: "a program linked to glibc on a root file system with musl (Alpine)",
		bad:  func(k *badKit) []string { return []string{k.glibcGo(), "--base", k.musl} },
		says: "is linked to glibc", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string { return []string{k.muslGo(), "--base", k.musl} }, miss: "the same, linked to musl", works: "it works 1",
	},
	{
		id: "BIN020", what: "a program linked to musl on Debian",
		bad:  func(k *badKit) []string { return []string{k.muslGo(), "--base", k.debian} },
		says: "is linked to musl", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string { return []string{k.glibcGo(), "--base", k.debian} }, miss: "the same, linked to glibc", works: "it works 1",
	},
	{
		id: "BIN006", what: "a program that was linked where glibc is newer",
		bad:  func(k *badKit) []string { return []string{k.newerGlibc(), "--base", k.debian} },
		says: "2.38", ran: "version `GLIBC_2.38' not found", runID: "BIN041",
		good: func(k *badKit) []string { return []string{k.c("p", badC), "--base", k.debian} }, miss: "linked with Debian 12's own", works: "it works",
	},
	{
		id: "BIN006", what: "a program linked on Debian 12 for Amazon Linux 2",
		bad: func(k *badKit) []string {
			// pthread_key_create moved into libc with 2.34.
			return []string{k.c("p", "#include <pthread.h>\n"+badC[:len(badC)-len("{ puts(\"it works\"); return 0; }\n")]+"{ pthread_key_t k; puts(\"it works\"); return pthread_key_create(&k, 0); }\n"), "--base", "amazonlinux:2"}
		},
		says: "2.34", ran: "-",
		good: func(k *badKit) []string { return []string{k.hello(), "--base", "amazonlinux:2"} }, miss: "one without cgo",
	},
	{
		id: "BIN019", what: "a library of cgo is not in the image",
		bad:  func(k *badKit) []string { return k.withLib() },
		says: "libfoo.so.1", ran: "libfoo.so.1: cannot open shared object file: No such file or directory", runID: "BIN041",
		good: func(k *badKit) []string { return k.withLib(k.file(foo, k.libfoo(true), 0o644)) }, miss: "with the library", works: "it works 2",
	},
	{
		id: "BIN021", what: "the image's library is older than the one that was linked: a function is missing",
		bad:  func(k *badKit) []string { return k.withLib(k.file(foo, k.libfoo(false), 0o644)) },
		says: "foo_v2", ran: "undefined symbol: foo_v2", runID: "BIN041",
		good: func(k *badKit) []string { return k.withLib(k.file(foo, k.libfoo(true), 0o644)) }, miss: "with the library as it was linked", works: "it works 2",
	},
	{
		id: "BIN013", what: "TZ=Asia/Shanghai in an image without time zones",
		bad:  func(k *badKit) []string { return k.image(env("TZ=Asia/Shanghai"), k.app(k.program(badZone), 0o755)) },
		says: "every local time is UTC", ran: "local time is 04:00 UTC", runID: "",
		good: func(k *badKit) []string {
			return k.image(env("TZ=Asia/Shanghai"), k.app(k.program(badZone), 0o755), k.zoneFile())
		}, miss: "with that zone's file", works: "local time is 12:00 CST",
	},
	{
		id: "BIN013", what: "the same with a program that loads the zone by name",
		bad: func(k *badKit) []string {
			return k.image(env("TZ=Asia/Shanghai"), k.app(k.program(badNamed), 0o755))
		},
		says: "Asia/Shanghai", ran: "unknown time zone Asia/Shanghai", runID: "BIN041",
		good: func(k *badKit) []string {
			return k.image(env("TZ=Asia/Shanghai"), k.app(k.program(badNamed, "-tags=timetzdata"), 0o755))
		}, miss: "built with `-tags timetzdata`", works: "it works in Asia/Shanghai",
	},
	{
		id: "BIN023", what: "the entry point is not in the image",
		bad:  func(k *badKit) []string { return k.image(entry("/ap"), k.app(k.hello(), 0o755)) },
		says: "/ap", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string { return k.image(entry("/app"), k.app(k.hello(), 0o755)) }, miss: "under its right name", works: "it works",
	},
	{
		id: "BIN023", what: "shell form (ENTRYPOINT /app) in an image without a shell",
		bad:  func(k *badKit) []string { return k.image(entry("/bin/sh", "-c", "/app"), k.app(k.hello(), 0o755)) },
		says: "shell form needs", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string {
			return k.image(entry("/bin/sh", "-c", "/app"), append(k.busybox(), k.app(k.hello(), 0o755))...)
		}, miss: "with a shell", works: "it works",
	},
	{
		id: "BIN023", what: "a text file without a first line that names its interpreter",
		bad:  func(k *badKit) []string { return k.image(nil, text("/app", "echo it works\n")) },
		says: "exec format error", ran: "exec format error", runID: "BIN040",
		good: func(k *badKit) []string {
			return k.image(nil, append(k.busybox(), text("/app", "#!/bin/sh\necho it works\n"))...)
		}, miss: "with one", works: "it works",
	},
	{
		id: "BIN024", what: "only root may execute the program (mode 0700), and the image's user is another",
		bad:  func(k *badKit) []string { return k.image(nil, k.app(k.hello(), 0o700)) },
		says: "mode 700", ran: "permission denied", runID: "BIN040",
		good: func(k *badKit) []string { return k.image(nil, k.app(k.hello(), 0o711)) }, miss: "mode 0711", works: "it works",
	},
	{
		id: "BIN024", what: "the program lies in a directory that the image's user may not search",
		bad: func(k *badKit) []string {
			return k.image(entry("/opt/app"), dir("/opt/", 0o700), k.file("/opt/app", k.hello(), 0o755))
		},
		says: "/opt has mode 700", ran: "permission denied", runID: "BIN040",
		good: func(k *badKit) []string {
			return k.image(entry("/opt/app"), dir("/opt/", 0o711), k.file("/opt/app", k.hello(), 0o755))
		}, miss: "mode 0711", works: "it works",
	},
	{
		id: "BIN025", what: "a start script with Windows line ends",
		bad: func(k *badKit) []string {
			return k.image(entry("/run"), append(k.busybox(), k.app(k.hello(), 0o755), text("/run", "#!/bin/sh\r\nexec /app\r\n"))...)
		},
		says: "carriage return", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string {
			return k.image(entry("/run"), append(k.busybox(), k.app(k.hello(), 0o755), text("/run", "#!/bin/sh\nexec /app\n"))...)
		}, miss: "with Unix ones", works: "it works",
	},
	{
		id: "BIN025", what: "a start script for bash in an image that has none",
		bad: func(k *badKit) []string {
			return k.image(entry("/run"), append(k.busybox(), k.app(k.hello(), 0o755), text("/run", "#!/bin/bash\nexec /app\n"))...)
		},
		says: "/bin/bash", ran: "no such file or directory", runID: "BIN040",
		good: func(k *badKit) []string {
			return k.image(entry("/run"), append(k.busybox(), k.app(k.hello(), 0o755), text("/run", "#!/bin/sh\nexec /app\n"))...)
		}, miss: "for the shell it has", works: "it works",
	},
	{
		id: "BIN025", what: "`#!/usr/bin/env python3` without Python",
		bad: func(k *badKit) []string {
			return k.image(entry("/run"), append(k.busybox(), text("/run", "#!/usr/bin/env python3\nprint(1)\n"))...)
		},
		says: "python3", ran: "env: can't execute 'python3': No such file or directory", runID: "BIN041",
		good: func(k *badKit) []string {
			return k.image(entry("/run"), append(k.busybox(), text("/run", "#!/usr/bin/env sh\necho it works\n"))...)
		}, miss: "`#!/usr/bin/env sh`", works: "it works",
	},
	{
		id: "BIN027", what: "a user by name who is not in /etc/passwd",
		bad: func(k *badKit) []string {
			return k.image(map[string]any{"User": "app"}, k.app(k.hello(), 0o755), text("/etc/passwd", "root:x:0:0::/:/bin/sh\n"))
		},
		says: "runs as app", ran: "", runID: "",
		good: func(k *badKit) []string {
			return k.image(map[string]any{"User": "app"}, k.app(k.hello(), 0o755), text("/etc/passwd", "app:x:65532:65532::/:/bin/sh\n"))
		}, miss: "who is", works: "it works",
	},
	{
		id: "BIN029", what: "a working directory that is a file",
		bad: func(k *badKit) []string {
			return k.image(map[string]any{"WorkingDir": "/app"}, k.app(k.hello(), 0o755))
		},
		says: "not a directory", ran: "", runID: "",
		good: func(k *badKit) []string {
			return k.image(map[string]any{"WorkingDir": "/srv"}, k.app(k.hello(), 0o755), dir("/srv/", 0o755))
		}, miss: "a directory", works: "it works",
	},
	{
		id: "BIN035", what: "FIPS 140 built in (GOFIPS140=v1.0.0), and GODEBUG=fips140=off in the image",
		bad: func(k *badKit) []string {
			return k.image(env("GODEBUG=fips140=off"), k.app(k.program(badFIPS, "GOFIPS140=v1.0.0"), 0o755))
		},
		says: "fips140=off", ran: "FIPS 140 is in force: false", runID: "",
		good: func(k *badKit) []string {
			return k.image(env("GODEBUG=netdns=go"), k.app(k.program(badFIPS, "GOFIPS140=v1.0.0"), 0o755))
		}, miss: "another GODEBUG", works: "FIPS 140 is in force: true",
	},
	{
		id: "BIN031", what: "os/exec of sh in a shipped image whose base has no shell",
		bad:  func(k *badKit) []string { return k.shipped(badShell, dir("/tmp/", 0o777)) },
		says: "sh", ran: `exec: "sh": executable file not found in $PATH`, runID: "BIN041",
		good: func(k *badKit) []string { return k.shipped(badShell, k.busybox()...) }, miss: "on a base with one", works: "it works",
	},
	{
		id: "BIN061", what: "built from a tree with an uncommitted file that is no part of the program",
		bad: func(k *badKit) []string {
			_, changed, source := k.repo("note.txt")
			return []string{changed, "--rebuild", "--shared-cache", "--source", source}
		},
		says: "", ran: "it works", runID: "",
		good: func(k *badKit) []string {
			commit, _, source := k.repo("note.txt")
			return []string{commit, "--rebuild", "--shared-cache", "--source", source}
		}, miss: "built from the commit", works: "it works",
	},
	{
		id: "BIN060", what: "built from a tree with a change in it that is not committed",
		bad: func(k *badKit) []string {
			_, changed, source := k.repo("main.go")
			return []string{changed, "--rebuild", "--shared-cache", "--source", source}
		},
		says: "", ran: "it works\n1", runID: "",
		good: func(k *badKit) []string {
			commit, _, source := k.repo("main.go")
			return []string{commit, "--rebuild", "--shared-cache", "--source", source}
		}, miss: "built from the commit", works: "it works",
	},
}
