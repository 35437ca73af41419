package trial

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
)

// Host is somebody the program called.
type Host struct {
	Name    string  `json:"name"` // or the address, if it was called without a name
	Port    uint16  `json:"port,omitempty"`
	Proto   string  `json:"proto"`             // dns (the name was only asked for), tcp, udp, http, https
	FirstMs float64 `json:"firstMs"`           // from the start
	Before  bool    `json:"beforeFirstAnswer"` // the first call was before the first answer to a request
	Count   int     `json:"count"`             // calls
	Outcome string  `json:"outcome"`           // what it got
	Request string  `json:"request,omitempty"` // of HTTP, the first one
	Proxied bool    `json:"proxied,omitempty"` // through an HTTP proxy
}

// hosts sums up calls. ready is zero if there never was an answer.
func hosts(calls []egress.Call, began, ready time.Time) []Host {
	type key struct {
		name, proto string
		port        uint16
	}
	out := []Host{}
	at := map[key]int{}
	called := map[string]bool{}
	for _, c := range calls {
		if c.Proto != "dns" {
			called[c.Name] = true
		}
	}
	for _, c := range calls {
		h := Host{Name: cmp.Or(c.Name, c.Addr.String()), Port: c.Port, Proto: c.Proto, FirstMs: millis(c.At.Sub(began)), Outcome: c.Outcome, Count: 1}
		switch {
		case c.Proto == "dns" && called[c.Name]:
			continue // the call says more
		case c.Proto == "dns":
			h.Port = 0
		case c.Proto == "tcp" && c.SNI != "":
			h.Proto = "https"
			if c.Name == "" || c.Proxy {
				h.Name = c.SNI
			}
		case c.Proto == "tcp" && c.HTTP != "":
			h.Proto, h.Request = "http", c.HTTP
		}
		if c.Proxy {
			h.Proxied = true
			if host, port, ok := strings.Cut(c.Host, ":"); c.Host != "" {
				h.Name = host
				if n, err := strconv.ParseUint(port, 10, 16); ok && err == nil {
					h.Port = uint16(n)
				}
			}
		}
		h.Before = ready.IsZero() || c.At.Before(ready)
		k := key{h.Name, h.Proto, h.Port}
		if i, ok := at[k]; ok {
			out[i].Count++
			continue
		}
		at[k] = len(out)
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b Host) int { return cmp.Compare(a.FirstMs, b.FirstMs) })
	return out
}

func portText(p uint16) string { return strconv.Itoa(int(p)) }

func mib(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }
