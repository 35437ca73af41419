package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// explain says in words why the registry could not be used, and what to do.
// Causes it keeps hold no credentials; see client.
func (s *session) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*localError](err); ok {
		return e.err
	}
	host := s.ref.Host
	if e, ok := errors.AsType[*statusError](err); ok {
		return s.explainStatus(e)
	}
	if e, ok := errors.AsType[*credentialError](err); ok {
		return fault.New(e, i18n.M("image_remote.credentials", host), i18n.M("image_remote.credentials.hint", s.DockerConfig))
	}
	if errors.Is(err, auth.ErrBasicCredentialNotFound) {
		return fault.New(nil, i18n.M("image_remote.login", host, s.ref), i18n.M("image_remote.login.hint", host))
	}
	if errors.Is(err, errHTML) {
		return fault.New(nil, i18n.M("image_remote.html", host), i18n.M("image_remote.html.hint"))
	}
	if e, ok := errors.AsType[*silentError](err); ok {
		return fault.New(nil, i18n.M("image_remote.silent", host, e.wait.Round(time.Millisecond)), i18n.M("image_remote.silent.hint"))
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fault.New(e, i18n.M("image_remote.dns", host), i18n.M("image_remote.dns.hint"))
	}
	if speaksPlain(err) {
		return fault.New(nil, i18n.M("image_remote.plain", host), i18n.M("image_remote.plain.hint"))
	}
	if isTLS(err) {
		return fault.New(inner(err), i18n.M("image_remote.tls", host), i18n.M("image_remote.tls.hint"))
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fault.New(nil, i18n.M("image_remote.refused", host), i18n.M("image_remote.refused.hint"))
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		if e.Timeout() {
			return fault.New(nil, i18n.M("image_remote.silent", host, s.FirstByte), i18n.M("image_remote.silent.hint"))
		}
		return fault.New(e, i18n.M("image_remote.broken", host), i18n.M("image_remote.broken.hint"))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.New(nil, i18n.M("image_remote.broken", host), i18n.M("image_remote.broken.hint"))
	}
	return fault.New(&wordsError{err}, i18n.M("image_remote.protocol", host), i18n.M("image_remote.protocol.hint"))
}

func (s *session) explainStatus(e *statusError) error {
	host := s.ref.Host
	var msg, hint i18n.Message
	switch {
	case e.Status == http.StatusUnauthorized && s.client.hasLogin.Load():
		msg, hint = i18n.M("image_remote.badlogin", host, s.ref), i18n.M("image_remote.login.hint", host)
	case e.Status == http.StatusUnauthorized:
		msg, hint = i18n.M("image_remote.login", host, s.ref), i18n.M("image_remote.login.hint", host)
	case e.Status == http.StatusForbidden:
		msg, hint = i18n.M("image_remote.denied", host, s.ref), i18n.M("image_remote.denied.hint", host)
	case e.Status == http.StatusNotFound:
		msg, hint = i18n.M("image_remote.notfound", host, s.ref), i18n.M("image_remote.notfound.hint", host)
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		msg, hint = i18n.M("image_remote.limited", host), i18n.M("image_remote.limited.after.hint", e.RetryAfter.Round(time.Second))
	case e.Status == http.StatusTooManyRequests:
		msg, hint = i18n.M("image_remote.limited", host), i18n.M("image_remote.limited.hint", host)
	case e.Status >= http.StatusInternalServerError:
		msg, hint = i18n.M("image_remote.server", host), i18n.M("image_remote.server.hint")
	default:
		msg, hint = i18n.M("image_remote.status", host), i18n.M("image_remote.status.hint")
	}
	return fault.New(e, msg, hint)
}

// localError marks what went wrong on this machine, for which no registry is
// to blame.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// isTLS reports whether err is about certificates or the handshake.
func isTLS(err error) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	return record || verify || alert || authority || host
}

// speaksPlain reports whether http came where https was expected.
func speaksPlain(err error) bool {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return string(e.RecordHeader[:]) == "HTTP/"
	}
	return errors.Is(err, http.ErrSchemeMismatch)
}

// inner gives the error below the request's name, which repeats the host.
func inner(err error) error {
	if e, ok := errors.AsType[*requestError](err); ok {
		return &wordsError{e.err}
	}
	return &wordsError{err}
}

// wordsError is an error of a library whose text may quote a URL in full.
type wordsError struct{ err error }

func (e *wordsError) Error() string { return redact(oneLine(e.err.Error(), 512)) }
func (e *wordsError) Unwrap() error { return e.err }
