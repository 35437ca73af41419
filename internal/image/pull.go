package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// baseImage is a foreign image whose layers are on this disk.
type baseImage struct {
	Layers []Layer // with the media types of OCI
	Config configFile
	Digest string // of the manifest of the platform
}

// refuseTag tells what to write instead of a tag, which takes asking the
// registry what the tag is now.
func (r Remote) refuseTag(ctx context.Context, name reference) error {
	hint := i18n.M("image_remote.tag.hint")
	if digest, _, err := ResolveReference(ctx, r, name.String()); err == nil {
		hint = i18n.M("image_remote.tag.now.hint", name.pinned(digest))
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	return fault.UsageError(i18n.M("image_remote.tag", name), hint)
}

// puller brings one image into the cache.
type puller struct {
	remote   Remote
	name     reference
	cache    *Cache
	progress func(int64) // may be nil; bytes fetched so far, of all layers

	mu      sync.Mutex
	opened  source // nil until something was missing
	fetched int64
}

// base gives the image for platform p. The reference must name bytes (a
// digest, or a layout with a single image), so that the same plan gives the
// same image tomorrow. What is in the cache is not asked for again: a second
// build needs no network.
func (l *puller) base(ctx context.Context, p plan.Platform) (baseImage, error) {
	if l.name.Digest == "" && l.name.Dir == "" {
		return baseImage{}, l.remote.refuseTag(ctx, l.name)
	}
	defer l.close()
	return l.pull(ctx, p)
}

// source opens the registry or layout the first time something is missing.
func (l *puller) source() (source, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened == nil {
		src, err := l.remote.source(l.name)
		if err != nil {
			return nil, err
		}
		l.opened = src
	}
	return l.opened, nil
}

func (l *puller) close() {
	if l.opened != nil {
		l.opened.close()
	}
}

func (l *puller) pull(ctx context.Context, p plan.Platform) (baseImage, error) {
	digest := l.name.Digest
	if digest == "" {
		src, err := l.source()
		if err != nil {
			return baseImage{}, err
		}
		if digest, _, err = src.root(ctx); err != nil {
			return baseImage{}, err
		}
	}
	doc, err := l.document(ctx, digest)
	if err != nil {
		return baseImage{}, err
	}
	indexed := doc.isIndex()
	if indexed {
		m := doc.choose(p)
		if m == nil {
			return baseImage{}, l.otherPlatform(p, doc.platforms()...)
		}
		digest = m.Digest
		if doc, err = l.document(ctx, digest); err != nil {
			return baseImage{}, err
		}
		if doc.isIndex() {
			return baseImage{}, fault.New(nil, i18n.M("image_remote.manifest.nested", l.name), unusable)
		}
	}
	raw, err := l.small(ctx, *doc.Config)
	if err != nil {
		return baseImage{}, err
	}
	conf, err := readConfig(raw, l.name.String(), len(doc.Layers))
	if err != nil {
		return baseImage{}, err
	}
	have := conf.platform()
	if _, ok := fits(have, p); !ok && (!indexed || have.OS != p.OS || have.Arch != p.Arch) {
		// The variant in the configuration is often wrong; the index chose by its own.
		return baseImage{}, l.otherPlatform(p, have)
	}
	layers, err := l.layers(ctx, doc.Layers, conf.RootFS.DiffIDs)
	if err != nil {
		return baseImage{}, err
	}
	return baseImage{Layers: layers, Config: conf, Digest: digest}, nil
}

func (l *puller) otherPlatform(want plan.Platform, have ...plan.Platform) error {
	var list []string
	for _, p := range have {
		list = append(list, p.String())
	}
	return fault.UsageError(i18n.M("image_remote.platform", l.name, want), i18n.M("image_remote.platform.hint", strings.Join(list, ", ")))
}

// document gives a manifest or index from the cache or the source.
func (l *puller) document(ctx context.Context, digest string) (document, error) {
	name := l.name.pinned(digest).String()
	if raw, ok := l.cached(digest); ok {
		return readDocument(raw, name)
	}
	src, err := l.source()
	if err != nil {
		return document{}, err
	}
	raw, err := src.manifest(ctx, digest)
	if err != nil {
		return document{}, err
	}
	// Only what can be used is worth keeping.
	doc, err := readDocument(raw, name)
	if err != nil {
		return document{}, err
	}
	return doc, l.keep(ctx, digest, raw)
}

// small gives a configuration from the cache or the source.
func (l *puller) small(ctx context.Context, d Descriptor) ([]byte, error) {
	if raw, ok := l.cached(d.Digest); ok {
		return raw, nil
	}
	src, err := l.source()
	if err != nil {
		return nil, err
	}
	raw, err := readSmall(ctx, src, l.name, d)
	if err != nil {
		return nil, err
	}
	return raw, l.keep(ctx, d.Digest, raw)
}

func (l *puller) keep(ctx context.Context, digest string, raw []byte) error {
	_, err := l.cache.putBlob(ctx, bytes.NewReader(raw), digest, int64(len(raw)))
	return err
}

// cached reads a small blob from the cache. One that is damaged is not there.
func (l *puller) cached(digest string) ([]byte, bool) {
	path, err := l.cache.blobPath(digest)
	if err != nil {
		return nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	return raw, err == nil && digestBytes(raw) == digest
}

// layers brings the layers into the cache, several at a time.
func (l *puller) layers(ctx context.Context, list []Descriptor, diffIDs []string) ([]Layer, error) {
	out := make([]Layer, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, d := range list {
		g.Go(func() (err error) {
			out[i], err = l.layer(ctx, d, diffIDs[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (l *puller) layer(ctx context.Context, d Descriptor, diffID string) (Layer, error) {
	path, err := l.cache.blobPath(d.Digest)
	if err != nil {
		return Layer{}, err
	}
	layer := Layer{Descriptor: d, Title: "base", DiffID: diffID, Path: path}
	layer.remake = func(ctx context.Context) (Layer, error) {
		again := &puller{remote: l.remote, name: l.name, cache: l.cache}
		defer again.close()
		return again.layer(ctx, d, diffID)
	}
	if l.cache.hasBlob(d.Digest, d.Size) {
		layer.Reused = true
		return layer, nil
	}
	src, err := l.source()
	if err != nil {
		return Layer{}, err
	}
	rc, err := src.blob(ctx, d)
	if err != nil {
		return Layer{}, err
	}
	defer rc.Close()
	if _, err := l.cache.putBlob(ctx, l.counted(rc), d.Digest, d.Size); err != nil {
		return Layer{}, blobError(ctx, l.name, d, err)
	}
	return layer, nil
}

// counted reports what is read of r. Several layers are fetched at a time; who
// is told sees one number that grows.
func (l *puller) counted(r io.Reader) io.Reader {
	if l.progress == nil {
		return r
	}
	return readFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fetched += int64(n)
		l.progress(l.fetched)
		return n, err
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// blobError puts errCorrupt into words, and names the blob in errors that do
// not speak for themselves.
func blobError(ctx context.Context, name reference, d Descriptor, err error) error {
	if errors.Is(err, errCorrupt) {
		return otherBytes(name, d.Digest)
	}
	if _, ok := errors.AsType[*fault.Error](err); ok || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("fetch %s of %s: %w", d.Digest, name, err)
}

func otherBytes(name reference, digest string) error {
	return fault.New(nil, i18n.M("image_remote.content", name.repository(), digest), i18n.M("image_remote.content.hint"))
}
