package distro

import "testing"

func TestFind(t *testing.T) {
	for ref, want := range map[string]Distro{
		"debian:12":                         {GNU, "2.36"},
		"docker.io/library/debian:12.5":     {GNU, "2.36"},
		"debian:bookworm-slim":              {GNU, "2.36"},
		"ubuntu:22.04":                      {GNU, "2.35"},
		"al2023":                            {GNU, "2.34"},
		"amazonlinux:2":                     {GNU, "2.26"},
		"alpine:3.20":                       {Musl, ""},
		"golang:1.26-alpine":                {Musl, ""},
		"golang:1.26":                       {GNU, "2.36"},
		"golang:1.20":                       {GNU, ""},
		"distroless":                        {None, ""},
		"gcr.io/distroless/base-debian12":   {GNU, "2.36"},
		"gcr.io/distroless/static:nonroot":  {None, ""},
		"fedora:43":                         {GNU, ""},
		"debian:12@sha256:0123456789abcdef": {GNU, "2.36"},
	} {
		if got, ok := Find(ref); !ok || got != want {
			t.Errorf("Find(%q) = %v, %v; want %v", ref, got, ok, want)
		}
	}
	for _, ref := range []string{"", "mine:5000/debian:12", "example.com/team/orders:12", "gcr.io/distroless/java17-debian12", ":", "@"} {
		if got, ok := Find(ref); ok {
			t.Errorf("Find(%q) = %v; want nothing", ref, got)
		}
	}
}
