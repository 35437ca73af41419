package check

// rules is every rule there is, one line each, by family.
var rules = []Rule{
	// ENV: settings of the go command.

	// GO: which Go builds.

	// MOD: modules.

	// TAG: build tags.

}
