package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// emptyBase serves the smallest possible base image from a registry in this
// process, because ko cannot do without one. It holds no file at all, which
// counts in ko's favour.
func (b *bench) emptyBase() (string, error) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	b.closers = append(b.closers, srv.Close)
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	var entries []string
	for _, arch := range []string{"amd64", "arm64"} {
		config := fmt.Appendf(nil, `{"architecture":%q,"os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}`, arch)
		if err := put(b, srv.URL+"/v2/base/blobs/uploads/1?digest="+digest(config), "", config); err != nil {
			return "", err
		}
		m := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[]}`, manifestType, digest(config), len(config))
		if err := put(b, srv.URL+"/v2/base/manifests/"+digest(m), manifestType, m); err != nil {
			return "", err
		}
		entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":%q}}`, manifestType, digest(m), len(m), arch))
	}
	const indexType = "application/vnd.oci.image.index.v1+json"
	index := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, indexType, strings.Join(entries, ","))
	if err := put(b, srv.URL+"/v2/base/manifests/latest", indexType, index); err != nil {
		return "", err
	}
	return strings.TrimPrefix(srv.URL, "http://") + "/base:latest", nil
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func put(b *bench, url, mediaType string, body []byte) error {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("serve the base image: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		msg, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return fmt.Errorf("serve the base image: PUT %s: %s: %s", req.URL.Path, res.Status, msg)
	}
	return nil
}
