package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var (
	errNoRates    = errors.New("no source of exchange rates is configured")
	errNoCurrency = errors.New("unknown currency")
	errRates      = errors.New("the exchange rates cannot be had")
)

// rates asks a service on the net what a euro is worth. The certificate of
// that service is checked against the roots of the system.
type rates struct {
	url    *url.URL // nil: none configured
	client *http.Client
}

func newRates(address string, transport http.RoundTripper) (*rates, error) {
	if address == "" {
		return &rates{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("ORDERS_RATES_URL must be an https:// address")
	}
	return &rates{url: u, client: &http.Client{Transport: transport, Timeout: 5 * time.Second}}, nil
}

// convert gives an amount of euro cents in another currency, as a decimal
// with two places, rounded half away from zero.
func (r *rates) convert(ctx context.Context, cents int64, currency string) (string, error) {
	currency = strings.ToUpper(currency)
	if currency == "EUR" {
		return big.NewRat(cents, 100).FloatString(2), nil
	}
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", errNoCurrency
	}
	rate, err := r.rate(ctx, currency)
	if err != nil {
		return "", err
	}
	return rate.Mul(rate, big.NewRat(cents, 100)).FloatString(2), nil
}

func (r *rates) rate(ctx context.Context, currency string) (*big.Rat, error) {
	if r.url == nil {
		return nil, errNoRates
	}
	u := *r.url
	q := u.Query()
	q.Set("from", "EUR")
	q.Set("to", currency)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRates, err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRates, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, errNoCurrency
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s", errRates, resp.Status)
	}
	var body struct {
		Rate json.Number `json:"rate"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<10)).Decode(&body); err != nil {
		return nil, fmt.Errorf("%w: read answer: %w", errRates, err)
	}
	// A number such as 1e999999999 would cost more memory than there is.
	if len(body.Rate) > 20 || strings.ContainsAny(body.Rate.String(), "eE") {
		return nil, fmt.Errorf("%w: %.20q is not a plain decimal", errRates, body.Rate)
	}
	rate, ok := new(big.Rat).SetString(body.Rate.String())
	if !ok || rate.Sign() <= 0 {
		return nil, fmt.Errorf("%w: %q is not a rate", errRates, body.Rate)
	}
	return rate, nil
}
