package image

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// openEngine asks a Docker engine for an image, as `docker save` does (engine
// API, GET /images/get).
func openEngine(ctx context.Context, name string, o InspectOptions) (store, error) {
	if name == "" {
		return nil, fault.UsageError(i18n.M("image_inspect.engine.name"), i18n.M("image_inspect.engine.none.hint"))
	}
	d, err := newDocker(o.DockerHost)
	if err != nil {
		return nil, err
	}
	defer d.transport.CloseIdleConnections()
	if err := d.ping(ctx); err != nil {
		return nil, d.explain(ctx, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/images/get?names="+url.QueryEscape(name), nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, d.explain(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, d.noImage(resp, name)
	}
	var n int64
	s, err := tempArchive(dockerPrefix+name, o, readFunc(func(p []byte) (int, error) {
		m, err := resp.Body.Read(p)
		if n += int64(m); o.Progress != nil && m > 0 {
			o.Progress(n)
		}
		return m, err
	}))
	if err != nil {
		return nil, d.explain(ctx, err)
	}
	return indexArchive(ctx, s)
}

// noImage is the error of an engine that does not give the image.
func (d *docker) noImage(resp *http.Response, name string) error {
	var refusal struct {
		Message string `json:"message"`
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // the status is enough
	if json.Unmarshal(raw, &refusal) != nil || refusal.Message == "" {
		refusal.Message = string(raw)
	}
	if resp.StatusCode == http.StatusNotFound {
		return fault.UsageError(i18n.M("image_inspect.engine.none", d.host, oneLine(name, 200)), i18n.M("image_inspect.engine.none.hint"))
	}
	return fault.New(nil, i18n.M("image_inspect.engine", d.host, oneLine(name, 200), resp.Status, oneLine(refusal.Message, 300)), i18n.M("image_remote.docker.hint"))
}
