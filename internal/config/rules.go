package config

import "github.com/slipway-build/slipway/internal/i18n"

// rule is what a key accepts: the syntax of its value, not whether it makes
// sense for a project. An empty value is always accepted and means the
// default.
//
// The patterns keep to the syntax that Go and JSON Schema (ECMA-262) share:
// the schema is made of them.
type rule struct {
	enum      []string                  // the values; with a pattern, the values that have a name
	pattern   string                    // of the value, of each item of a list, of each value of a table
	names     string                    // pattern of the names of a table
	check     func(string) i18n.Message // what the pattern cannot say; gives the hint, zero if fine
	checkName func(string) i18n.Message // the same for the names of a table
	form      i18n.Message              // what to write instead: the hint of an error
	def       string                    // default; "": decided from the facts, or none
	required  bool                      // every item must have it
	plain     bool                      // numbers and booleans are natural in YAML here: 8080, 1.25
}

const (
	platform = `^[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?$`
	variable = `^[A-Za-z_][A-Za-z0-9_]*$`
	anyText  = `^.+$`
	imageTag = `^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`
	numbers  = `^[0-9]{1,10}(:[0-9]{1,10})?$`
	spdxID   = `^[A-Za-z0-9.+-]+$`
	// reasonText wants more than a dash or a dot: who reads it later needs words.
	reasonText = `^.*[^\s.-].*[^\s.-].*$`
	duration   = `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`
)

// rules is the one table of what every key accepts and what it defaults to.
// Defaults that depend on the project (main, name, version, go, targets,
// stamp, entrypoint, ports, workdir, tags of the image) are not here: they
// stay empty and package plan decides them from the facts.
func rules() map[string]rule {
	onOff := func(def string) rule {
		return rule{enum: []string{"on", "off"}, def: def}
	}
	autoOnOff := rule{enum: []string{"auto", "on", "off"}, def: "auto"}
	path := i18n.M("config.form.path")
	user := rule{
		enum: []string{"nonroot", "root"}, pattern: numbers, check: checkUser,
		form: i18n.M("config.form.user"), plain: true,
	}
	imageUser, fileUser := user, user
	imageUser.def, fileUser.def = "nonroot", "0:0"
	probe := rule{pattern: `^(https?|tcp)://\S*$`, form: i18n.M("config.form.probe")}
	wait := rule{pattern: duration, check: checkDuration, form: i18n.M("config.form.duration")}

	return map[string]rule{
		"main":    {pattern: `^[^-\s]\S*$`, form: i18n.M("config.form.main")},
		"name":    {pattern: `^[a-z0-9]+([._-]+[a-z0-9]+)*$`, form: i18n.M("config.form.name")},
		"version": {pattern: `^[A-Za-z0-9][A-Za-z0-9._+/~-]*$`, form: i18n.M("config.form.version"), plain: true},
		"go":      {pattern: `^1\.[0-9]+(\.[0-9]+|rc[0-9]+|beta[0-9]+)?$`, form: i18n.M("config.form.go"), plain: true},
		"targets": {pattern: platform, form: i18n.M("config.form.target")},
		"output":  {pattern: anyText, check: checkOutput, form: i18n.M("config.form.output"), def: "dist"},

		"build.cgo":     autoOnOff,
		"build.tags":    {pattern: `^[A-Za-z0-9_.]+$`, form: i18n.M("config.form.tag")},
		"build.ldflags": {pattern: anyText, form: i18n.M("config.form.flag")},
		"build.gcflags": {pattern: anyText, form: i18n.M("config.form.flag")},
		"build.strip":   onOff("on"),
		"build.debug":   onOff("off"),
		"build.fips": {
			enum: []string{"off", "latest", "inprocess", "certified"}, pattern: `^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`,
			form: i18n.M("config.form.fips"), def: "off",
		},
		"build.env":     {names: variable, checkName: checkBuildEnv, form: i18n.M("config.form.env"), plain: true},
		"build.cc":      {names: platform, pattern: anyText, form: i18n.M("config.form.cc")},
		"build.stamp":   {names: `^[^\s=]+\.[^\s=./]+$`, check: checkStamp, form: i18n.M("config.form.stamp"), plain: true},
		"build.sysroot": {names: platform, pattern: anyText, form: i18n.M("config.form.sysroot")},

		"image.base": {
			enum:    []string{"auto", "assembled", "closure"},
			pattern: `^(oci:.+|[^\s@]*[/.:][^\s@]*(@sha256:[0-9a-f]{64})?|[^\s@]+@sha256:[0-9a-f]{64})$`,
			form:    i18n.M("config.form.base"), def: "auto",
		},
		"image.caBundle":    {pattern: anyText, form: path},
		"image.caRoots":     autoOnOff,
		"image.zones":       autoOnOff,
		"image.temp":        autoOnOff,
		"image.shell":       {enum: []string{"required"}},
		"image.glibcMax":    {pattern: `^[0-9]+\.[0-9]+$`, form: i18n.M("config.form.glibc"), plain: true},
		"image.user":        imageUser,
		"image.env":         {names: `^[^=\s]+$`, form: i18n.M("config.form.env"), plain: true},
		"image.workdir":     {pattern: `^/.*$`, form: i18n.M("config.form.absolute")},
		"image.ports":       {pattern: `^[0-9]{1,5}(/(tcp|udp|sctp))?$`, check: checkPort, form: i18n.M("config.form.port"), plain: true},
		"image.labels":      {names: `^\S+$`, form: i18n.M("config.form.label"), plain: true},
		"image.annotations": {names: `^\S+$`, form: i18n.M("config.form.label"), plain: true},
		"image.stopSignal":  {pattern: `^(SIG[A-Z0-9]+([+-][0-9]+)?|[0-9]{1,2})$`, form: i18n.M("config.form.signal"), plain: true},
		"image.compression": {enum: []string{"gzip", "zstd"}, def: "gzip"},
		"image.tags":        {pattern: imageTag, form: i18n.M("config.form.imageTag"), plain: true},

		"image.healthcheck.interval":    wait,
		"image.healthcheck.timeout":     wait,
		"image.healthcheck.startPeriod": wait,

		"image.files.from": {pattern: anyText, form: path, required: true},
		"image.files.to":   {pattern: `^/.*$`, form: i18n.M("config.form.absolute"), required: true},
		"image.files.mode": {pattern: `^(0o)?[0-7]{1,5}$`, check: checkMode, form: i18n.M("config.form.mode"), plain: true},
		"image.files.user": fileUser,

		"check.rules":    {enum: RuleSets()},
		"check.severity": {enum: []string{"stops-build", "cannot-start", "fails-in-production", "security", "waste"}, def: "waste"},
		"check.disable":  {names: `^[A-Z]+[0-9]{3}$`, pattern: reasonText, form: i18n.M("config.form.disable")},

		"check.licenses.allow":      {pattern: spdxID, form: i18n.M("config.form.spdx")},
		"check.licenses.deny":       {pattern: spdxID, form: i18n.M("config.form.spdx")},
		"check.licenses.exceptions": {names: `^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$`, pattern: reasonText, form: i18n.M("config.form.moduleReason")},

		"verify.probe":      probe,
		"verify.expectStop": wait,
		"verify.slow":       probe,
		"verify.reload":     {pattern: `^(SIG[A-Z0-9]+|[0-9]{1,2})$`, form: i18n.M("config.form.signal"), plain: true},
		"verify.runner":     {enum: []string{"namespaces", "runc", "docker"}, def: "namespaces"},
		"verify.memory":     {pattern: `^[0-9]{1,12}(B|KiB|MiB|GiB)?$`, form: i18n.M("config.form.memory"), plain: true},
		"verify.env":        {names: variable, form: i18n.M("config.form.env"), plain: true},
		"verify.args":       {plain: true},
		"verify.reach":      {names: `^[^\s:]+:[0-9]{1,5}$`, pattern: `^[^\s]+:[0-9]{1,5}$`, form: i18n.M("config.form.reach")},
		"verify.egress":     {pattern: `^\S+$`, form: i18n.M("config.form.egress")},

		"verify.matrix.dns":       probe,
		"verify.matrix.tls":       probe,
		"verify.matrix.time":      probe,
		"verify.matrix.tmp":       probe,
		"verify.matrix.user":      probe,
		"verify.matrix.db":        probe,
		"verify.matrix.databases": {names: `^[a-z0-9-]+$`, pattern: anyText, form: i18n.M("config.form.dsn")},

		"check.vulnerabilities.database": {pattern: anyText, check: checkDatabase, form: i18n.M("config.form.database")},
		"check.vulnerabilities.ignore":   {names: `^[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9-]+$`, pattern: reasonText, form: i18n.M("config.form.osvReason")},
	}
}
