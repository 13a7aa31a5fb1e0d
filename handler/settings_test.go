package handler

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

var update = flag.Bool("update", false, "write the tables of docs/settings.md anew")

// The tables of docs/settings.md are those that the code goes by.
func TestSettingsPage(t *testing.T) {
	const name = "../docs/settings.md"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for section, want := range map[string]string{"settings": settingsTable(), "errors": errorsTable()} {
		begin, end := "<!-- "+section+": made by go test ./handler -update -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(text, begin)
		have, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no section %s", name, section)
		}
		if *update {
			text = before + begin + want + end + after
		} else if have != want {
			t.Errorf("the table of %s in %s is not that of the code: go test ./handler -update", section, name)
		}
	}
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n|---|---|---|\n")
	for _, s := range config.Settings {
		value := "`" + s.Default + "`"
		if s.Default == "" {
			value = "empty"
		} else if len(s.Default) > 40 {
			value = "in local.settings.json.example"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, value, strings.ReplaceAll(s.Meaning, "|", `\|`))
	}
	return b.String()
}

func errorsTable() string {
	var b strings.Builder
	b.WriteString("| error | a job closes as | HTTP | delivered again | meaning |\n|---|---|---|---|---|\n")
	for _, f := range fleet.Failures {
		kind := "anything else"
		if f.Err != nil {
			kind = f.Err.Error()
		}
		open := fleet.JobState("–") // callers of the API get the error; a job meets it hardly ever
		if f.Retry {
			open = "stays open"
		}
		fmt.Fprintf(&b, "| %s | %s | %d %s | %s | %s |\n", kind, cmp.Or(f.Outcome, open), f.Status, http.StatusText(f.Status), map[bool]string{true: "yes", false: "no"}[f.Retry], f.Meaning)
	}
	return b.String()
}
