// Package godebug knows which settings of the variable GODEBUG undo a default
// that protects. It knows nothing of where the settings stand.
package godebug

import (
	"iter"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// weak are the settings that undo a default which protects, with what they
// lead to. Source: the Go tree's doc/godebug.md and internal/godebugs.
var weak = map[string]i18n.Message{
	"tlsmlkem=0":           i18n.M("rule.tls002.mlkem"),
	"tlssecpmlkem=0":       i18n.M("rule.tls002.secpmlkem"),
	"tls10server=1":        i18n.M("rule.tls002.tls10"),
	"tls3des=1":            i18n.M("rule.tls002.tripledes"),
	"tlsrsakex=1":          i18n.M("rule.tls002.rsakex"),
	"tlssha1=1":            i18n.M("rule.tls002.sha1"),
	"tlsunsafeekm=1":       i18n.M("rule.tls002.ekm"),
	"rsa1024min=0":         i18n.M("rule.tls002.rsa1024"),
	"x509sha1=1":           i18n.M("rule.tls002.x509sha1"),
	"x509negativeserial=1": i18n.M("rule.tls002.serial"),
}

// Weak says what a setting such as tls3des=1 leads to, if it undoes a default
// that protects.
func Weak(setting string) (i18n.Message, bool) {
	m, ok := weak[setting]
	return m, ok
}

// Minor reports whether a weak setting may well be wanted: few peers are
// touched by it.
func Minor(setting string) bool {
	return setting == "tlssecpmlkem=0" || setting == "x509negativeserial=1"
}

// Settings gives the settings in a value of GODEBUG, without the spaces around
// them.
func Settings(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for pair := range strings.SplitSeq(value, ",") {
			if pair = strings.TrimSpace(pair); pair != "" && !yield(pair) {
				return
			}
		}
	}
}
