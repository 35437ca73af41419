package image

import (
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// root implements source.
func (s *session) root(ctx context.Context) (string, document, error) {
	what := s.ref.Digest
	if what == "" {
		what = s.ref.Tag
	}
	if what == "" {
		what = "latest" // what docker means by no tag
	}
	raw, err := s.fetchManifest(ctx, what)
	if err != nil {
		return "", document{}, err
	}
	doc, err := readDocument(raw, s.ref.String())
	return digestBytes(raw), doc, err
}

// manifest implements source.
func (s *session) manifest(ctx context.Context, digest string) ([]byte, error) {
	return s.fetchManifest(ctx, digest)
}

// fetchManifest reads what a tag or digest names; a digest is held against the
// bytes.
func (s *session) fetchManifest(ctx context.Context, what string) (raw []byte, err error) {
	err = s.try(ctx, func() error {
		d, rc, err := s.repo.FetchReference(ctx, what)
		if err != nil {
			return err
		}
		defer rc.Close()
		if d.Size > maxManifest {
			return fault.New(nil, i18n.M("image_remote.manifest.large", s.ref), unusable)
		}
		raw, err = io.ReadAll(io.LimitReader(rc, maxManifest+1))
		return err
	})
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if validDigest(what) && digestBytes(raw) != what {
		return nil, otherBytes(s.ref, what)
	}
	return raw, nil
}

// blob implements source.
func (s *session) blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	b := &download{ctx: ctx, session: s, want: d}
	if err := b.open(); err != nil {
		return nil, s.explain(ctx, err)
	}
	return b, nil
}

// download is a blob on its way. When the connection breaks, it is taken up
// where it broke, so that the reader sees one stream.
type download struct {
	ctx     context.Context
	session *session
	want    Descriptor
	rc      io.ReadCloser
	n       int64 // bytes given to the reader
	failed  int   // times it broke without getting far
	last    int64 // n when it broke last
}

// farEnough is the progress, in bytes, after which a broken connection is the
// first again.
const farEnough = 1 << 20

func (b *download) Read(p []byte) (int, error) {
	for {
		if b.rc == nil {
			if err := b.open(); err != nil {
				return 0, b.session.explain(b.ctx, err)
			}
		}
		n, err := b.rc.Read(p)
		b.n += int64(n)
		if err == io.EOF && b.n < b.want.Size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		_ = b.Close()
		if b.n-b.last >= farEnough {
			b.failed = 0
		}
		b.last = b.n
		b.failed++
		wait, again := b.session.again(err, b.failed)
		if !again || pause(b.ctx, wait) != nil {
			return n, b.session.explain(b.ctx, err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// open asks for the blob from b.n on.
func (b *download) open() error {
	return b.session.try(b.ctx, func() error {
		rc, err := b.session.repo.Blobs().Fetch(b.ctx, ocispec.Descriptor{Digest: digest.Digest(b.want.Digest), Size: b.want.Size})
		if err != nil {
			return err
		}
		if s, ok := rc.(io.Seeker); ok {
			_, err = s.Seek(b.n, io.SeekStart)
		} else {
			_, err = io.CopyN(io.Discard, rc, b.n) // a registry without ranges
		}
		if err != nil {
			_ = rc.Close()
			return fmt.Errorf("skip %d bytes: %w", b.n, err)
		}
		b.rc = rc
		return nil
	})
}

func (b *download) Close() error {
	if b.rc == nil {
		return nil
	}
	err := b.rc.Close()
	b.rc = nil
	return err
}
