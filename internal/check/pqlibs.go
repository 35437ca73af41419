package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var stapleUnread = Rule{
	ID: "TLS008", Slug: "staple-unverified", Severity: finding.Security, Confidence: Medium, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.tls008.title"), Why: i18n.M("rule.tls008.why"), Fix: i18n.M("rule.tls008.fix"),
	Bad:  "if len(conn.ConnectionState().OCSPResponse) > 0 { trusted = true }",
	Good: "resp, err := ocsp.ParseResponseForCert(conn.ConnectionState().OCSPResponse, leaf, issuer)",
	Run:  runStapleUnread,
}

// runStapleUnread stays silent if anything in the module knows how to read a
// staple: it may be handed on.
func runStapleUnread(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	reads := map[string]bool{} // module root → imports a parser
	for i := range r.GoFiles {
		for _, im := range r.GoFiles[i].Imports {
			if strings.HasSuffix(im.Path, "/ocsp") || strings.Contains(im.Path, "/ocsp/") {
				reads[r.GoFiles[i].Module] = true
			}
		}
	}
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if len(g.Sites) == 0 || reads[g.Module] || !shipped(g) {
			continue
		}
		for _, s := range g.Sites {
			if s.Kind == facts.SiteRead && s.What == ".OCSPResponse" {
				out = append(out, finding.Finding{Pos: s.Pos, Entity: entity(g.Dir, s.Func, "OCSPResponse"), Message: i18n.M("rule.tls008.message")})
				break
			}
		}
	}
	return out
}

var replacedKEM = Rule{
	ID: "TLS009", Slug: "kem-in-std", Severity: finding.Waste, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.tls009.title"), Why: i18n.M("rule.tls009.why"), Fix: i18n.M("rule.tls009.fix"),
	Bad:  "import \"github.com/cloudflare/circl/kem/mlkem/mlkem768\" // go 1.26",
	Good: "import \"crypto/mlkem\"",
	Run:  runReplacedKEM,
}

// replacedKEMs are packages of which the standard library has the equal since
// go 1.24, and drafts of it that no peer speaks any more.
var replacedKEMs = map[string]struct{ draft bool }{
	"github.com/cloudflare/circl/kem/mlkem/mlkem768":         {},
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024":        {},
	"filippo.io/mlkem768":                                    {},
	"github.com/cloudflare/circl/kem/kyber/kyber512":         {draft: true},
	"github.com/cloudflare/circl/kem/kyber/kyber768":         {draft: true},
	"github.com/cloudflare/circl/kem/kyber/kyber1024":        {draft: true},
	"github.com/kudelskisecurity/crystals-go/crystals-kyber": {draft: true},
}

func runReplacedKEM(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		for _, im := range g.Imports {
			kem, ok := replacedKEMs[im.Path]
			if !ok || !shipped(g) || seen[g.Dir+" "+im.Path] {
				continue
			}
			mod := r.ModuleAt(g.Dir)
			if mod == nil || !atLeast(mod.Go.Value, "1.24") || strings.HasPrefix(im.Path, mod.Path+"/") {
				continue
			}
			seen[g.Dir+" "+im.Path] = true
			f := finding.Finding{
				Pos: im.Pos, Entity: entity(g.Dir, im.Path), Message: i18n.M("rule.tls009.message", im.Path),
				Evidence: []finding.Evidence{{Pos: mod.Go.Pos, Text: i18n.M("rule.go001.line", mod.Go.Value)}},
			}
			if kem.draft {
				f.Message = i18n.M("rule.tls009.draft", im.Path)
			}
			out = append(out, f)
		}
	}
	return out
}
