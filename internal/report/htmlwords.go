package report

import "github.com/slipway-build/slipway/internal/i18n"

// pageWords are the page's own words.
func pageWords(l i18n.Lang) map[string]string {
	out := map[string]string{}
	for key, m := range map[string]i18n.Message{
		"title":                        i18n.M("html.title"),
		"new":                          i18n.M("html.new"),
		"known":                        i18n.M("html.known"),
		"open":                         i18n.M("html.open"),
		"rules":                        i18n.M("html.rules"),
		"files":                        i18n.M("html.files"),
		"ignored":                      i18n.M("html.ignored"),
		"clean":                        i18n.M("html.clean"),
		"board":                        i18n.M("html.board"),
		"board.note":                   i18n.M("html.board.note"),
		"graph":                        i18n.M("html.graph"),
		"graph.note":                   i18n.M("html.graph.note"),
		"graph.omitted":                i18n.M("html.graph.omitted"),
		"graph.source":                 i18n.M("html.graph.source"),
		"graph.build":                  i18n.M("html.graph.build"),
		"graph.runtime":                i18n.M("html.graph.runtime"),
		"graph.workload":               i18n.M("html.graph.workload"),
		"findings":                     i18n.M("html.findings"),
		"filter":                       i18n.M("html.filter"),
		"filter.search":                i18n.M("html.filter.search"),
		"filter.family":                i18n.M("html.filter.family"),
		"filter.rule":                  i18n.M("html.filter.rule"),
		"filter.cost":                  i18n.M("html.filter.cost"),
		"filter.state":                 i18n.M("html.filter.state"),
		"filter.advisory":              i18n.M("html.filter.advisory"),
		"filter.all":                   i18n.M("html.filter.all"),
		"filter.reset":                 i18n.M("html.filter.reset"),
		"filter.none":                  i18n.M("html.filter.none"),
		"filter.node":                  i18n.M("html.filter.node"),
		"filter.severity":              i18n.M("html.filter.severity"),
		"shown":                        i18n.M("html.shown", "{0}", "{1}"),
		"evidence":                     i18n.M("html.evidence"),
		"fix":                          i18n.M("html.fix"),
		"why":                          i18n.M("html.why"),
		"bad":                          i18n.M("html.bad"),
		"good":                         i18n.M("html.good"),
		"advice":                       i18n.M("html.advice"),
		"texts":                        i18n.M("html.texts"),
		"notes":                        i18n.M("html.notes"),
		"total":                        i18n.M("html.total"),
		"nofile":                       i18n.M("html.nofile"),
		"cost.automatic":               i18n.M("html.cost.automatic"),
		"cost.line":                    i18n.M("html.cost.line"),
		"cost.design":                  i18n.M("html.cost.design"),
		"severity.stops-build":         i18n.M("html.severity.stops"),
		"severity.cannot-start":        i18n.M("html.severity.start"),
		"severity.fails-in-production": i18n.M("html.severity.fails"),
		"severity.security":            i18n.M("html.severity.security"),
		"severity.waste":               i18n.M("html.severity.waste"),
	} {
		out[key] = m.In(l)
	}
	return out
}
