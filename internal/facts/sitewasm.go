package facts

// wasmSites is what the WASM rules ask for.
var wasmSites = []siteAsk{}
