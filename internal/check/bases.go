package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
)

// libc is the C library an image brings for dynamic programs.
type libc string

const (
	libcUnknown libc = "unknown"
	libcNone    libc = "none"
	libcGlibc   libc = "glibc"
	libcMusl    libc = "musl"
)

// base is what is known for certain about the image a stage begins with.
// What is not known stays unknown: no rule may take it for absent.
type base struct {
	ref   facts.ImageRef // the image at the end of the chain of stages
	libc  libc
	shell facts.Certain // has /bin/sh
	root  facts.Certain // its configuration names no other user than root
}

// name is the reference with its variables expanded, as far as they can be.
func (b base) name() string {
	if !b.ref.Resolved {
		return b.ref.Raw
	}
	name := b.ref.Name
	if b.ref.Tag != "" {
		name += ":" + b.ref.Tag
	}
	if b.ref.Digest != "" {
		name += "@" + b.ref.Digest
	}
	return name
}

// foreignLibc are the words in RUN lines that show that programs for another C
// library can be built or run as well.
var foreignLibc = map[libc][]string{
	libcMusl:  {"gcompat", "libc6-compat", "glibc", "ld-linux"},
	libcGlibc: {"musl"},
}

// baseOf finds the image below s and what it brings.
func baseOf(d *facts.Dockerfile, s *facts.Stage) base {
	stages := d.Lineage(s)
	b := known(stages[len(stages)-1].Base)
	for _, s := range stages {
		for _, c := range s.Copies {
			if bringsRoot(c) {
				b.shell, b.libc = maybe(b.shell), libcUnknown
			}
			if bringsLoader(c) {
				b.libc = libcUnknown
			}
			if bringsShell(c) {
				b.shell = maybe(b.shell)
			}
		}
		for _, r := range s.Runs {
			if slices.ContainsFunc(foreignLibc[b.libc], func(pkg string) bool { return strings.Contains(r.Raw, pkg) }) {
				b.libc = libcUnknown
			}
		}
	}
	return b
}

// maybe turns a no into an unknown.
func maybe(c facts.Certain) facts.Certain {
	if c == facts.No {
		return facts.Unknown
	}
	return c
}

// bringsRoot reports whether c may fill directories that hold shells and
// libraries with files nobody listed: whole root file systems, archives.
func bringsRoot(c facts.Copy) bool {
	if c.Add {
		for _, s := range c.Srcs {
			if strings.Contains(path.Base(s), ".t") { // .tar, .tar.gz, .tgz are unpacked
				return true
			}
		}
	}
	dst := path.Clean("/" + c.Dst)
	for _, s := range c.Srcs {
		dir := strings.HasSuffix(s, "/") || path.Ext(s) == "" && strings.Contains(s, "rootfs")
		whole := path.Clean("/"+s) == "/" || strings.HasSuffix(s, "/*") || strings.HasSuffix(s, "/.") || dir
		if whole && slices.Contains([]string{"/", "/usr", "/bin", "/lib", "/lib64", "/usr/bin", "/usr/lib"}, dst) {
			return true
		}
	}
	return false
}

// bringsLoader reports whether c copies libraries.
func bringsLoader(c facts.Copy) bool {
	dst := path.Clean("/"+c.Dst) + "/"
	for _, dir := range []string{"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/local/lib/"} {
		if strings.HasPrefix(dst, dir) {
			return true
		}
	}
	return slices.ContainsFunc(c.Srcs, func(s string) bool {
		return strings.Contains(s, "ld-linux") || strings.Contains(s, "ld-musl") || strings.Contains(s, ".so")
	})
}

// bringsShell reports whether c may put a shell somewhere.
func bringsShell(c facts.Copy) bool {
	dst := path.Clean("/" + c.Dst)
	for _, s := range append([]string{dst}, c.Srcs...) {
		for part := range strings.SplitSeq(s, "/") {
			switch part {
			case "sh", "bash", "dash", "ash", "busybox", "busybox.static", "toybox":
				return true
			}
		}
	}
	into := dst == "/bin" || dst == "/usr/bin" || dst == "/"
	return into && slices.ContainsFunc(c.Srcs, func(s string) bool { return strings.ContainsAny(s, "*\x00$") || path.Base(s) == "bin" }) ||
		strings.ContainsAny(c.Dst, "\x00$") || strings.Contains(c.From, "busybox")
}

// known tells what an image brings, for the images whose content is public
// knowledge and has been the same for years.
func known(ref facts.ImageRef) base {
	b := base{ref: ref, libc: libcUnknown, shell: facts.Unknown, root: facts.Unknown}
	if !ref.Resolved {
		return b
	}
	name := ref.Familiar()
	tag := ref.Tag
	switch {
	case name == "scratch":
		b.libc, b.shell, b.root = libcNone, facts.No, facts.Yes
	case strings.HasPrefix(name, "gcr.io/distroless/"):
		distroless(&b, strings.TrimPrefix(name, "gcr.io/distroless/"))
	case name == "alpine", strings.HasPrefix(tag, "alpine"), strings.Contains(tag, "-alpine"):
		b.libc, b.shell = libcMusl, facts.Yes
		if name == "alpine" || name == "golang" {
			b.root = facts.Yes
		}
	case name == "busybox":
		b.shell, b.root = facts.Yes, facts.Yes
	case slices.Contains([]string{"debian", "ubuntu", "golang", "fedora", "rockylinux", "almalinux", "amazonlinux", "buildpack-deps"}, name):
		if strings.Contains(tag, "windowsservercore") || strings.Contains(tag, "nanoserver") {
			return b
		}
		b.libc, b.shell, b.root = libcGlibc, facts.Yes, facts.Yes
	}
	return b
}

// distroless fills in what the images of that project bring: a shell only in
// the debug variants, and there at /busybox/sh; root unless the tag says so.
// static has no C library, base, base-nossl and cc have glibc.
func distroless(b *base, image string) {
	flavour, _, _ := strings.Cut(image, "-debian")
	switch flavour {
	case "static":
		b.libc = libcNone
	case "base", "base-nossl", "cc":
		b.libc = libcGlibc
	default:
		return
	}
	if !strings.Contains(b.ref.Tag, "debug") && (b.ref.Tag != "" || b.ref.Digest == "") {
		b.shell = facts.No
	}
	switch {
	case strings.Contains(b.ref.Tag, "nonroot"):
		b.root = facts.No
	case b.ref.Tag != "" || b.ref.Digest == "":
		b.root = facts.Yes
	}
}
