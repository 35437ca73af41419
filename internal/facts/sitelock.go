package facts

// lockSites is what the LOCK rules ask for.
var lockSites = []siteAsk{}
