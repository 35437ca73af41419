package osv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

const (
	requestTime = 20 * time.Second // for one answer, its body included
	atOnce      = 8                // requests at a time
	maxHops     = 5                // redirects
)

// server is a database behind a URL.
type server struct {
	base    string
	cache   string // directory of this server alone, "" none
	offline bool
	client  *http.Client
}

func newServer(base string, o Options) *server {
	s := &server{base: strings.TrimRight(base, "/"), offline: o.Offline}
	if o.Cache != "" {
		sum := sha256.Sum256([]byte(s.base))
		s.cache = filepath.Join(o.Cache, hex.EncodeToString(sum[:])[:32])
	}
	s.client = &http.Client{Timeout: requestTime, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxHops:
			return errors.New("too many redirects")
		case via[0].URL.Scheme == "https" && r.URL.Scheme != "https":
			return errors.New("redirected from https to " + r.URL.Scheme)
		}
		return nil
	}}
	return s
}

func (s *server) read(ctx context.Context, modules []string) ([]facts.Advisory, error) {
	index, err := s.get(ctx, "index/modules.json", maxIndex, func(b []byte) error { return json.Unmarshal(b, new([]indexModule)) })
	if err != nil {
		return nil, s.fault(err)
	}
	ws, err := readIndex(index, modules)
	if err != nil {
		return nil, s.fault(fmt.Errorf("index/modules.json: %w", err))
	}
	var mu sync.Mutex
	var out []facts.Advisory
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(atOnce)
	for _, w := range ws {
		eg.Go(func() error {
			as, err := s.entry(ctx, w, modules)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, as...)
			return err
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

// entry gives one vulnerability: from the cache if the index says that it has
// not changed since.
func (s *server) entry(ctx context.Context, w wanted, modules []string) ([]facts.Advisory, error) {
	name := "ID/" + w.id + ".json"
	b, _, err := s.kept(name)
	var head struct {
		Modified string `json:"modified"`
	}
	if err != nil || w.modified == "" || json.Unmarshal(b, &head) != nil || head.Modified != w.modified {
		b, err = s.get(ctx, name, maxEntry, func(b []byte) error {
			_, err := decode(b, nil)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	as, err := decode(b, modules)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return as, nil
}

// statusError is an answer that is none.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("the server says %d %s", int(e), http.StatusText(int(e)))
}

// get gives a file of the server, which must pass valid before it is kept.
func (s *server) get(ctx context.Context, name string, most int64, valid func([]byte) error) ([]byte, error) {
	old, etag, err := s.kept(name)
	have := err == nil && valid(old) == nil
	if s.offline {
		if !have {
			return nil, ErrOffline
		}
		return old, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/"+name, nil)
	if err != nil {
		return nil, err
	}
	if have && etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && have && etag != "":
		return old, nil
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %w", name, statusError(resp.StatusCode))
	}
	b, err := readBounded(resp.Body, most)
	if err == nil {
		err = valid(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, withoutURL(err))
	}
	s.keep(name, b, resp.Header.Get("ETag"))
	return b, nil
}

// kept gives what is kept of a file, and its ETag. Both are in one file, the
// ETag on its first line, so that they cannot part.
func (s *server) kept(name string) (body []byte, etag string, err error) {
	if s.cache == "" {
		return nil, "", fs.ErrNotExist
	}
	b, err := readFile(s.file(name), maxIndex+maxETag)
	if err != nil {
		return nil, "", err
	}
	tag, rest, ok := strings.Cut(string(b), "\n")
	if !ok || len(tag) > maxETag {
		return nil, "", fs.ErrNotExist
	}
	return []byte(rest), tag, nil
}

const maxETag = 1 << 10 // bytes

func (s *server) file(name string) string {
	return filepath.Join(s.cache, strings.ReplaceAll(name, "/", "-"))
}

// keep is best effort: what cannot be kept is asked for again.
func (s *server) keep(name string, body []byte, etag string) {
	if s.cache == "" || os.MkdirAll(s.cache, 0o755) != nil {
		return
	}
	if len(etag) > maxETag || strings.ContainsAny(etag, "\r\n") {
		etag = ""
	}
	f, err := os.CreateTemp(s.cache, ".new-")
	if err != nil {
		return
	}
	_, err = f.Write(append([]byte(etag+"\n"), body...))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), s.file(name))
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

// withoutURL drops the URL from an error of the client: it may hold a
// password, and the message names the server.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		if ue.Timeout() {
			return errors.New("it does not answer in time")
		}
		return ue.Err
	}
	return err
}

func (s *server) fault(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	shown := s.base
	if u, perr := url.Parse(s.base); perr == nil {
		shown = u.Redacted()
	}
	msg, hint := i18n.M("osv.server", shown), i18n.M("osv.server.hint")
	if code, ok := errors.AsType[statusError](err); ok && code == http.StatusNotFound {
		msg, hint = i18n.M("osv.none", shown), i18n.M("osv.hint")
	}
	return fault.New(err, msg, hint)
}
