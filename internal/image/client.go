package image

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// client does the requests of a session. Whatever an answer's status says is
// an error here, of one type; so the layers above know one kind of refusal,
// and one place keeps secrets out of messages.
type client struct {
	auth     *auth.Client
	hasLogin atomic.Bool // credentials were found for the registry
}

// Do implements remote.Client.
func (c *client) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.auth.Do(req)
	if err != nil {
		return nil, cleanError(req, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, readStatus(resp)
	}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t == "text/html" && resp.StatusCode == http.StatusOK {
		resp.Body.Close()
		return nil, errHTML
	}
	return resp, nil
}

// lookUp bounds the time of a credential helper and marks its errors.
func (c *client) lookUp(find auth.CredentialFunc) auth.CredentialFunc {
	return func(ctx context.Context, host string) (auth.Credential, error) {
		ctx, cancel := context.WithTimeout(ctx, maxHelper)
		defer cancel()
		cred, err := find(ctx, host)
		if err != nil {
			return auth.EmptyCredential, &credentialError{err}
		}
		c.hasLogin.Store(cred != auth.EmptyCredential)
		return cred, nil
	}
}

// errHTML says that a web page came where the registry's answer should be: a
// login page, a proxy's block page, or no registry at all.
var errHTML = errors.New("a web page came instead of an answer of a registry")

// credentialError says that the credentials could not be had.
type credentialError struct{ err error }

func (e *credentialError) Error() string { return redact(e.err.Error()) }
func (e *credentialError) Unwrap() error { return e.err }

// statusError is a registry's refusal. URL holds no query: upload locations
// and redirects carry tokens there.
type statusError struct {
	Method     string
	URL        string
	Host       string
	Status     int
	Code       string        // of the distribution specification, such as DENIED; may be empty
	Message    string        // of the registry; one line, may be empty
	RetryAfter time.Duration // 0: not said
}

func (e *statusError) Error() string {
	s := fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		s += ": " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Is makes a 404 what the library takes for absence.
func (e *statusError) Is(target error) bool {
	return target == errdef.ErrNotFound && e.Status == http.StatusNotFound
}

func (e *statusError) temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return e.Status >= http.StatusInternalServerError
}

// maxErrorBody bounds what is read of a refusal.
const maxErrorBody = 8 << 10

// readStatus makes the error of a refusal. The body is the distribution
// specification's error object, or anything.
func readStatus(resp *http.Response) *statusError {
	e := &statusError{
		Method: resp.Request.Method, URL: bareURL(resp.Request.URL), Host: resp.Request.URL.Host, Status: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	var body struct {
		Errors []errcode.Error `json:"errors"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, maxErrorBody)).Decode(&body) == nil && len(body.Errors) > 0 {
		e.Code, e.Message = body.Errors[0].Code, body.Errors[0].Message
	}
	e.say(resp.Request.Header.Get("Authorization"))
	return e
}

// say makes the registry's words fit to be shown: one short line, without what
// we said to it.
func (e *statusError) say(authorization string) {
	if scheme, secret, ok := strings.Cut(authorization, " "); ok && secret != "" {
		e.Message = strings.ReplaceAll(e.Message, secret, "…")
		if raw, err := base64.StdEncoding.DecodeString(secret); err == nil && strings.EqualFold(scheme, "basic") {
			if _, password, ok := strings.Cut(string(raw), ":"); ok && password != "" {
				e.Message = strings.ReplaceAll(e.Message, password, "…")
			}
		}
	}
	e.Code, e.Message = oneLine(e.Code, 64), redact(oneLine(e.Message, 256))
}

// retryAfter reads the header's seconds or date (RFC 9110, section 10.2.3).
func retryAfter(v string, now time.Time) time.Duration {
	if sec, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(sec) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// cleanError takes the URL out of an error's text.
func cleanError(req *http.Request, err error) error {
	// The token server's refusal comes as the library's own error.
	if e, ok := errors.AsType[*errcode.ErrorResponse](err); ok {
		s := &statusError{Method: e.Method, URL: bareURL(e.URL), Host: e.URL.Host, Status: e.StatusCode}
		if len(e.Errors) > 0 {
			s.Code, s.Message = e.Errors[0].Code, e.Errors[0].Message
		}
		s.say("")
		return s
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return &requestError{req.Method, bareURL(req.URL), err}
}

// requestError is a request without an answer.
type requestError struct {
	method, url string
	err         error
}

func (e *requestError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.method, e.url, redact(e.err.Error()))
}
func (e *requestError) Unwrap() error { return e.err }

// bareURL gives scheme, host and path.
func bareURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// redact takes user, password and query out of every URL in s.
func redact(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "://")
		if i < 0 {
			return b.String() + s
		}
		i += len("://")
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'<>\\", r) })
		if end < 0 {
			end = len(s)
		}
		u := s[:end]
		s = s[end:]
		u, _, _ = strings.Cut(u, "?")
		authority, path, _ := strings.Cut(u, "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			authority = authority[at+1:]
		}
		b.WriteString(authority)
		if path != "" {
			b.WriteString("/" + path)
		}
	}
}

// oneLine gives at most n bytes of s without control characters.
func oneLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return strings.TrimSpace(s)
}
