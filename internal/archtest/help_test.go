package archtest

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/cli"
)

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// TestDocumentedFlagsExist holds the flags that the documents name against the
// help of the commands.
func TestDocumentedFlagsExist(t *testing.T) {
	var help bytes.Buffer
	env := append(os.Environ(), "SLIPWAY_LANG=en")
	for _, command := range []string{"ship", "plan", "build", "config", "check", "verify"} {
		if code := cli.Run(t.Context(), []string{command, "--help"}, env, strings.NewReader(""), &help, &help); code != 0 {
			t.Fatalf("slipway %s --help: exit code %d\n%s", command, code, &help)
		}
	}
	known := map[string]bool{}
	for _, f := range flagName.FindAllString(help.String(), -1) {
		known[f] = true
	}
	for _, doc := range []string{"README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/facts.md", "docs/reproducibility.md", "docs/exit-codes.md", "docs/check.md", "docs/check.zh-CN.md", "docs/verify.md"} {
		for _, f := range flagName.FindAllString(read(t, doc), -1) {
			if !known[f] {
				t.Errorf("%s names %s, which no command knows", doc, f)
			}
		}
	}
}
