package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/fix"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// fixSchemaVersion of fixDoc. A change that a reader could notice raises it.
const fixSchemaVersion = 1

// fixDoc is what check --fix came to.
type fixDoc struct {
	SchemaVersion int               `json:"schemaVersion"`
	DryRun        bool              `json:"dryRun"`
	Fixed         []finding.Finding `json:"fixed"`         // or would be
	Left          []fix.Left        `json:"left"`          // have edits that could not be made
	Files         []string          `json:"files"`         // changed, or would be
	Diff          string            `json:"diff,omitzero"` // of a dry run
	Remaining     check.Result      `json:"remaining"`     // what the check says afterwards; of a dry run, as things are
}

// runFix carries out the fixes and checks again: only that tells what remains.
func (a *app) runFix(ctx context.Context, dir string, j judged, f *checkFlags) (judged, error) {
	p, err := fix.Make(dir, j.res.Findings)
	if err != nil {
		return j, err
	}
	doc := fixDoc{SchemaVersion: fixSchemaVersion, DryRun: f.dryRun, Fixed: []finding.Finding{}, Left: []fix.Left{}, Files: []string{}}
	doc.Fixed, doc.Left = append(doc.Fixed, p.Fixed...), append(doc.Left, p.Left...)
	for _, file := range p.Files {
		doc.Files = append(doc.Files, file.Path)
		if f.dryRun {
			doc.Diff += file.Diff()
		}
	}
	if !f.dryRun && len(p.Files) > 0 {
		if err := p.Write(dir); err != nil {
			return j, err
		}
		if j, err = a.checkRepo(ctx, dir, f); err != nil {
			return j, err
		}
		if err := a.quieten(ctx, dir, &j, f); err != nil {
			return j, err
		}
	}
	doc.Remaining = j.res
	text := fixText{fixDoc: doc, rest: report.Findings{List: j.res.Findings, Notes: checkNotes(a.lang, j.files, j.res, f)}}
	if f.format == "json" && !a.json {
		return j, encodeJSON(a.stdout, doc)
	}
	return j, a.result(doc, text)
}

// fixText is a fixDoc for people. A dry run prints the diff alone, so that it
// can be piped into git apply.
type fixText struct {
	fixDoc
	rest report.Findings
}

// WriteText writes t.
func (t fixText) WriteText(w io.Writer, s report.Style) error {
	if t.DryRun {
		_, err := io.WriteString(w, t.Diff)
		return err
	}
	var lines []i18n.Message
	for _, x := range t.Fixed {
		lines = append(lines, i18n.M("check.fix.done", x.Pos, x.ID, x.Message.In(s.Lang)))
	}
	for _, l := range t.Left {
		lines = append(lines, i18n.M("check.fix.left", l.Finding.Pos, l.Finding.ID, l.Reason.In(s.Lang)))
	}
	if len(lines) == 0 {
		lines = append(lines, i18n.M("check.fix.nothing"))
	} else {
		lines = append(lines, i18n.M("check.fix.sum", len(t.Fixed), len(t.Files), len(t.Remaining.Findings)))
	}
	for _, m := range lines {
		if _, err := fmt.Fprintln(w, m.In(s.Lang)); err != nil {
			return fmt.Errorf("write what was fixed: %w", err)
		}
	}
	return t.rest.WriteText(w, s)
}
