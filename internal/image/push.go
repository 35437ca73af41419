package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/errdef"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// PushResult says where an image is now.
type PushResult struct {
	Reference string   `json:"reference"`      // registry/repository@sha256:… of the index
	Tags      []string `json:"tags,omitempty"` // registry/repository:tag
	Sent      int64    `json:"sent"`           // bytes of blobs uploaded
	Present   int64    `json:"present"`        // bytes of blobs the registry had
}

// Push uploads the images and their index to ref, a repository with or without
// a tag, and points that tag and the further ones at the index. Without any
// tag the index is reachable by its digest alone.
//
// Blobs go first, then manifests, then the index, then the tags: nobody ever
// sees a tag whose image is not complete. A blob the registry has is not sent.
//
// progress may be nil. It is called with a digest and the bytes of that blob
// sent so far, one call at a time; after a broken connection the count starts
// again.
func (r Remote) Push(ctx context.Context, ref string, made []Made, index Descriptor, indexRaw []byte, progress func(digest string, sent int64), tags ...string) (PushResult, error) {
	if err := r.CheckPush(ref); err != nil {
		return PushResult{}, err
	}
	name, tags, err := pushTarget(ref, tags)
	if err != nil {
		return PushResult{}, err
	}
	s, err := r.dial(name)
	if err != nil {
		return PushResult{}, err
	}
	defer s.close()
	p := &pusher{session: s, progress: progress}
	if err := p.push(ctx, made, index, indexRaw, tags); err != nil {
		return PushResult{}, s.explain(ctx, err)
	}
	p.result.Reference = name.pinned(index.Digest).String()
	for _, t := range tags {
		p.result.Tags = append(p.result.Tags, name.repository()+":"+t)
	}
	return p.result, nil
}

// CheckPush gives the errors of Push that can be known without a registry.
func (r Remote) CheckPush(ref string) error {
	name, _, err := pushTarget(ref, nil)
	if err != nil {
		return err
	}
	if r.Offline {
		return fault.New(nil, i18n.M("image_remote.push.offline", name), i18n.M("image_remote.push.offline.hint"))
	}
	return nil
}

// pushTarget checks where to push before anything is sent.
func pushTarget(ref string, more []string) (reference, []string, error) {
	name, err := parseReference(ref)
	if err != nil {
		return reference{}, nil, err
	}
	if name.Dir != "" || name.Digest != "" {
		return reference{}, nil, fault.UsageError(i18n.M("image_remote.push.ref", ref), i18n.M("image_remote.push.ref.hint"))
	}
	var tags []string
	for _, t := range append([]string{name.Tag}, more...) {
		if t == "" || slices.Contains(tags, t) {
			continue
		}
		if _, err := parseReference(name.repository() + ":" + t); err != nil || strings.ContainsAny(t, ":@/") {
			return reference{}, nil, fault.UsageError(i18n.M("image_remote.push.tag", t), i18n.M("image_remote.push.tag.hint"))
		}
		tags = append(tags, t)
	}
	return name, tags, nil
}

// pusher uploads one index and all below it.
type pusher struct {
	*session
	mu       sync.Mutex // guards result and progress
	result   PushResult
	progress func(string, int64)
}

func (p *pusher) push(ctx context.Context, made []Made, index Descriptor, indexRaw []byte, tags []string) error {
	manifests := map[string]bool{index.Digest: true}
	for _, m := range made {
		manifests[m.Manifest.Digest] = true
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, b := range parts(made, index, indexRaw) {
		if !manifests[b.digest] {
			g.Go(func() error { return p.blob(gctx, b) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, m := range made {
		if err := p.manifest(ctx, m.Manifest, m.Raw[m.Manifest.Digest], m.Manifest.Digest); err != nil {
			return err
		}
	}
	if err := p.manifest(ctx, index, indexRaw, index.Digest); err != nil {
		return err
	}
	for _, t := range tags {
		if err := p.manifest(ctx, index, indexRaw, t); err != nil {
			return err
		}
	}
	return nil
}

// blob uploads a layer or configuration unless the registry has it.
func (p *pusher) blob(ctx context.Context, b part) error {
	d := ocispec.Descriptor{Digest: digest.Digest(b.digest), Size: b.size}
	var there bool
	err := p.try(ctx, func() error {
		have, err := p.repo.Blobs().Resolve(ctx, b.digest)
		// A blob of another size under this digest is damaged: send it again.
		there = err == nil && have.Size == b.size
		if errors.Is(err, errdef.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if there {
		p.report(b, 0, b.size)
		return nil
	}
	if b.raw == nil {
		if err := b.layer.ensure(ctx); err != nil {
			return &localError{err}
		}
	}
	err = p.try(ctx, func() error {
		rc, err := b.open()
		if err != nil {
			return &localError{fmt.Errorf("read layer %s: %w", b.layer.Title, err)}
		}
		u := &upload{ReadCloser: rc, name: b.digest, report: func(n int64) { p.sending(b.digest, n) }}
		// The library closes it with the request; not when it fails before.
		defer u.Close()
		return p.repo.Blobs().Push(ctx, d, u)
	})
	if err != nil {
		return err
	}
	p.report(b, b.size, 0)
	return nil
}

func (p *pusher) report(b part, sent, present int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Sent += sent
	p.result.Present += present
	if p.progress != nil {
		p.progress(b.digest, b.size)
	}
}

func (p *pusher) sending(digest string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.progress != nil {
		p.progress(digest, n)
	}
}

// manifest uploads a manifest or index under a digest or tag. The registry
// answers with the digest of what it stored, which is held against ours.
func (p *pusher) manifest(ctx context.Context, d Descriptor, raw []byte, as string) error {
	desc := ocispec.Descriptor{MediaType: d.MediaType, Digest: digest.Digest(d.Digest), Size: d.Size}
	return p.try(ctx, func() error {
		return p.repo.Manifests().PushReference(ctx, desc, bytes.NewReader(raw), as)
	})
}

// open gives the bytes of the part.
func (p part) open() (io.ReadCloser, error) {
	if p.raw != nil {
		return io.NopCloser(bytes.NewReader(p.raw)), nil
	}
	return os.Open(p.layer.Path)
}

// upload counts what was read of a blob, until it is closed: a connection may
// still ask for more after the registry has refused.
type upload struct {
	io.ReadCloser
	name   string
	report func(int64)
	n      int64
	closed atomic.Bool
}

func (u *upload) Read(b []byte) (int, error) {
	if u.closed.Load() {
		return 0, os.ErrClosed
	}
	n, err := u.ReadCloser.Read(b)
	if n > 0 {
		u.n += int64(n)
		u.report(u.n)
	}
	if err != nil && err != io.EOF {
		err = &localError{fmt.Errorf("read %s: %w", u.name, err)}
	}
	return n, err
}

func (u *upload) Close() error {
	u.closed.Store(true)
	return u.ReadCloser.Close()
}
