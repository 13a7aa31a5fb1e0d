package version

import (
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuilt(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string][]debug.BuildSetting{
		"":          nil,
		"abc":       {{Key: "vcs.modified", Value: "false"}, {Key: "vcs.revision", Value: "abc"}},
		"abd-dirty": {{Key: "vcs.revision", Value: "abd"}, {Key: "vcs.modified", Value: "true"}},
	} {
		if got := built(&debug.BuildInfo{Settings: settings}, true); got != want {
			t.Errorf("%v: %q", settings, got)
		}
	}
	if got := built(nil, false); got != "" {
		t.Errorf("without build info: %q", got)
	}
}

// The template of azd has the version too.
func TestVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../azure.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n  template: fleetscore@"+Version+"\n") {
		t.Errorf("azure.yaml is not of version %s", Version)
	}
}
