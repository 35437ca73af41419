package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/slipway-build/slipway/internal/finding"
)

// Baseline is what was found before and is put up with for now. It holds no
// line numbers, so that it survives edits.
type Baseline struct {
	SchemaVersion int     `json:"schemaVersion"`
	Entries       []Entry `json:"entries"` // sorted
}

// Entry stands for Count findings of one rule about one entity of a file.
type Entry struct {
	Rule   string `json:"rule"`
	Path   string `json:"path"`
	Entity string `json:"entity"`
	Count  int    `json:"count"`
	Since  string `json:"since,omitempty"` // day it was first put up with, 2006-01-02; "" not known
}

// Known is a finding that the baseline holds.
type Known struct {
	Finding finding.Finding `json:"finding"`
	Since   string          `json:"since,omitempty"` // as in Entry
}

type entryKey struct{ rule, path, entity string }

func (e Entry) key() entryKey { return entryKey{e.Rule, e.Path, e.Entity} }

// ParseBaseline reads what a Baseline was encoded to; anything else is an
// error.
func ParseBaseline(data []byte) (Baseline, error) {
	var b Baseline
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return Baseline{}, fmt.Errorf("decode baseline: %w", err)
	}
	if d.More() {
		return Baseline{}, fmt.Errorf("decode baseline: more than one document")
	}
	if b.SchemaVersion != SchemaVersion {
		return Baseline{}, fmt.Errorf("decode baseline: schemaVersion %d, want %d", b.SchemaVersion, SchemaVersion)
	}
	return b, nil
}

// NewBaseline holds all of fs as known.
func NewBaseline(fs []finding.Finding) Baseline {
	counts := map[entryKey]int{}
	for _, f := range fs {
		counts[entryKey{f.ID, f.Pos.File, f.Entity}]++
	}
	return baselineOf(counts, nil)
}

// Dated gives b with the day on which its entries were first put up with,
// where that was not known.
func (b Baseline) Dated(day string) Baseline {
	b.Entries = slices.Clone(b.Entries)
	for i := range b.Entries {
		b.Entries[i].Since = cmp.Or(b.Entries[i].Since, day)
	}
	return b
}

// since tells the day of each entry, the earliest if one is there twice.
func (b Baseline) since() map[entryKey]string {
	days := map[entryKey]string{}
	for _, e := range b.Entries {
		if old := days[e.key()]; old == "" || e.Since != "" && e.Since < old {
			days[e.key()] = e.Since
		}
	}
	return days
}

func baselineOf(counts map[entryKey]int, days map[entryKey]string) Baseline {
	b := Baseline{SchemaVersion: SchemaVersion, Entries: []Entry{}}
	for k, n := range counts {
		b.Entries = append(b.Entries, Entry{k.rule, k.path, k.entity, n, days[k]})
	}
	sortEntries(b.Entries)
	return b
}

func sortEntries(es []Entry) {
	slices.SortFunc(es, func(x, y Entry) int {
		return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Entity, y.Entity))
	})
}

// Shrink gives b without what fs no longer holds. It never grows.
func (b Baseline) Shrink(fs []finding.Finding) Baseline {
	now := map[entryKey]int{}
	for _, e := range NewBaseline(fs).Entries {
		now[e.key()] = e.Count
	}
	counts := map[entryKey]int{}
	for _, e := range b.Entries {
		if n := min(e.Count, now[e.key()]); n > 0 {
			counts[e.key()] = n
		}
	}
	return baselineOf(counts, b.since())
}

// Apply moves the findings that b holds to those of r that are known. What b
// holds of the rules that were run and r does not have is Gone; ran tells
// them.
func (b Baseline) Apply(r *Result, ran func(rule string) bool) {
	left := map[entryKey]int{}
	for _, e := range b.Entries {
		left[e.key()] += e.Count
	}
	days := b.since()
	r.Findings = slices.DeleteFunc(r.Findings, func(f finding.Finding) bool {
		k := entryKey{f.ID, f.Pos.File, f.Entity}
		if left[k] <= 0 {
			return false
		}
		left[k]--
		r.KnownFindings = append(r.KnownFindings, Known{f, days[k]})
		return true
	})
	r.Known = len(r.KnownFindings)
	for k, n := range left {
		if n > 0 && ran(k.rule) {
			r.Gone = append(r.Gone, Entry{k.rule, k.path, k.entity, n, days[k]})
		}
	}
	sortEntries(r.Gone)
}
