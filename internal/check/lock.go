package check

import (
	"cmp"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The rules of this family say what ties a program to one vendor. That is
// often a decision and not a fault: all of them are advisory.

var telemetryHost = Rule{
	ID: "LOCK001", Slug: "telemetry-endpoint", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock001.title"), Why: i18n.M("rule.lock001.why"), Fix: i18n.M("rule.lock001.fix"),
	Bad:  "http.Post(\"https://api.segment.io/v1/track\", \"application/json\", body)",
	Good: "http.Post(cfg.TelemetryURL, \"application/json\", body) // off if empty",
	Run:  namedHosts(facts.HostTelemetry, func(h facts.Host) i18n.Message { return i18n.M("rule.lock001.message", h.Name, h.Vendor) }),
}

var controlHost = Rule{
	ID: "LOCK002", Slug: "vendor-endpoint", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock002.title"), Why: i18n.M("rule.lock002.why"), Fix: i18n.M("rule.lock002.fix"),
	Bad:  "const endpoint = \"https://api.cloudflare.com/client/v4\"",
	Good: "type Client struct{ Endpoint string } // of whatever speaks this API",
	Run:  namedHosts(facts.HostControl, func(h facts.Host) i18n.Message { return i18n.M("rule.lock002.message", h.Name, h.Vendor) }),
}

var discoveryHost = Rule{
	ID: "LOCK003", Slug: "vendor-discovery", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock003.title"), Why: i18n.M("rule.lock003.why"), Fix: i18n.M("rule.lock003.fix"),
	Bad:  "resp, err := http.Get(\"http://169.254.169.254/latest/meta-data/instance-id\")",
	Good: "id := os.Getenv(\"INSTANCE_ID\") // whoever starts the program knows it",
	Run:  namedHosts(facts.HostDiscovery, func(h facts.Host) i18n.Message { return i18n.M("rule.lock003.message", h.Name, h.Vendor) }),
}

// namedHosts makes a Run that finds one kind of host, once for each host and
// package.
func namedHosts(kind facts.HostKind, say func(facts.Host) i18n.Message) func(*facts.Repo) []finding.Finding {
	return func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		seen := map[string]bool{}
		for i := range r.GoFiles {
			g := &r.GoFiles[i]
			if len(g.Hosts) == 0 || !shipped(g) {
				continue
			}
			for _, h := range g.Hosts {
				key := g.Dir + " " + h.Name
				if h.Kind != kind || seen[key] {
					continue
				}
				seen[key] = true
				out = append(out, finding.Finding{Pos: h.Pos, Entity: key, Message: say(h)})
			}
		}
		return out
	}
}

var telemetryModule = Rule{
	ID: "LOCK004", Slug: "telemetry-dependency", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock004.title"), Why: i18n.M("rule.lock004.why"), Fix: i18n.M("rule.lock004.fix"),
	Bad:  "import \"github.com/segmentio/analytics-go/v3\"",
	Good: "import \"go.opentelemetry.io/otel\" // the operator says where it goes",
	Run:  runTelemetryModule,
}

// telemetryModules are modules that send to the service of their vendor.
var telemetryModules = map[string]string{
	"github.com/getsentry/sentry-go": "Sentry", "github.com/getsentry/raven-go": "Sentry",
	"github.com/segmentio/analytics-go": "Segment", "gopkg.in/segmentio/analytics-go.v3": "Segment",
	"github.com/posthog/posthog-go": "PostHog", "github.com/mixpanel/mixpanel-go": "Mixpanel", "github.com/dukex/mixpanel": "Mixpanel",
	"github.com/amplitude/analytics-go": "Amplitude", "github.com/bugsnag/bugsnag-go": "Bugsnag",
	"github.com/rollbar/rollbar-go": "Rollbar", "github.com/airbrake/gobrake": "Airbrake",
	"github.com/newrelic/go-agent": "New Relic", "github.com/honeycombio/libhoney-go": "Honeycomb", "github.com/honeycombio/beeline-go": "Honeycomb",
	"github.com/DataDog/dd-trace-go": "Datadog", "gopkg.in/DataDog/dd-trace-go.v1": "Datadog",
	"github.com/hashicorp/go-checkpoint": "HashiCorp", "github.com/microsoft/ApplicationInsights-Go": "Application Insights",
}

// runTelemetryModule follows the imports of the module's programs, through
// those of its dependencies where they are known.
func runTelemetryModule(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for i := range r.Modules {
		m := &r.Modules[i]
		if hidden(m.Root) || sideline(m.Root) {
			continue
		}
		var dirs []string
		have := map[string]bool{}
		for _, g := range shippedFiles(r) {
			if g.Module == m.Root && !have[g.Dir] {
				have[g.Dir] = true
				dirs = append(dirs, g.Dir)
			}
		}
		best := map[string]facts.Reached{} // vendor's module → the shortest way there
		reached := r.Closure(m, dirs, nil)
		for path, why := range reached {
			root := prefixOf(path, telemetryModules)
			if root == "" || len(why.Chain) == 0 || root == m.Path {
				continue
			}
			if old, ok := best[root]; !ok || cmp.Or(cmp.Compare(len(why.Chain), len(old.Chain)), cmp.Compare(path, old.Path)) < 0 {
				best[root] = why
			}
		}
		out = append(out, namedByDeps(r, m, reached)...)
		for root, why := range best {
			f := finding.Finding{
				Pos: firstStep(why), Entity: entity(m.Path, root), Message: i18n.M("rule.lock004.message", root, telemetryModules[root]), Evidence: chainEvidence(why),
			}
			out = append(out, f)
		}
	}
	return out
}

// namedByDeps finds the telemetry hosts that packages from elsewhere name, once
// each for a module, by the shortest way to it.
func namedByDeps(r *facts.Repo, m *facts.RepoModule, reached facts.Imports) []finding.Finding {
	type key struct{ module, host string }
	best := map[key]finding.Finding{}
	find := r.DepPackageOf(m)
	for _, path := range sortedKeys(reached) {
		why, p := reached[path], find(path)
		if p == nil || prefixOf(path, telemetryModules) != "" {
			continue
		}
		for i := range p.Files {
			for _, h := range p.Files[i].Hosts {
				name, _, _ := strings.Cut(p.Module, "@")
				k := key{name, h.Name}
				f := finding.Finding{
					Pos: firstStep(why), Entity: entity(m.Path, name, h.Name), Message: i18n.M("rule.lock004.host", name, h.Name, h.Vendor),
					Evidence: append(chainEvidence(why), finding.Evidence{Pos: h.Pos, Text: i18n.M("rule.lock004.here", h.Name)}),
				}
				if old, ok := best[k]; !ok || len(f.Evidence) < len(old.Evidence) {
					best[k] = f
				}
			}
		}
	}
	var out []finding.Finding
	for _, f := range best {
		out = append(out, f)
	}
	return out
}

// firstStep is the import in the repository with which a chain begins.
func firstStep(why facts.Reached) facts.Pos {
	for _, s := range why.Chain {
		if s.Pos.File != "" {
			return s.Pos
		}
	}
	return facts.Pos{}
}

// prefixOf gives the key of table that is path or a part of it before a slash.
func prefixOf[V any](path string, table map[string]V) string {
	for p := path; p != ""; {
		if _, ok := table[p]; ok {
			return p
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return ""
		}
		p = p[:i]
	}
	return ""
}
