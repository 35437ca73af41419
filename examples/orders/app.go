package main

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

//go:embed assets
var assets embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"euros": func(cents int64) string { return big.NewRat(cents, 100).FloatString(2) },
}).ParseFS(assets, "assets/page.html"))

// app is the service without its listener.
type app struct {
	store   *store
	rates   *rates
	log     *slog.Logger
	version string
	ready   atomic.Bool
}

// handler is the whole of the service's HTTP surface.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/orders", a.answer(a.create))
	mux.HandleFunc("GET /api/orders", a.answer(a.list))
	mux.HandleFunc("GET /api/orders/{id}", a.answer(a.get))
	mux.HandleFunc("GET /export.csv", a.answer(a.export))
	mux.HandleFunc("GET /{$}", a.answer(a.page))
	mux.Handle("GET /assets/", http.FileServerFS(filesOnly{assets}))
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": a.version})
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !a.ready.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return a.logged(secured(http.NewCrossOriginProtection().Handler(mux)))
}

func (a *app) create(w http.ResponseWriter, r *http.Request) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	var in struct {
		Customer string `json:"customer"`
		Items    []Item `json:"items"`
	}
	if err := dec.Decode(&in); err != nil {
		if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return e
		}
		return invalidError("the body is not an order: " + err.Error())
	}
	o, err := a.store.create(Order{Customer: in.Customer, Items: in.Items})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/orders/"+o.ID)
	writeJSON(w, http.StatusCreated, o)
	return nil
}

func (a *app) list(w http.ResponseWriter, r *http.Request) error {
	loc, err := zone(r)
	if err != nil {
		return err
	}
	limit := 50
	if s := r.FormValue("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > 500 {
			return invalidError("limit must be 1 to 500")
		}
	}
	orders := a.store.newest(limit)
	for i := range orders {
		orders[i].Created = orders[i].Created.In(loc)
	}
	writeJSON(w, http.StatusOK, map[string][]Order{"orders": orders})
	return nil
}

// get gives one order; with ?currency=USD its total in that currency as well.
func (a *app) get(w http.ResponseWriter, r *http.Request) error {
	loc, err := zone(r)
	if err != nil {
		return err
	}
	o, err := a.store.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	o.Created = o.Created.In(loc)
	out := struct {
		Order
		Currency  string `json:"currency,omitempty"`
		Converted string `json:"converted,omitempty"`
	}{Order: o, Currency: r.FormValue("currency")}
	if out.Currency != "" {
		if out.Converted, err = a.rates.convert(r.Context(), o.Total, out.Currency); err != nil {
			return err
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (a *app) page(w http.ResponseWriter, r *http.Request) error {
	loc, err := zone(r)
	if err != nil {
		return err
	}
	orders := a.store.newest(50)
	for i := range orders {
		orders[i].Created = orders[i].Created.In(loc)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, map[string]any{"Orders": orders, "Zone": loc, "Version": a.version}); err != nil {
		a.log.Warn("page", "err", err)
	}
	return nil
}

// zone gives the time zone the customer asked for, UTC if none.
func zone(r *http.Request) (*time.Location, error) {
	name := r.FormValue("tz")
	if name == "Local" { // the server's own zone is nobody's business
		return nil, invalidError(`unknown time zone "Local"`)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, invalidError(fmt.Sprintf("unknown time zone %q", name))
	}
	return loc, nil
}

// answer lets a handler return its error, which becomes the status that tells
// the client what to do. The cause of a failure is for the operator only.
func (a *app) answer(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		status, text := status(err)
		if status >= 500 {
			a.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "err", err)
		}
		writeJSON(w, status, map[string]string{"error": text})
	}
}

func status(err error) (code int, text string) {
	if e, ok := errors.AsType[invalidError](err); ok {
		return http.StatusBadRequest, e.Error()
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", e.Limit)
	}
	for _, known := range []struct {
		err  error
		code int
	}{
		{errNotFound, http.StatusNotFound},
		{errNoCurrency, http.StatusBadRequest},
		{errNoRates, http.StatusNotImplemented},
		{errRates, http.StatusBadGateway},
		{errFull, http.StatusInsufficientStorage},
	} {
		if errors.Is(err, known.err) {
			return known.code, known.err.Error()
		}
	}
	return http.StatusInternalServerError, "internal error"
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left is no error
}

// filesOnly hides directory listings.
type filesOnly struct{ fs.FS }

func (f filesOnly) Open(name string) (fs.File, error) {
	fi, err := fs.Stat(f.FS, name)
	if err == nil && fi.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.FS.Open(name)
}
