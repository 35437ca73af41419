package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Family is the rules on one subject.
type Family struct {
	Prefix string       // of the IDs, such as TAG
	Title  i18n.Message // the subject, without a full stop
}

// Families gives all families, sorted by prefix.
func Families() []Family { return slices.Clone(families) }

// In reports whether the rule belongs to a family.
func (r Rule) In(f Family) bool { return strings.TrimRight(r.ID, "0123456789") == f.Prefix }

var families = []Family{
	{"CGO", i18n.M("check.family.cgo")},
	{"CI", i18n.M("check.family.ci")},
	{"ENV", i18n.M("check.family.env")},
	{"GO", i18n.M("check.family.go")},
	{"IGN", i18n.M("check.family.ign")},
	{"IMG", i18n.M("check.family.img")},
	{"K8S", i18n.M("check.family.k8s")},
	{"LIC", i18n.M("check.family.lic")},
	{"LOCK", i18n.M("check.family.lock")},
	{"MOD", i18n.M("check.family.mod")},
	{"TAG", i18n.M("check.family.tag")},
	{"TLS", i18n.M("check.family.tls")},
	{"VUL", i18n.M("check.family.vul")},
	{"WASM", i18n.M("check.family.wasm")},
	{"WEB", i18n.M("check.family.web")},
}
