package facts

// webSites is what the WEB rules ask for.
var webSites = []siteAsk{}
