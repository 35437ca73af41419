package check

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var closedConstructor = Rule{
	ID: "LOCK005", Slug: "closed-constructor", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock005.title"), Why: i18n.M("rule.lock005.why"), Fix: i18n.M("rule.lock005.fix"),
	Bad:  "func NewClient(token string) *Client { return &Client{http: &http.Client{}} }",
	Good: "func NewClient(token string, hc *http.Client) *Client { return &Client{http: hc} }",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i := range r.GoFiles {
			g := &r.GoFiles[i]
			if len(g.Sites) == 0 || !shipped(g) {
				continue
			}
			for _, s := range g.Sites {
				if s.Kind == facts.SiteClosed {
					out = append(out, finding.Finding{Pos: s.Pos, Entity: entity(g.Dir, s.What), Message: i18n.M("rule.lock005.message", s.What, s.Recv)})
				}
			}
		}
		return out
	},
}

var vendorSpread = Rule{
	ID: "LOCK006", Slug: "vendor-spread", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock006.title"), Why: i18n.M("rule.lock006.why"), Fix: i18n.M("rule.lock006.fix"),
	Bad:  "// orders/, billing/, mail/ and users/ import github.com/aws/aws-sdk-go-v2/service/s3",
	Good: "// only blob/ does; the others use an interface of their own",
	Run:  runVendorSpread,
}

// vendorModules are the SDKs of vendors, by what their import paths begin with.
var vendorModules = map[string]string{
	"github.com/aws/aws-sdk-go": "Amazon Web Services", "github.com/aws/aws-sdk-go-v2": "Amazon Web Services",
	"cloud.google.com/go": "Google Cloud", "google.golang.org/api": "Google Cloud",
	"github.com/Azure/azure-sdk-for-go": "Microsoft Azure", "github.com/Azure/go-autorest": "Microsoft Azure",
	"github.com/aliyun/alibaba-cloud-sdk-go": "Alibaba Cloud", "github.com/aliyun/aliyun-oss-go-sdk": "Alibaba Cloud", "github.com/alibabacloud-go": "Alibaba Cloud",
	"github.com/tencentcloud/tencentcloud-sdk-go": "Tencent Cloud", "github.com/tencentyun/cos-go-sdk-v5": "Tencent Cloud", "github.com/huaweicloud/huaweicloud-sdk-go-v3": "Huawei Cloud",
	"github.com/stripe/stripe-go": "Stripe", "github.com/cloudflare/cloudflare-go": "Cloudflare", "github.com/digitalocean/godo": "DigitalOcean",
	"github.com/oracle/oci-go-sdk": "Oracle Cloud", "github.com/IBM/ibm-cos-sdk-go": "IBM Cloud",
}

// minSpread is how many packages must import a vendor's SDK before it is
// spread: fewer are a boundary of some kind.
const minSpread = 4

// runVendorSpread counts the packages that import an SDK. Packages with one
// directory above them that holds little else are a boundary too.
func runVendorSpread(r *facts.Repo) []finding.Finding {
	type use struct {
		dirs  map[string]bool
		first facts.Import
		more  []facts.Import // of other packages
	}
	var out []finding.Finding
	for i := range r.Modules {
		m := &r.Modules[i]
		if hidden(m.Root) || sideline(m.Root) {
			continue
		}
		packages := map[string]bool{}
		uses := map[string]*use{}
		for _, g := range shippedFiles(r) {
			if g.Module != m.Root {
				continue
			}
			packages[g.Dir] = true
			for _, im := range g.Imports {
				root := prefixOf(im.Path, vendorModules)
				if root == "" || strings.HasPrefix(m.Path, root) {
					continue
				}
				vendor := vendorModules[root]
				u := uses[vendor]
				if u == nil {
					u = &use{dirs: map[string]bool{}, first: im}
					uses[vendor] = u
				} else if !u.dirs[g.Dir] && len(u.more) < 4 {
					u.more = append(u.more, im)
				}
				u.dirs[g.Dir] = true
			}
		}
		for _, vendor := range slices.Sorted(maps.Keys(uses)) {
			u := uses[vendor]
			if len(u.dirs) < minSpread || bounded(m.Root, u.dirs, packages) {
				continue
			}
			f := finding.Finding{
				Pos: u.first.Pos, Entity: entity(m.Path, vendor), Message: i18n.M("rule.lock006.message", vendor, len(u.dirs), len(packages)),
			}
			for _, im := range u.more {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: im.Pos, Text: i18n.M("rule.lock006.also", im.Path)})
			}
			out = append(out, f)
		}
	}
	return out
}

// bounded reports whether one directory below the module's root holds all of
// dirs, and they are at least half of what it holds.
func bounded(root string, dirs, packages map[string]bool) bool {
	common := ""
	for d := range dirs {
		if common == "" {
			common = d
		}
		for common != "." && d != common && !strings.HasPrefix(d, common+"/") {
			common = path.Dir(common)
		}
	}
	if common == root || common == "." {
		return false
	}
	below := 0
	for p := range packages {
		if p == common || strings.HasPrefix(p, common+"/") {
			below++
		}
	}
	return 2*len(dirs) >= below
}

var closedService = Rule{
	ID: "LOCK007", Slug: "closed-service", Severity: finding.Waste, Confidence: Medium, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.lock007.title"), Why: i18n.M("rule.lock007.why"), Fix: i18n.M("rule.lock007.fix"),
	Bad:  "import \"cloud.google.com/go/spanner\"",
	Good: "import \"database/sql\" // PostgreSQL, CockroachDB, YugabyteDB …",
	Run:  runClosedService,
}

// closedServices are clients of services which nobody can run by himself, with
// open ones that do the same work; an emulator for tests is none.
var closedServices = map[string]struct{ service, instead string }{
	"cloud.google.com/go/spanner":                                  {"Spanner", "PostgreSQL, CockroachDB"},
	"cloud.google.com/go/bigquery":                                 {"BigQuery", "ClickHouse, Trino"},
	"cloud.google.com/go/firestore":                                {"Firestore", "PostgreSQL, FerretDB"},
	"cloud.google.com/go/bigtable":                                 {"Bigtable", "HBase, ScyllaDB"},
	"cloud.google.com/go/pubsub":                                   {"Pub/Sub", "NATS, Kafka"},
	"github.com/aws/aws-sdk-go-v2/service/sqs":                     {"SQS", "NATS, RabbitMQ"},
	"github.com/aws/aws-sdk-go-v2/service/kinesis":                 {"Kinesis", "Kafka, NATS"},
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider": {"Cognito", "Keycloak, Dex"},
	"github.com/aws/aws-sdk-go-v2/service/redshift":                {"Redshift", "ClickHouse"},
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos":          {"Cosmos DB", "PostgreSQL, FerretDB"},
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus": {"Service Bus", "RabbitMQ, NATS"},
	"github.com/launchdarkly/go-server-sdk":                        {"LaunchDarkly", "OpenFeature, flagd"},
	"github.com/algolia/algoliasearch-client-go":                   {"Algolia", "Meilisearch, OpenSearch"},
	"github.com/auth0/go-auth0":                                    {"Auth0", "Keycloak, Dex"},
	"github.com/pusher/pusher-http-go":                             {"Pusher", "Centrifugo, Mercure"},
	"github.com/snowflakedb/gosnowflake":                           {"Snowflake", "ClickHouse, Trino"},
	"github.com/pinecone-io/go-pinecone":                           {"Pinecone", "Qdrant, pgvector"},
}

func runClosedService(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for _, g := range shippedFiles(r) {
		for _, im := range g.Imports {
			root := prefixOf(im.Path, closedServices)
			if root == "" || seen[g.Module+" "+root] {
				continue
			}
			seen[g.Module+" "+root] = true
			c := closedServices[root]
			out = append(out, finding.Finding{Pos: im.Pos, Entity: entity(g.Module, root), Message: i18n.M("rule.lock007.message", c.service, c.instead)})
		}
	}
	return out
}
