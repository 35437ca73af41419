package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Order is what a customer bought. Amounts are in euro cents.
type Order struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	Items    []Item    `json:"items"`
	Total    int64     `json:"total"`
	Created  time.Time `json:"created"`
}

// Item is one line of an order.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Price    int64  `json:"price"` // of one, in euro cents
}

const (
	maxItems    = 100
	maxQuantity = 10_000
	maxPrice    = 100_000_000 // a million euros
	maxText     = 200         // bytes of a name
	maxOrders   = 10_000      // kept; they live in memory
)

var (
	errNotFound = errors.New("no such order")
	errFull     = errors.New("no room for more orders")
)

// invalidError says what is wrong with an order.
type invalidError string

func (e invalidError) Error() string { return string(e) }

// store keeps orders in memory, oldest first. It is safe for concurrent use.
type store struct {
	now func() time.Time

	mu     sync.RWMutex
	orders []Order
	byID   map[string]int
}

func newStore(now func() time.Time) *store {
	return &store{now: now, byID: map[string]int{}}
}

// create checks o, gives it its ID, time and total, and keeps it.
func (s *store) create(o Order) (Order, error) {
	if err := o.check(); err != nil {
		return Order{}, err
	}
	o.ID = strings.ToLower(rand.Text()[:12])
	o.Created = s.now().UTC().Truncate(time.Millisecond)
	o.Items = slices.Clone(o.Items)
	o.Total = 0
	for _, it := range o.Items {
		o.Total += it.Quantity * it.Price
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.orders) == maxOrders {
		return Order{}, errFull
	}
	s.byID[o.ID] = len(s.orders)
	s.orders = append(s.orders, o)
	return o, nil
}

func (s *store) get(id string) (Order, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.byID[id]
	if !ok {
		return Order{}, errNotFound
	}
	return s.orders[i], nil
}

// newest gives at most n orders, the latest first; n < 0 gives all.
func (s *store) newest(n int) []Order {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if n < 0 || n > len(s.orders) {
		n = len(s.orders)
	}
	out := slices.Clone(s.orders[len(s.orders)-n:])
	slices.Reverse(out)
	return out
}

// check keeps every number so small that no total can overflow.
func (o Order) check() error {
	switch {
	case strings.TrimSpace(o.Customer) == "" || len(o.Customer) > maxText:
		return invalidError(fmt.Sprintf("customer must have 1 to %d bytes", maxText))
	case len(o.Items) == 0 || len(o.Items) > maxItems:
		return invalidError(fmt.Sprintf("an order has 1 to %d items", maxItems))
	}
	for i, it := range o.Items {
		switch {
		case strings.TrimSpace(it.SKU) == "" || len(it.SKU) > maxText:
			return invalidError(fmt.Sprintf("items[%d].sku must have 1 to %d bytes", i, maxText))
		case it.Quantity < 1 || it.Quantity > maxQuantity:
			return invalidError(fmt.Sprintf("items[%d].quantity must be 1 to %d", i, maxQuantity))
		case it.Price < 0 || it.Price > maxPrice:
			return invalidError(fmt.Sprintf("items[%d].price must be 0 to %d cents", i, maxPrice))
		}
	}
	return nil
}
