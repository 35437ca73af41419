package plan

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Explain gives the decisions of one ID, in the order of the plan; for an
// unknown ID a usage error that names the nearest.
func (p Plan) Explain(id string) ([]Decision, error) {
	var ids []string
	var out []Decision
	for _, d := range p.Decisions {
		if d.ID == id {
			out = append(out, d)
		}
		if !slices.Contains(ids, d.ID) {
			ids = append(ids, d.ID)
		}
	}
	if out != nil {
		return out, nil
	}
	hint := i18n.M("plan.oneof", strings.Join(ids, ", "))
	if near := config.Nearest(id, ids); near != "" {
		hint = i18n.M("plan.nearest", near)
	}
	return nil, fault.UsageError(i18n.M("plan.explain.unknown", id), hint)
}
