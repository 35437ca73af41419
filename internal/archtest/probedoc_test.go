package archtest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/cli"
)

// TestProbeDocument holds the flags that the page on probes names against the
// help of the commands it is about.
func TestProbeDocument(t *testing.T) {
	var help bytes.Buffer
	for _, command := range []string{"probe", "probe dns", "probe tls", "probe ca", "probe tz", "probe tmp", "probe user", "probe net", "probe signal", "inject", "install-self"} {
		args := append(strings.Fields(command), "--help")
		if code := cli.Run(t.Context(), args, []string{"SLIPWAY_LANG=en"}, strings.NewReader(""), &help, &help); code != 0 {
			t.Fatalf("slipway %s --help: exit code %d\n%s", command, code, &help)
		}
	}
	for _, f := range flagName.FindAllString(read(t, "docs/probe.md"), -1) {
		if !strings.Contains(help.String(), f+" ") {
			t.Errorf("docs/probe.md names %s, which none of the commands knows", f)
		}
	}
}
