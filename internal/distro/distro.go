// Package distro knows which C library well-known public images bring. What it
// does not know for certain it leaves unknown. It reads no image.
package distro

import (
	"go/version"
	"slices"
	"strings"
)

// Libc is the C library an image brings for dynamic programs.
type Libc string

// The C libraries.
const (
	Unknown Libc = ""
	None    Libc = "none" // no loader: only static programs start
	GNU     Libc = "glibc"
	Musl    Libc = "musl"
)

// glibcs are the versions of glibc in releases of distributions, by the words
// that name them in tags.
var glibcs = map[string]map[string]string{
	"debian": {
		"stretch": "2.24", "buster": "2.28", "bullseye": "2.31", "bookworm": "2.36", "trixie": "2.41",
		"9": "2.24", "10": "2.28", "11": "2.31", "12": "2.36", "13": "2.41",
	},
	"ubuntu": {
		"xenial": "2.23", "bionic": "2.27", "focal": "2.31", "jammy": "2.35", "noble": "2.39",
		"16.04": "2.23", "18.04": "2.27", "20.04": "2.31", "22.04": "2.35", "24.04": "2.39",
	},
	"amazonlinux": {"2": "2.26", "2023": "2.34"},
	"rockylinux":  {"8": "2.28", "9": "2.34", "10": "2.39"},
	"almalinux":   {"8": "2.28", "9": "2.34", "10": "2.39"},
}

// Glibc gives the version of glibc in an image, "" if its name and tag do not
// tell. name is without the default registry. A golang image without the name
// of a Debian release is at least the bookworm that Go 1.21 began with.
func Glibc(name, tag string) string {
	if image, ok := strings.CutPrefix(name, "gcr.io/distroless/"); ok {
		_, release, _ := strings.Cut(image, "-debian")
		return glibcs["debian"][release]
	}
	parts := strings.Split(tag, "-")
	switch name {
	case "golang":
		for _, p := range parts[1:] {
			if v := glibcs["debian"][p]; v != "" {
				return v
			}
		}
		if len(parts) == 1 && version.IsValid("go"+tag) && version.Compare("go"+tag, "go1.21") >= 0 {
			return glibcs["debian"]["bookworm"]
		}
		return ""
	case "debian":
		if release, _, ok := strings.Cut(parts[0], "."); ok && glibcs["debian"][release] != "" {
			return glibcs["debian"][release]
		}
	case "rockylinux", "almalinux":
		release, _, _ := strings.Cut(parts[0], ".")
		return glibcs[name][release]
	}
	return glibcs[name][parts[0]]
}

// short are names that people use for images, with what they stand for.
var short = map[string]string{
	"al2": "amazonlinux:2", "al2023": "amazonlinux:2023",
	"distroless":        "gcr.io/distroless/static-debian12",
	"distroless-static": "gcr.io/distroless/static-debian12",
	"distroless-base":   "gcr.io/distroless/base-debian12",
	"distroless-cc":     "gcr.io/distroless/cc-debian12",
}

// Distro is what is known about an image by its name alone.
type Distro struct {
	Libc  Libc
	Glibc string // version; "" unknown, or another C library
}

// Find gives what is known of an image such as debian:12, alpine:3.20, al2023
// or gcr.io/distroless/base-debian12, and whether anything is.
func Find(ref string) (Distro, bool) {
	if s, ok := short[ref]; ok {
		ref = s
	}
	ref, _, _ = strings.Cut(ref, "@")
	name, tag := ref, ""
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		name, tag = ref[:i], ref[i+1:]
	}
	for _, p := range []string{"index.", "docker.io/", "library/"} {
		name = strings.TrimPrefix(name, p)
	}
	if image, ok := strings.CutPrefix(name, "gcr.io/distroless/"); ok {
		flavour, _, _ := strings.Cut(image, "-debian")
		switch flavour {
		case "static":
			return Distro{Libc: None}, true
		case "base", "base-nossl", "cc":
			return Distro{Libc: GNU, Glibc: Glibc(name, tag)}, true
		}
		return Distro{}, false
	}
	if name == "alpine" || strings.HasPrefix(tag, "alpine") || strings.Contains(tag, "-alpine") {
		return Distro{Libc: Musl}, true
	}
	if v := Glibc(name, tag); v != "" {
		return Distro{Libc: GNU, Glibc: v}, true
	}
	if slices.Contains([]string{"debian", "ubuntu", "golang", "fedora", "rockylinux", "almalinux", "amazonlinux"}, name) {
		return Distro{Libc: GNU}, true
	}
	return Distro{}, false
}
