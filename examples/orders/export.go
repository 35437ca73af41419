package main

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// export sends all orders as CSV. It is written to a temporary file first: a
// client gets the whole export with its length, or an error, never half of it.
func (a *app) export(w http.ResponseWriter, r *http.Request) error {
	loc, err := zone(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp("", "orders-*.csv")
	if err != nil {
		return fmt.Errorf("make export: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := writeCSV(f, a.store.newest(-1), loc); err != nil {
		return fmt.Errorf("make export: %w", err)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="orders.csv"`)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

func writeCSV(f *os.File, orders []Order, loc *time.Location) error {
	w := csv.NewWriter(f)
	rows := [][]string{{"id", "created", "customer", "sku", "quantity", "price_cents"}}
	for _, o := range orders {
		for _, it := range o.Items {
			rows = append(rows, []string{
				o.ID, o.Created.In(loc).Format(time.RFC3339), cell(o.Customer), cell(it.SKU),
				strconv.FormatInt(it.Quantity, 10), strconv.FormatInt(it.Price, 10),
			})
		}
	}
	return w.WriteAll(rows)
}

// cell keeps a spreadsheet from taking a customer's text for a formula.
func cell(s string) string {
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		return "'" + s
	}
	return s
}
