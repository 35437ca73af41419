package check

// rules is every rule there is, one line each, by family.
var rules = []Rule{
	// CGO: what the binary needs of the system it runs on.
	libcMissing,
	glibcOlder,
	staticFlags,
	rebuildAlways,
	pieLoader,
	modeNeedsCgo,
	pluginHost,
	crossCompiler,
	outsideHeaders,
	needsCgo,

	// CI: what jobs may do, and what they need to do it.
	actionPin,
	releaseToken,
	packageToken,
	pushLogin,
	headCheckout,
	doubleCache,
	fixedCacheKey,
	untrustedCache,
	untestedTags,
	untestedGo,
	identityToken,
	writeAll,

	// ENV: settings of the go command.
	sumdbOff,
	sumdbForNothing,
	sumdbMalformed,
	proxyQuery,
	proxyPlain,
	insecure,
	modulesOff,
	modMod,
	privateLeak,
	envLeftover,
	proxyChain,
	privateRoute,
	modulesAuto,

	// GO: which Go builds.
	imageOlder,
	setupOlder,
	pinOlder,
	staleGoLine,
	jobImageOlder,
	workOlder,
	toolchainOlder,
	toolchainUnused,
	golangFloats,

	// IGN: the comments that silence rules.
	ignoreReason,
	staleIgnore,

	// IMG: what images hold and how they start.
	entrypointShell,
	runShell,
	caRoots,
	rootUser,
	copyOrder,
	baseLatest,
	imageSecret,
	timeZones,
	wrongArch,
	addUnchecked,
	tempDir,
	userLookup,
	execMissing,
	healthShell,
	signalsLost,
	baseDigest,
	raceShipped,
	pipedShell,

	// K8S: what Kubernetes makes of manifests and images together.
	readinessMissing,
	unknownPort,
	slowProbe,
	hastyLiveness,
	shutdownBudget,
	nonRootRefused,
	podRoot,
	writableRoot,
	readOnlyTemp,
	commandMissing,
	staleTag,
	podSecret,
	cpuLimit,
	memoryLimit,
	notServed,
	targetNotServed,

	// LIC: licences of what is linked.
	licensePolicy,
	licenseMissing,
	licenseCopyleft,

	// LOCK: what ties a program to one vendor.
	telemetryHost,
	controlHost,
	discoveryHost,
	telemetryModule,
	closedConstructor,
	vendorSpread,
	closedService,

	// MOD: modules.
	verifyGate,
	vendorGate,
	replaceOutside,
	vendorDrift,
	missingSum,
	retracted,
	deprecated,
	taggedCommit,
	idleLine,
	installRefused,
	getInstalls,
	vendorBypassed,
	vendorEdited,

	// TAG: build tags.
	tagsSyntax,
	spacedConstraint,
	disagreeingConstraints,
	unknownTag,
	plusBuildOnly,
	unbuildable,
	taggedProvider,
	deadConstraint,

	// TLS: what protects a connection, and FIPS 140.
	hybridDropped,
	weakDebug,
	skipVerify,
	oldVersion,
	fipsUndone,
	fipsMixed,
	boringWithoutCgo,
	stapleUnread,
	replacedKEM,

	// WASM: programs for WebAssembly, and their hosts.
	wasmSockets,
	wasmProcesses,
	wasmHost,

	// VUL: known vulnerabilities.
	vulnerableLinked,
	vulnerableRequired,
	vulnerableGo,
	ignoreOutlived,

	// WEB: servers of HTTP.
	corsCredentials,
	sessionCookie,
	serverTimeouts,
	cutStream,
	hiddenFlush,
	ownHeader,
	deafStream,
	debugExposed,
	noShutdown,
}
