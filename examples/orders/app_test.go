package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func newApp(t *testing.T) *app {
	t.Helper()
	return &app{store: newStore(func() time.Time { return noon }), rates: &rates{}, log: slog.New(slog.DiscardHandler), version: "v1.2.3"}
}

func do(t *testing.T, h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	return w
}

const order = `{"customer":"<b>Ada</b>","items":[{"sku":"=TEA","quantity":3,"price":450}]}`

// add creates an order and gives its path.
func add(t *testing.T, h http.Handler) string {
	t.Helper()
	w := do(t, h, "POST", "/api/orders", order)
	if w.Code != http.StatusCreated {
		t.Fatalf("create: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

func TestCreateListGet(t *testing.T) {
	h := newApp(t).handler()
	path := add(t, h)
	add(t, h)
	var o Order
	w := do(t, h, "GET", path+"?tz=Asia/Shanghai", "")
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		t.Fatal(err)
	}
	if o.Total != 1350 || o.Created.Format(time.RFC3339) != "2026-07-01T20:00:00+08:00" {
		t.Errorf("got %+v", o)
	}
	var list struct{ Orders []Order }
	if err := json.Unmarshal(do(t, h, "GET", "/api/orders?limit=1", "").Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Orders) != 1 || "/api/orders/"+list.Orders[0].ID == path {
		t.Errorf("want the newest order only, got %+v", list)
	}
}

func TestBadRequests(t *testing.T) {
	h := newApp(t).handler()
	path := add(t, h)
	for _, c := range []struct {
		method, target, body string
		status               int
	}{
		{"POST", "/api/orders", `{`, 400},
		{"POST", "/api/orders", `{"customer":"Ada","items":[]}`, 400},
		{"POST", "/api/orders", `{"customer":" ","items":[{"sku":"a","quantity":1}]}`, 400},
		{"POST", "/api/orders", `{"customer":"Ada","items":[{"sku":"a","quantity":0}]}`, 400},
		{"POST", "/api/orders", `{"customer":"Ada","items":[{"sku":"a","quantity":1,"price":-1}]}`, 400},
		{"POST", "/api/orders", `{"customer":"Ada","id":"mine","items":[]}`, 400},
		{"POST", "/api/orders", `{"customer":"` + strings.Repeat("a", 1<<20) + `"}`, 413},
		{"GET", "/api/orders/none", "", 404},
		{"GET", "/api/orders?limit=0", "", 400},
		{"GET", "/api/orders?tz=../../etc/passwd", "", 400},
		{"GET", "/api/orders?tz=Local", "", 400},
		{"GET", path + "?currency=USD", "", 501},
		{"GET", "/assets/", "", 404},
		{"GET", "/nothing", "", 404},
		{"DELETE", "/api/orders", "", 405},
	} {
		if w := do(t, h, c.method, c.target, c.body); w.Code != c.status {
			t.Errorf("%s %s %.60s: %d, want %d: %s", c.method, c.target, c.body, w.Code, c.status, w.Body)
		}
	}
}

func TestCrossOriginPostIsRefused(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/orders", strings.NewReader(order))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	newApp(t).handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}

func TestPageEscapesAndServesItsAssets(t *testing.T) {
	h := newApp(t).handler()
	add(t, h)
	body := do(t, h, "GET", "/?tz=America/New_York", "").Body.String()
	for _, want := range []string{"&lt;b&gt;Ada", "2026-07-01 08:00 EDT", "13.50", "orders v1.2.3"} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %q:\n%s", want, body)
		}
	}
	for path, typ := range map[string]string{"/assets/style.css": "text/css", "/assets/logo.svg": "image/svg+xml"} {
		if w := do(t, h, "GET", path, ""); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), typ) {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

func TestExport(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	h := newApp(t).handler()
	add(t, h)
	w := do(t, h, "GET", "/export.csv?tz=Europe/Berlin", "")
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%q, %v", rows, err)
	}
	if got := rows[1][1:]; strings.Join(got, "|") != "2026-07-01T14:00:00+02:00|<b>Ada</b>|'=TEA|3|450" {
		t.Errorf("got %q", got)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestExportWithoutATempDirectorySaysSo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	if w := do(t, newApp(t).handler(), "GET", "/export.csv", ""); w.Code != 500 || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestRates(t *testing.T) {
	answer := `{"rate": 1.0845}`
	status := http.StatusOK
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("from") != "EUR" || r.FormValue("key") != "k" {
			t.Errorf("asked %s", r.URL)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	a := newApp(t)
	var err error
	if a.rates, err = newRates(srv.URL+"/latest?key=k", srv.Client().Transport); err != nil {
		t.Fatal(err)
	}
	h := a.handler()
	path := add(t, h)
	for _, c := range []struct {
		currency, answer string
		upstream, status int
		want             string
	}{
		{"usd", `{"rate": 1.0845}`, 200, 200, `"converted":"14.64"`},
		{"EUR", `unused`, 500, 200, `"converted":"13.50"`},
		{"XXX", `{}`, 404, 400, "unknown currency"},
		{"U$D", `{}`, 200, 400, "unknown currency"},
		{"USD", `{"rate": 1e999999999}`, 200, 502, "cannot be had"},
		{"USD", `{"rate": -1}`, 200, 502, "cannot be had"},
		{"USD", `<html>`, 200, 502, "cannot be had"},
		{"USD", `{}`, 503, 502, "cannot be had"},
	} {
		answer, status = c.answer, c.upstream
		if w := do(t, h, "GET", path+"?currency="+c.currency, ""); w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s with %s: %d %s", c.currency, c.answer, w.Code, w.Body)
		}
	}
	// The system's roots do not vouch for the test server.
	if a.rates, err = newRates(srv.URL, http.DefaultTransport); err != nil {
		t.Fatal(err)
	}
	if w := do(t, h, "GET", path+"?currency=USD", ""); w.Code != 502 {
		t.Errorf("an unknown authority was trusted: %d", w.Code)
	}
	if _, err := newRates("http://127.0.0.1/", nil); err == nil {
		t.Error("exchange rates over plain HTTP were accepted")
	}
}
