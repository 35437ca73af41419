package facts

// hostTable are hosts, and domains with all that is below them, whose being
// written into a program ties it to a vendor or tells others about its users.
var hostTable = map[string]hostEntry{
	"ingest.sentry.io": {"Sentry", HostTelemetry}, "ingest.us.sentry.io": {"Sentry", HostTelemetry}, "ingest.de.sentry.io": {"Sentry", HostTelemetry},
	"api.segment.io": {"Segment", HostTelemetry}, "cdn.segment.com": {"Segment", HostTelemetry}, "api.segment.com": {"Segment", HostTelemetry},
	"app.posthog.com": {"PostHog", HostTelemetry}, "i.posthog.com": {"PostHog", HostTelemetry},
	"api.mixpanel.com": {"Mixpanel", HostTelemetry}, "api-eu.mixpanel.com": {"Mixpanel", HostTelemetry},
	"api.amplitude.com": {"Amplitude", HostTelemetry}, "api2.amplitude.com": {"Amplitude", HostTelemetry},
	"api.datadoghq.com": {"Datadog", HostTelemetry}, "logs.datadoghq.com": {"Datadog", HostTelemetry}, "agent.datadoghq.com": {"Datadog", HostTelemetry}, "api.datadoghq.eu": {"Datadog", HostTelemetry},
	"collector.newrelic.com": {"New Relic", HostTelemetry}, "log-api.newrelic.com": {"New Relic", HostTelemetry}, "metric-api.newrelic.com": {"New Relic", HostTelemetry}, "nr-data.net": {"New Relic", HostTelemetry},
	"api.honeycomb.io":         {"Honeycomb", HostTelemetry},
	"google-analytics.com":     {"Google Analytics", HostTelemetry},
	"ssl.google-analytics.com": {"Google Analytics", HostTelemetry}, "googletagmanager.com": {"Google Analytics", HostTelemetry},
	"gateway.scarf.sh": {"Scarf", HostTelemetry}, "static.scarf.sh": {"Scarf", HostTelemetry},
	"notify.bugsnag.com": {"Bugsnag", HostTelemetry}, "sessions.bugsnag.com": {"Bugsnag", HostTelemetry},
	"api.rollbar.com": {"Rollbar", HostTelemetry}, "api.raygun.io": {"Raygun", HostTelemetry}, "api.raygun.com": {"Raygun", HostTelemetry}, "api.airbrake.io": {"Airbrake", HostTelemetry},
	"heapanalytics.com": {"Heap", HostTelemetry}, "rs.fullstory.com": {"FullStory", HostTelemetry},
	"ingest.lightstep.com": {"Lightstep", HostTelemetry}, "live.dynatrace.com": {"Dynatrace", HostTelemetry}, "signalfx.com": {"Splunk", HostTelemetry},
	"dc.services.visualstudio.com": {"Application Insights", HostTelemetry}, "in.applicationinsights.azure.com": {"Application Insights", HostTelemetry},
	"stats.grafana.org": {"Grafana Labs", HostTelemetry}, "checkpoint-api.hashicorp.com": {"HashiCorp", HostTelemetry},
	"plausible.io": {"Plausible", HostTelemetry}, "data.mongodb-api.com": {"MongoDB", HostTelemetry},

	"management.azure.com": {"Microsoft Azure", HostControl}, "login.microsoftonline.com": {"Microsoft Azure", HostControl}, "vault.azure.net": {"Microsoft Azure", HostControl},
	"compute.googleapis.com": {"Google Cloud", HostControl}, "storage.googleapis.com": {"Google Cloud", HostControl}, "cloudresourcemanager.googleapis.com": {"Google Cloud", HostControl},
	"amazonaws.com": {"Amazon Web Services", HostControl}, "amazonaws.com.cn": {"Amazon Web Services", HostControl},
	"aliyuncs.com": {"Alibaba Cloud", HostControl}, "tencentcloudapi.com": {"Tencent Cloud", HostControl}, "myqcloud.com": {"Tencent Cloud", HostControl}, "myhuaweicloud.com": {"Huawei Cloud", HostControl}, "volces.com": {"Volcengine", HostControl},
	"api.cloudflare.com": {"Cloudflare", HostControl}, "api.digitalocean.com": {"DigitalOcean", HostControl}, "api.hetzner.cloud": {"Hetzner", HostControl},
	"api.stripe.com": {"Stripe", HostControl}, "api.openai.com": {"OpenAI", HostControl}, "api.anthropic.com": {"Anthropic", HostControl}, "api.pagerduty.com": {"PagerDuty", HostControl},
	"app.launchdarkly.com": {"LaunchDarkly", HostControl}, "api.twilio.com": {"Twilio", HostControl}, "api.sendgrid.com": {"SendGrid", HostControl},

	"169.254.169.254": {"a cloud's metadata service", HostDiscovery}, "169.254.170.2": {"Amazon ECS", HostDiscovery}, "169.254.170.23": {"Amazon EKS", HostDiscovery},
	"metadata.google.internal": {"Google Cloud", HostDiscovery}, "100.100.100.200": {"Alibaba Cloud", HostDiscovery}, "metadata.tencentyun.com": {"Tencent Cloud", HostDiscovery},
}
