package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// dockerAPI is a connection to a Docker engine: the few calls of
// https://docs.docker.com/reference/api/engine/ that a sandbox needs.
type dockerAPI struct {
	network, address string
	client           http.Client
}

// newDockerAPI takes an address in the form of DOCKER_HOST.
func newDockerAPI(host string) (*dockerAPI, error) {
	network, address, ok := strings.Cut(host, "://")
	if !ok || (network != "unix" && network != "tcp") || address == "" {
		return nil, fmt.Errorf("DOCKER_HOST %q: %w", host, ErrUnsupported)
	}
	d := &dockerAPI{network: network, address: address}
	d.client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.dial(ctx)
	}}
	return d, nil
}

func (d *dockerAPI) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, d.network, d.address)
}

// maxAnswer bounds what an engine may answer.
const maxAnswer = 16 << 20

// dockerError is what an engine answers when it refuses.
type dockerError struct {
	Status  int
	Message string
}

func (e *dockerError) Error() string { return "docker: " + e.Message }

// call sends a request with a JSON body, or the bytes of a reader, and decodes
// the answer into out. Both may be nil.
func (d *dockerAPI) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	kind := "application/json"
	switch v := in.(type) {
	case nil:
	case io.Reader:
		body, kind = v, "application/x-tar"
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+path+"?"+query.Encode(), body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("docker: %s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 400 {
		var m struct{ Message string }
		if json.Unmarshal(b, &m) != nil || m.Message == "" {
			m.Message = resp.Status
		}
		return &dockerError{Status: resp.StatusCode, Message: m.Message}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("docker: %s %s: %w", method, path, err)
	}
	return nil
}

// gone makes no error of what is not there, or is being removed already.
func gone(err error) error {
	var e *dockerError
	if errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusConflict) {
		return nil
	}
	return err
}

// attach connects to the standard streams of a container.
func (d *dockerAPI) attach(ctx context.Context, id string, stdin bool) (net.Conn, *bufio.Reader, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("docker: %w", err)
	}
	path := "/containers/" + id + "/attach?stream=1&stdout=1&stderr=1"
	if stdin {
		path += "&stdin=1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://docker"+path, nil)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "tcp")
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := req.Write(conn); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols && resp.StatusCode != http.StatusOK {
		err = &dockerError{Status: resp.StatusCode, Message: "attach: " + resp.Status}
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, r, nil
}

// demultiplex copies the frames of an attached container to its two streams.
func demultiplex(r io.Reader, stdout, stderr io.Writer) error {
	outs := map[byte]io.Writer{1: stdout, 2: stderr}
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		w := outs[head[0]]
		if w == nil {
			w = io.Discard
		}
		frame := io.LimitReader(r, int64(binary.BigEndian.Uint32(head[4:])))
		if _, err := io.Copy(w, frame); err != nil {
			outs[head[0]] = io.Discard // a program must not end for the sake of its listener
			if _, err := io.Copy(io.Discard, frame); err != nil {
				return err
			}
		}
	}
}
