package image

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"oras.land/oras-go/v2/registry"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// layoutPrefix marks a reference to an OCI layout on this disk.
const layoutPrefix = "oci:"

// reference is the name of an image: registry/repository[:tag][@digest], or
// oci:DIR[@digest].
type reference struct {
	Host   string // of the registry, with its port; empty for a layout
	Repo   string
	Tag    string
	Digest string // sha256:<hex>; empty if not given
	Dir    string // of the layout; empty for a registry
}

// String gives the reference as it is written. A tag beside a digest says
// nothing and is left out.
func (r reference) String() string {
	s := r.repository()
	switch {
	case r.Digest != "":
		return s + "@" + r.Digest
	case r.Tag != "":
		return s + ":" + r.Tag
	}
	return s
}

// repository gives the reference without tag and digest.
func (r reference) repository() string {
	if r.Dir != "" {
		return layoutPrefix + r.Dir
	}
	return r.Host + "/" + r.Repo
}

// pinned gives the reference with a digest, and without the tag.
func (r reference) pinned(digest string) reference {
	r.Tag, r.Digest = "", digest
	return r
}

// below gives the reference as it is meant in a project: the directory of a
// layout is relative to that of the project.
func (r reference) below(dir string) reference {
	switch {
	case r.Dir == "" || filepath.IsAbs(r.Dir) || filepath.VolumeName(r.Dir) != "":
	case os.IsPathSeparator(r.Dir[0]): // on Windows: the drive is missing
		r.Dir = filepath.VolumeName(dir) + r.Dir
	default:
		r.Dir = filepath.Join(dir, r.Dir)
	}
	return r
}

// parseReference reads a reference. No registry is assumed: a name without
// one would mean another image on another machine.
func parseReference(s string) (reference, error) {
	name, digest, pinned := cutDigest(s)
	if pinned && !validDigest(digest) {
		return reference{}, fault.UsageError(i18n.M("image_remote.ref.digest", s), i18n.M("image_remote.ref.digest.hint"))
	}
	if dir, ok := strings.CutPrefix(name, layoutPrefix); ok {
		if dir == "" {
			return reference{}, badReference(s)
		}
		return reference{Dir: filepath.Clean(dir), Digest: digest}, nil
	}
	host, _, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return reference{}, fault.UsageError(i18n.M("image_remote.ref.host", s), i18n.M("image_remote.ref.host.hint", s))
	}
	p, err := registry.ParseReference(name)
	if err != nil {
		return reference{}, badReference(s)
	}
	return reference{Host: p.Registry, Repo: p.Repository, Tag: p.Reference, Digest: digest}, nil
}

func badReference(s string) error {
	return fault.UsageError(i18n.M("image_remote.ref", s), i18n.M("image_remote.ref.hint"))
}

// cutDigest splits name@digest. The @ of a directory's name is told apart by
// what follows it: a digest has an algorithm and no separator.
func cutDigest(s string) (name, digest string, ok bool) {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return s, "", false
	}
	after := s[i+1:]
	if strings.HasPrefix(s, layoutPrefix) && (!strings.Contains(after, ":") || strings.ContainsAny(after, `/\`)) {
		return s, "", false
	}
	return s[:i], after, true
}

// validDigest reports whether s is a sha256 digest, the only algorithm every
// registry knows.
func validDigest(s string) bool {
	_, err := hexOf(s)
	return err == nil
}

// ResolveReference tells what a reference points at now: the digest of its
// index or manifest, and the platforms it offers. It asks the registry each
// time, so that a plan can pin a tag.
func ResolveReference(ctx context.Context, r Remote, ref string) (digest string, platforms []plan.Platform, err error) {
	name, err := parseReference(ref)
	if err != nil {
		return "", nil, err
	}
	src, err := r.source(name)
	if err != nil {
		return "", nil, err
	}
	defer src.close()
	digest, doc, err := src.root(ctx)
	if err != nil {
		return "", nil, err
	}
	if doc.isIndex() {
		return digest, doc.platforms(), nil
	}
	raw, err := readSmall(ctx, src, name, *doc.Config)
	if err != nil {
		return "", nil, err
	}
	c, err := readConfig(raw, name.String(), len(doc.Layers))
	if err != nil {
		return "", nil, err
	}
	return digest, []plan.Platform{c.platform()}, nil
}

// source is where the parts of a foreign image come from: a registry or a
// layout.
type source interface {
	// root gives what the reference names, and its digest.
	root(ctx context.Context) (digest string, doc document, err error)
	// manifest gives a manifest or index, held against its digest.
	manifest(ctx context.Context, digest string) ([]byte, error)
	// blob streams a blob. Its bytes are not checked.
	blob(ctx context.Context, d Descriptor) (io.ReadCloser, error)
	close()
}

// source opens where the image of ref is.
func (r Remote) source(ref reference) (source, error) {
	if ref.Dir != "" {
		return layoutSource{ref}, nil
	}
	return r.dial(ref)
}

// readSmall reads a configuration of the image called name.
func readSmall(ctx context.Context, src source, name reference, d Descriptor) ([]byte, error) {
	rc, err := src.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	var b bytes.Buffer
	if err := copyHashed(ctx, &b, rc, d.Digest, d.Size); err != nil {
		return nil, blobError(ctx, name, d, err)
	}
	return b.Bytes(), nil
}
