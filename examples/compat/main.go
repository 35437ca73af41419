// Compat is a small service that can be asked to reach what services reach: a
// name, an HTTPS server, a PostgreSQL database. `slipway verify --matrix` asks
// it, through the endpoints that slipway.yaml names; copy them into a service
// of your own (behind a flag, not open to the world: they call whoever they are
// told to) to have its real resolver, TLS settings and driver tried.
//
// An endpoint answers 200 with what came of it, or 502 with the error.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		slog.Error("compat", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	a := &app{
		client: httpClient(os.Getenv("CLIENT_CERT"), os.Getenv("CLIENT_KEY")),
		dsn:    os.Getenv("DATABASE_URL"),
		pools:  map[string]*pgxpool.Pool{},
	}
	defer a.close()
	l, err := net.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	shut, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if err := srv.Shutdown(shut); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// httpClient shows a client certificate to servers that ask for one. Roots are
// the system's, which SSL_CERT_FILE can replace; proxies those of HTTPS_PROXY.
func httpClient(cert, key string) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true // each question is to make a connection
	t.TLSClientConfig = &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if cert == "" {
			return new(tls.Certificate), nil
		}
		// Read when it is needed: certificates are renewed while we run.
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("load the client certificate: %w", err)
		}
		return &pair, nil
	}}
	return &http.Client{Transport: t, Timeout: 12 * time.Second}
}

type app struct {
	client *http.Client
	dsn    string

	mu    sync.Mutex
	pools map[string]*pgxpool.Pool
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
			_, _ = io.WriteString(w, "ok\n")
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET /resolve", answer(a.resolve))
	mux.HandleFunc("GET /dial", answer(a.dial))
	mux.HandleFunc("GET /db", answer(a.db))
	mux.HandleFunc("GET /time", answer(zone))
	mux.HandleFunc("GET /tmp", answer(temp))
	mux.HandleFunc("GET /user", answer(who))
	return mux
}

func answer(f func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := f(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, s+"\n")
	}
}

func (a *app) resolve(r *http.Request) (string, error) {
	addrs, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("name"))
	return strings.Join(addrs, " "), err
}

func (a *app) dial(r *http.Request) (string, error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.FormValue("url"), nil)
	if err != nil {
		return "", err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return "", err
	}
	s := res.Status
	if t := res.TLS; t != nil {
		s += ", " + tls.VersionName(t.Version) + " " + tls.CipherSuiteName(t.CipherSuite) + " " + t.CurveID.String()
	}
	return s, nil
}

func (a *app) db(r *http.Request) (string, error) {
	dsn := a.dsn
	if v := r.FormValue("dsn"); v != "" {
		dsn = v
	}
	if dsn == "" {
		return "", errors.New("DATABASE_URL is not set, and no dsn is given")
	}
	pool, err := a.pool(r.Context(), dsn)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(r.Context(), 4*time.Second)
	defer cancel()
	var version, encrypted string
	err = pool.QueryRow(ctx, `select current_setting('server_version'),
		coalesce((select version from pg_stat_ssl where pid = pg_backend_pid() and ssl), 'no TLS')`).Scan(&version, &encrypted)
	return "PostgreSQL " + version + ", " + encrypted, err
}

// pool gives the pool of a database. There are few: whoever asks decides.
func (a *app) pool(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, ok := a.pools[dsn]; ok {
		return p, nil
	}
	if len(a.pools) >= 16 {
		return nil, errors.New("too many databases")
	}
	p, err := pgxpool.New(context.WithoutCancel(ctx), dsn)
	if err == nil {
		a.pools[dsn] = p
	}
	return p, err
}

func (a *app) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pools {
		p.Close()
	}
}

func zone(r *http.Request) (string, error) {
	loc, err := time.LoadLocation(r.FormValue("zone"))
	if err != nil {
		return "", err
	}
	return time.Now().In(loc).Format(time.RFC3339 + " MST"), nil
}

func temp(*http.Request) (string, error) {
	f, err := os.CreateTemp("", "compat-")
	if err != nil {
		return "", err
	}
	return f.Name(), errors.Join(f.Close(), os.Remove(f.Name()))
}

func who(*http.Request) (string, error) {
	s := fmt.Sprintf("uid %d, gid %d", os.Getuid(), os.Getgid())
	u, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("%s: %w", s, err)
	}
	return s + ": " + u.Username + ", home " + u.HomeDir, nil
}
