package infra

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAzureYAML checks the fields that azd reads, and the files that they name.
func TestAzureYAML(t *testing.T) {
	text := read(t, "azure.yaml")
	for _, want := range []string{
		"\nname: fleetscore\n", "\n  provider: bicep\n  path: infra\n  module: main\n", "\n  azd: \">= 1.25.1\"\n", "\n  preprovision:", "\n  postdeploy:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("azure.yaml lacks %q", want)
		}
	}
	// A service would make azd try a zip deploy, which the platform refuses.
	if regexp.MustCompile(`(?m)^services:|language:`).MatchString(text) {
		t.Error("azure.yaml declares a service")
	}
	for _, file := range []string{"azure.yaml", "infra/shapes/contentshare.azure.yaml"} {
		commands := regexp.MustCompile(`run: (.*?) \}`).FindAllStringSubmatch(read(t, file), -1)
		if len(commands) != 4 {
			t.Errorf("%s: %d commands", file, len(commands))
		}
		for _, c := range commands {
			if !regexp.MustCompile(`^go run \./handler/cmd/fleetscore (package( --azd-env)?|release)$`).MatchString(c[1]) {
				t.Errorf("%s: runs %q", file, c[1])
			}
		}
	}
}

// TestOutputs checks that infra has the outputs that a release reads.
func TestOutputs(t *testing.T) {
	names := regexp.MustCompile(`get(?:env)?\("([A-Z_]+)"\)`).FindAllStringSubmatch(read(t, "handler/release/target.go"), -1)
	if len(names) < 12 {
		t.Fatalf("a release reads %v", names)
	}
	each(t, func(t *testing.T, _ string, s snapshot) {
		for _, m := range names {
			if _, ok := s.Outputs[m[1]]; !ok && m[1] != "AZURE_SUBSCRIPTION_ID" { // which is azd's own
				t.Errorf("no output %s", m[1])
			}
		}
	})
}

// TestActionsArePinned checks that workflows name actions by commit, not by tag.
func TestActionsArePinned(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	for _, file := range files {
		text := read(t, ".github/workflows/"+filepath.Base(file))
		for _, m := range regexp.MustCompile(`uses: (.*)`).FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`).MatchString(m[1]) {
				t.Errorf("%s uses %s", file, m[1])
			}
		}
	}
}
