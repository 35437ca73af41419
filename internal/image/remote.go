package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Remote is how registries are reached. The zero value reaches any registry
// without credentials.
type Remote struct {
	DockerConfig string                                // directory of docker's config.json; "" = no credentials
	Offline      bool                                  // refuse to reach anything
	PlainHTTP    func(host string) bool                // who speaks http; host has its port; nil: only loopback hosts
	UserAgent    string                                // sent with each request; "" = slipway
	Proxy        func(*http.Request) (*url.URL, error) // nil: none
	Roots        *x509.CertPool                        // authorities; nil: the system's

	FirstByte time.Duration // longest wait for a connection and the beginning of an answer; 0 = 15 s
	Stall     time.Duration // longest wait for the next byte of a transfer; 0 = 30 s
	Attempts  int           // how often a request is made before it counts as refused; 0 = 4
	Backoff   time.Duration // wait before the second attempt, doubled for each further one; 0 = 250 ms
}

const (
	// maxWait is the longest pause a registry can impose by Retry-After. What
	// asks for more is an error now, not a program that seems to hang.
	maxWait = time.Minute
	// maxHelper is the longest a credential helper may take; it may have to ask
	// for a passphrase.
	maxHelper = time.Minute
	// parallel is the number of blobs of one image that move at a time.
	parallel = 4
)

// session is one conversation with one repository. It holds the tokens, so it
// is used for all of an image.
type session struct {
	Remote
	ref       reference
	repo      *remote.Repository
	transport *http.Transport
	client    *client
	answered  atomic.Bool // the registry has answered anything at all
}

// dial prepares a session; the first byte is sent when it is used. The caller
// closes it.
func (r Remote) dial(ref reference) (*session, error) {
	if r.Offline {
		return nil, fault.New(nil, i18n.M("image_remote.offline", ref), i18n.M("image_remote.offline.hint"))
	}
	if r.FirstByte <= 0 {
		r.FirstByte = 15 * time.Second
	}
	if r.Stall <= 0 {
		r.Stall = 30 * time.Second
	}
	if r.Attempts <= 0 {
		r.Attempts = 4
	}
	if r.Backoff <= 0 {
		r.Backoff = 250 * time.Millisecond
	}
	if r.UserAgent == "" {
		r.UserAgent = "slipway"
	}
	if r.PlainHTTP == nil {
		r.PlainHTTP = isLoopback
	}
	s := &session{Remote: r, ref: ref}
	s.transport = &http.Transport{
		Proxy:               r.Proxy,
		DialContext:         (&net.Dialer{Timeout: r.FirstByte}).DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: parallel,
		IdleConnTimeout:     r.Stall,
		// Blobs are compressed already, and their digest is over what is sent.
		DisableCompression: true,
	}
	s.client = &client{auth: &auth.Client{
		Client: &http.Client{Transport: &watch{
			base: s.transport, first: r.FirstByte, stall: r.Stall, commit: 4 * r.Stall, answered: &s.answered,
		}},
		Header: http.Header{"User-Agent": {r.UserAgent}},
		Cache:  auth.NewCache(),
	}}
	if r.DockerConfig != "" {
		file := filepath.Join(r.DockerConfig, "config.json")
		store, err := credentials.NewStore(file, credentials.StoreOptions{})
		if err != nil {
			e := fault.UsageError(i18n.M("image_remote.dockerconfig", redact(err.Error())), i18n.M("image_remote.dockerconfig.hint"))
			e.Pos.File = file
			return nil, e
		}
		s.client.auth.Credential = s.client.lookUp(credentials.Credential(store))
	}
	s.repo = &remote.Repository{
		Client:             s.client,
		Reference:          registry.Reference{Registry: ref.Host, Repository: ref.Repo},
		PlainHTTP:          r.PlainHTTP(ref.Host),
		ManifestMediaTypes: []string{MediaTypeIndex, dockerList, MediaTypeManifest, dockerManifest},
		MaxMetadataBytes:   maxManifest,
	}
	return s, nil
}

func (s *session) close() { s.transport.CloseIdleConnections() }

// isLoopback reports whether host (with or without a port) is this machine.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// try runs op until it succeeds, fails for good, or has failed s.Attempts
// times.
func (s *session) try(ctx context.Context, op func() error) error {
	for n := 1; ; n++ {
		err := op()
		if err == nil {
			return nil
		}
		wait, again := s.again(err, n)
		if !again || pause(ctx, wait) != nil {
			return err
		}
	}
}

// again tells whether what failed for the nth time with err is worth another
// attempt, and after what wait.
func (s *session) again(err error, n int) (time.Duration, bool) {
	if n >= s.Attempts || !s.temporary(err) {
		return 0, false
	}
	if e, ok := errors.AsType[*statusError](err); ok && e.RetryAfter > 0 {
		return e.RetryAfter, e.RetryAfter <= maxWait
	}
	wait := min(s.Backoff<<(n-1), maxWait/4)
	// Half of it is left to chance: clients that failed together should not
	// come back together.
	return wait/2 + rand.N(wait/2+1), true
}

// temporary tells whether err may go away by itself. A host that has never
// answered is unreachable rather than busy: there, silence and a refused
// connection are final.
func (s *session) temporary(err error) bool {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.temporary()
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return true
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.IsTemporary && !e.IsNotFound
	}
	_, silent := errors.AsType[*silentError](err)
	_, network := errors.AsType[*net.OpError](err)
	return (silent || network) && s.answered.Load() && !isTLS(err)
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
