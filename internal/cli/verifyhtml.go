package cli

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/chart"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// maxPictures is how many programs of a page get a picture of their sizes.
const maxPictures = 12

// verifyPage is the report as a page: what the stages have to show in text is
// on it as tables, and each program has a picture of where its bytes come from.
func (a *app) verifyPage(v *verification) report.VerifyPage {
	var names []string
	for _, s := range v.report.Subjects {
		names = append(names, s.Name)
	}
	p := report.VerifyPage{
		Sheet: a.verifySheet(v), Name: strings.Join(names, ", "), Version: ownVersion().Version, When: time.Now(),
		Rules: binarySARIF(), Parts: v.parts, Styles: chart.Style,
	}
	p.More = nil
	for _, m := range v.more {
		if t, ok := m.(*report.Table); ok {
			p.Parts = append(p.Parts, report.PagePart{Title: i18n.M("verify.html.table"), Table: t})
		}
	}
	drawn := 0
	for i := range v.report.Programs {
		x := &v.report.Programs[i]
		if x.Sizes == nil || drawn == maxPictures {
			continue
		}
		drawn++
		picture := a.treemap(filepath.Base(x.Name), x.Sizes).Draw()
		p.Parts = append(p.Parts, report.PagePart{Title: i18n.M("verify.html.size", x.Name), Picture: picture.Inline()})
	}
	return p
}
