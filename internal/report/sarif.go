package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// SARIF is findings as a log of SARIF 2.1.0 (OASIS Standard, March 2020).
type SARIF struct {
	Version string // of slipway
	Rules   []SARIFRule
	List    []finding.Finding // of those rules
	Below   string            // directory of the findings' files within the repository
}

// SARIFRule is what the log says about a rule.
type SARIFRule struct {
	ID, Slug        string
	Severity        finding.Severity
	Advisory        bool
	Title, Why, Fix i18n.Message
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Columns string        `json:"columnKind"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Short   sarifText `json:"shortDescription"`
	Full    sarifText `json:"fullDescription"`
	Help    sarifText `json:"help"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties struct {
		Severity finding.Severity `json:"severity"`
	} `json:"properties"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations,omitempty"`
	Related      []sarifLocation   `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	} `json:"physicalLocation"`
	Message *sarifText `json:"message,omitempty"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

// WriteText writes the log.
func (x SARIF) WriteText(w io.Writer, s Style) error {
	run := sarifRun{Columns: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "slipway", Version: x.Version, Rules: []sarifRule{}}
	for _, r := range x.Rules {
		sr := sarifRule{ID: r.ID, Name: r.Slug}
		sr.Short.Text, sr.Full.Text, sr.Help.Text = r.Title.In(s.Lang), r.Why.In(s.Lang), r.Fix.In(s.Lang)
		sr.Default.Level = level(r.Severity, r.Advisory)
		sr.Properties.Severity = r.Severity
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sr)
	}
	seen := map[string]int{}
	for _, f := range x.List {
		res := sarifResult{
			RuleID:    f.ID,
			RuleIndex: slices.IndexFunc(x.Rules, func(r SARIFRule) bool { return r.ID == f.ID }),
			Level:     level(f.Severity, f.Advisory),
			Message:   sarifText{f.Message.In(s.Lang)},
		}
		if f.Pos.File != "" {
			res.Locations = []sarifLocation{x.location(f.Pos.File, f.Pos.Line, f.Pos.Column, "")}
		}
		for _, e := range f.Evidence {
			if e.Pos.File != "" {
				res.Related = append(res.Related, x.location(e.Pos.File, e.Pos.Line, e.Pos.Column, e.Text.In(s.Lang)))
			}
		}
		// The line is left out, so that an edit above does not make it new.
		key := f.ID + "\x00" + join(x.Below, f.Pos.File) + "\x00" + f.Entity
		seen[key]++
		sum := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(seen[key])))
		res.Fingerprints = map[string]string{"slipwayEntity/v1": hex.EncodeToString(sum[:16])}
		run.Results = append(run.Results, res)
	}
	b, err := encode(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func (x SARIF) location(file string, line, column int, text string) sarifLocation {
	var l sarifLocation
	// A colon before the first slash would be taken for the end of a scheme.
	l.Physical.Artifact.URI = strings.ReplaceAll((&url.URL{Path: join(x.Below, file)}).EscapedPath(), ":", "%3A")
	if line > 0 {
		l.Physical.Region = &sarifRegion{line, column}
	}
	if text != "" {
		l.Message = &sarifText{text}
	}
	return l
}

// level is the severity in the words of SARIF, section 3.27.10.
func level(s finding.Severity, advisory bool) string {
	switch {
	case advisory:
		return "note"
	case s == finding.Waste:
		return "warning"
	}
	return "error"
}
