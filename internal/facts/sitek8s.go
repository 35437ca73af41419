package facts

// k8sSites is what the K8S rules ask for. How long a shutdown may take is
// only of interest where net/http's Shutdown is called, which webSites asks
// for.
var k8sSites = []siteAsk{
	{pkgs: []string{"os"}, names: []string{"CreateTemp", "MkdirTemp"}},
	{pkgs: []string{"io/ioutil"}, names: []string{"TempFile", "TempDir"}},
	{pkgs: []string{"context"}, names: []string{"WithTimeout"}, aside: true},
}
