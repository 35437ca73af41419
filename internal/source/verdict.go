package source

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// verdict is what an attempt to download a module version came to.
type verdict int

const (
	fetched    verdict = iota
	absent             // whoever was asked says that there is no such module or version
	notCached          // not in the module cache, and nobody may be asked
	tampered           // the bytes are not those the checksum database knows
	hostileZip         // the zip breaks the rules for module zips
	unverified         // the checksum database does not know the version
	noSumsHere         // the checksum database would have to be asked, and must not be
	forbidden          // whoever was asked refuses to answer
	trouble            // anything else: an outage, a proxy that answers nonsense
)

// The go command gives its reasons as text only. What is listed here are the
// answers that are certain; everything else counts as trouble, so that an
// outage is never taken for absence.
var (
	refused     = regexp.MustCompile(`: (401 Unauthorized|403 Forbidden|407 Proxy Authentication Required|451 Unavailable For Legal Reasons)$`)
	gone        = regexp.MustCompile(`: (404 Not Found|410 Gone)$`)
	absentTexts = []string{
		": no matching versions for query ",
		": unknown revision ",
		": malformed module path ",
		": disallowed version string",
		": no go-import meta tags",
	}
	zipTexts = regexp.MustCompile(`^unzip |^zip: |^flate: |^unexpected EOF$|: zip: |zip for .* has (unexpected file|too many)|zip file too large|module source tree too large`)
)

// judge reads the outcome of a download.
func judge(d download, offline bool) verdict {
	if d.Error == "" && d.Dir != "" && d.Sum != "" {
		return fetched
	}
	// What a server adds in its own words proves nothing.
	text, _, _ := strings.Cut(d.Error, "\n\tserver response:")
	switch {
	case strings.Contains(text, "SECURITY ERROR"):
		return tampered
	case zipTexts.MatchString(text):
		return hostileZip
	case strings.Contains(text, ": verifying ") && offline:
		return noSumsHere
	case strings.Contains(text, ": verifying ") && gone.MatchString(text):
		return unverified
	case strings.HasSuffix(text, "module lookup disabled by GOPROXY=off"):
		// It says so too of a go.mod in the cache that it has no sum for.
		if base, ok := strings.CutSuffix(d.Info, ".info"); ok && isFile(base+".zip") {
			return noSumsHere
		}
		return notCached
	case refused.MatchString(text):
		return forbidden
	case d.Info != "": // a version that exists is not absent, whatever failed
		return trouble
	case gone.MatchString(text), strings.Contains(text, "reading file://") && strings.HasSuffix(text, ": no such file or directory"):
		return absent
	}
	for _, s := range absentTexts {
		if strings.Contains(text, s) {
			return absent
		}
	}
	return trouble
}

// refusal is the error for a verdict that ends the search.
func refusal(v verdict, ref, text string) error {
	var e *fault.Error
	switch v {
	case tampered:
		e = fault.New(nil, i18n.M("source.module.tampered", ref), i18n.M("source.module.tampered.hint"))
	case hostileZip:
		e = fault.New(nil, i18n.M("source.module.zip", ref), i18n.M("source.module.zip.hint"))
	case unverified:
		e = fault.New(nil, i18n.M("source.module.unverified", ref), i18n.M("source.module.unverified.hint"))
	case noSumsHere:
		e = fault.New(nil, i18n.M("source.module.nosums", ref), i18n.M("source.module.nosums.hint"))
	case forbidden:
		e = fault.New(nil, i18n.M("source.module.forbidden", ref), i18n.M("source.module.forbidden.hint"))
	default:
		e = fault.New(nil, i18n.M("source.module.outage", ref), i18n.M("source.module.outage.hint"))
	}
	e.Detail = strings.TrimSpace(text)
	return e
}

// versionInfo is a proxy's .info (go.dev/ref/mod#goproxy-protocol), with the
// Origin the go command adds.
type versionInfo struct {
	Time   time.Time
	Origin struct{ VCS, URL, Hash string }
}

func parseInfo(b []byte) (versionInfo, error) {
	var v versionInfo
	err := json.Unmarshal(b, &v)
	return v, err
}
