package image

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// defaultDocker is where Docker's engine listens unless told otherwise.
const defaultDocker = "unix:///var/run/docker.sock"

// How long a Docker engine may take. While it unpacks a layer it reports
// progress, but a slow disk may hold up a single report.
const (
	dockerAnswer = 15 * time.Second
	dockerStall  = 2 * time.Minute
)

// LoadDocker streams an archive as `docker save` writes it into the Docker
// engine at host, in the form of DOCKER_HOST; "" is the engine's usual socket.
// It returns the names the engine gave, in its order. archive is called once
// an engine has answered, so nothing is made for nobody.
//
// It speaks the engine API (POST /images/load) without a version, which every
// engine accepts.
func LoadDocker(ctx context.Context, host string, archive func(io.Writer) error) ([]string, error) {
	d, err := newDocker(host)
	if err != nil {
		return nil, err
	}
	defer d.transport.CloseIdleConnections()
	if err := d.ping(ctx); err != nil {
		return nil, d.explain(ctx, err)
	}
	names, err := d.load(ctx, archive)
	if err != nil {
		return nil, d.explain(ctx, err)
	}
	return names, nil
}

// docker is an engine.
type docker struct {
	host      string // as the user wrote it
	path      string // of its socket; empty for tcp
	base      string // of its URLs
	transport *http.Transport
	client    *http.Client
}

func newDocker(host string) (*docker, error) {
	if host == "" {
		host = defaultDocker
	}
	bad := fault.UsageError(i18n.M("image_remote.docker.host", redact(host)), i18n.M("image_remote.docker.host.hint"))
	u, err := url.Parse(host)
	if err != nil {
		return nil, bad
	}
	d := &docker{host: redact(host), transport: &http.Transport{MaxIdleConns: 1}}
	dialer := net.Dialer{Timeout: dockerAnswer}
	switch {
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		d.path, d.base = u.Path, "http://docker"
		d.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", d.path)
		}
	case (u.Scheme == "tcp" || u.Scheme == "http") && u.Port() != "" && strings.Trim(u.Path, "/") == "":
		d.base = "http://" + u.Host
		d.transport.DialContext = dialer.DialContext
	default:
		return nil, bad
	}
	d.client = &http.Client{Transport: &watch{base: d.transport, first: dockerAnswer, stall: dockerStall, commit: dockerStall}}
	return d, nil
}

// errNoDocker says that something else answers.
var errNoDocker = errors.New("not a Docker engine")

// ping makes sure that an engine is there.
func (d *docker) ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/_ping", nil)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || string(bytes.TrimSpace(body)) != "OK" {
		return errNoDocker
	}
	return nil
}

func (d *docker) load(ctx context.Context, archive func(io.Writer) error) ([]string, error) {
	pr, pw := io.Pipe()
	made := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(pw, 64<<10)
		err := archive(w)
		if err == nil {
			err = w.Flush()
		}
		_ = pw.CloseWithError(err) // never fails
		made <- err
	}()
	body := unwanted{pr}
	names, err := d.post(ctx, body)
	_ = body.Close()
	if archiveErr := <-made; archiveErr != nil && !errors.Is(archiveErr, errNotWanted) {
		return nil, archiveErr
	}
	return names, err
}

// errNotWanted ends the archive when the engine has stopped reading.
var errNotWanted = errors.New("the engine stopped reading")

// unwanted is a pipe whose writer learns that it was closed by the reader.
type unwanted struct{ *io.PipeReader }

func (u unwanted) Close() error { return u.CloseWithError(errNotWanted) }

func (d *docker) post(ctx context.Context, body io.Reader) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/images/load", body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-tar")
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var refusal struct {
			Message string `json:"message"`
		}
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // the status is enough
		if json.Unmarshal(raw, &refusal) != nil || refusal.Message == "" {
			refusal.Message = string(raw)
		}
		return nil, &loadError{fmt.Sprintf("%s: %s", resp.Status, oneLine(refusal.Message, 512))}
	}
	return readLoaded(resp.Body)
}

// loadError is the engine's own account of what went wrong.
type loadError struct{ message string }

func (e *loadError) Error() string { return e.message }

// readLoaded reads the engine's messages: JSON objects, one after the other.
// Success ends with "Loaded image: NAME" for each name, or "Loaded image ID:
// sha256:…" for an image without one. A failure comes as a message, too, for
// the status was sent before.
func readLoaded(r io.Reader) ([]string, error) {
	var names []string
	dec := json.NewDecoder(r)
	for {
		var m struct {
			Stream string `json:"stream"`
			Error  string `json:"error"`
		}
		err := dec.Decode(&m)
		if err == io.EOF {
			break
		}
		if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
			return nil, errNoDocker
		}
		if err != nil {
			return nil, err
		}
		if m.Error != "" {
			return nil, &loadError{oneLine(m.Error, 512)}
		}
		for _, mark := range []string{"Loaded image: ", "Loaded image ID: "} {
			if name, ok := strings.CutPrefix(strings.TrimSpace(m.Stream), mark); ok {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil, &loadError{"it took the archive and named no image"}
	}
	return names, nil
}

// explain says in words why the engine could not be used.
func (d *docker) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	hint := i18n.M("image_remote.docker.hint")
	silent, isSilent := errors.AsType[*silentError](err)
	refusal, isRefusal := errors.AsType[*loadError](err)
	request, isURL := errors.AsType[*url.Error](err)
	_, isNet := errors.AsType[*net.OpError](err)
	switch {
	case isRefusal:
		return fault.New(refusal, i18n.M("image_remote.docker.load", d.host), i18n.M("image_remote.docker.load.hint"))
	case errors.Is(err, errNoDocker):
		return fault.New(nil, i18n.M("image_remote.docker.other", d.host), hint)
	case isSilent:
		return fault.New(nil, i18n.M("image_remote.docker.silent", d.host, silent.wait), hint)
	case !isURL && !isNet && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("make the archive for docker: %w", err)
	case d.path != "" && errors.Is(err, fs.ErrNotExist):
		return fault.New(nil, i18n.M("image_remote.docker.missing", d.path), hint)
	case d.path != "" && errors.Is(err, fs.ErrPermission):
		return fault.New(nil, i18n.M("image_remote.docker.denied", d.path), i18n.M("image_remote.docker.denied.hint"))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(nil, i18n.M("image_remote.docker.refused", d.host), hint)
	}
	if isURL {
		err = request.Err // the URL is made up
	}
	return fault.New(&wordsError{err}, i18n.M("image_remote.docker.broken", d.host), hint)
}
