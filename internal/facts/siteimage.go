package facts

// imageSites is what the IMG rules ask for: what a program wants of the image
// it runs in.
var imageSites = []siteAsk{
	{pkgs: []string{"os"}, names: []string{"CreateTemp", "MkdirTemp"}},
	{pkgs: []string{"io/ioutil"}, names: []string{"TempFile", "TempDir"}},
	{pkgs: []string{"os/user"}, names: []string{"Current", "Lookup", "LookupId", "LookupGroup", "LookupGroupId"}},
	{pkgs: []string{"os/exec"}, names: []string{"Command", "CommandContext"}},
}
