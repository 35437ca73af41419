package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var caRoots = Rule{
	ID: "IMG003", Slug: "ca-roots", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.img003.title"), Why: i18n.M("rule.img003.why"), Fix: i18n.M("rule.img003.fix"),
	Bad:  "FROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]",
	Good: "FROM scratch\nCOPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]",
	Run:  runCARoots,
}

// publicClients are packages, by prefix, that are of use only to programs that
// call services with publicly trusted certificates. An import of net/http or
// crypto/tls says nothing of that kind: servers import them too.
var publicClients = []string{
	"cloud.google.com/go/bigquery", "cloud.google.com/go/firestore", "cloud.google.com/go/kms/", "cloud.google.com/go/pubsub",
	"cloud.google.com/go/secretmanager/", "cloud.google.com/go/spanner", "cloud.google.com/go/storage",
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity", "github.com/Azure/azure-sdk-for-go/sdk/storage/",
	"github.com/anthropics/anthropic-sdk-go", "github.com/aws/aws-sdk-go/service/", "github.com/aws/aws-sdk-go-v2/service/",
	"github.com/bwmarrin/discordgo", "github.com/cloudflare/cloudflare-go", "github.com/digitalocean/godo",
	"github.com/getsentry/sentry-go", "github.com/google/go-github/", "github.com/openai/openai-go",
	"github.com/sashabaranov/go-openai", "github.com/sendgrid/sendgrid-go", "github.com/slack-go/slack",
	"github.com/stripe/stripe-go/", "github.com/twilio/twilio-go", "golang.org/x/crypto/acme/autocert",
}

// runCARoots finds programs that call public services over TLS in images
// from scratch that nobody gave certificates.
func runCARoots(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if !imageBuild(&b) {
			continue
		}
		below := baseOf(b.Docker, b.Runtime)
		if below.ref.Name != "scratch" || mayHaveRoots(&b) {
			continue
		}
		reached := r.Closure(b.Module, b.Packages, b.Tags)
		if _, ok := reached["golang.org/x/crypto/x509roots/fallback"]; ok {
			continue
		}
		paths := sortedKeys(reached)
		i := slices.IndexFunc(paths, callsPublicService)
		if i < 0 {
			continue
		}
		out = append(out, finding.Finding{
			Pos:     below.ref.Pos,
			Entity:  entity(stageName(*b.Runtime), strings.Join(b.Packages, " ")),
			Message: i18n.M("rule.img003.message", paths[i]),
			Evidence: append([]finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))}},
				chainEvidence(reached[paths[i]])...),
		})
	}
	return out
}

func callsPublicService(p string) bool {
	if strings.HasSuffix(p, "/types") {
		return false // declares data, calls nothing
	}
	return slices.ContainsFunc(publicClients, func(prefix string) bool {
		return p == prefix || strings.HasPrefix(p, strings.TrimSuffix(prefix, "/")+"/")
	})
}

// mayHaveRoots reports whether anything in the stage where b runs may bring
// certificates: a file named like them, or anything that is not b's program
// and goes to a directory that may hold them.
func mayHaveRoots(b *facts.Build) bool {
	for _, s := range b.Docker.Lineage(b.Runtime) {
		if s.Env["SSL_CERT_FILE"].Value != "" || s.Env["SSL_CERT_DIR"].Value != "" || len(s.Runs) > 0 {
			return true
		}
		for _, c := range s.Copies {
			dst := path.Clean("/" + c.Dst)
			for _, src := range c.Srcs {
				text := strings.ToLower(src + " " + c.Dst)
				if strings.ContainsAny(text, "\x00$") || slices.ContainsFunc([]string{"cert", "ssl", "/pki", "ca-", ".pem", ".crt"}, func(w string) bool { return strings.Contains(text, w) }) {
					return true
				}
				into := dst == "/" || dst == "/etc" || dst == "/usr" || dst == "/usr/share"
				if into && path.Clean("/"+src) != b.Output {
					return true
				}
			}
		}
	}
	return false
}
