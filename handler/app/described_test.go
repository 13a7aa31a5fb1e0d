package app

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fleetscore/fleetscore/handler/azurite"
)

// TestOpenAPIIsValid checks the document against the schema of OpenAPI 3.1
// (https://spec.openapis.org/oas/3.1/schema/), as the library's module has it, and each of
// its schemas against JSON Schema.
func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/swaggest/openapi-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	whole := documentOf(t)
	c := jsonschema.NewCompiler()
	schema, err := c.Compile(filepath.Join(strings.TrimSpace(string(module)), "resources", "schema", "openapi31.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(whole); err != nil {
		t.Error(err)
	}
	for name := range whole["components"].(map[string]any)["schemas"].(map[string]any) {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		if err := c.AddResource("openapi.json", whole); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	delete(whole, "info")
	if schema.Validate(whole) == nil {
		t.Error("a document without info is valid")
	}
}

// documentOf returns the document of an application.
func documentOf(t *testing.T) map[string]any {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(described{t: t, app: newApp(t, nowhere, t.Output())}.ask(http.MethodGet, "/api/openapi.json", "").Body)
	if err != nil {
		t.Fatal(err)
	}
	return document.(map[string]any)
}

// TestOpenAPIOfNothing asks an application that nothing was sent to: its answers are
// as described too, with empty lists.
func TestOpenAPIOfNothing(t *testing.T) {
	t.Parallel()
	e, err := azurite.Start(t.Context(), azurite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	d := describe(t, newApp(t, e.ConnectionString, t.Output()))
	for path, operations := range d.document["paths"].(map[string]any) {
		if operations.(map[string]any)["get"] == nil {
			continue
		}
		target := strings.ReplaceAll(path, "{id}", describedRun)
		if query := examples[path]; query != nil {
			target += "?" + query.Encode()
		}
		w := d.ask(http.MethodGet, target, "")
		if absent := strings.Contains(path, "{id}") || slices.Contains([]string{"/api/device", "/api/sensor", "/api/model"}, path); absent != (w.Code == http.StatusNotFound) {
			t.Errorf("GET %s: %d %s", target, w.Code, w.Body)
		}
		if err := d.valid(http.MethodGet, path, w); err != nil {
			t.Error(err)
		}
	}
}

// wordOfCode is a name of Go's, which readers of the document do not know.
var wordOfCode = regexp.MustCompile(`\b[a-z]+\.[A-Z]|\b[A-Z]?[a-z]+[A-Z][a-z]`)

// TestDescribed checks that each operation, parameter, body, answer and member has a
// description in words of the API. Those that have few values list them.
func TestDescribed(t *testing.T) {
	t.Parallel()
	whole := documentOf(t)
	said := func(name string, of any) {
		text, _ := of.(map[string]any)["description"].(string)
		if len(text) < 8 || !strings.HasSuffix(text, ".") || wordOfCode.MatchString(strings.ReplaceAll(strings.ReplaceAll(text, "StandardScaler", ""), "ETag", "")) {
			t.Errorf("%s is described by %q", name, text)
		}
	}
	values := map[string][]any{}
	schemas := whole["components"].(map[string]any)["schemas"].(map[string]any)
	enum := func(of any) (list []any) {
		schema := of.(map[string]any)
		if items, ok := schema["items"].(map[string]any); ok {
			schema = items
		}
		if ref, ok := schema["$ref"].(string); ok {
			schema = schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		}
		list, _ = schema["enum"].([]any)
		return list
	}
	for path, operations := range whole["paths"].(map[string]any) {
		for method, operation := range operations.(map[string]any) {
			operation, name := operation.(map[string]any), method+" "+path
			said(name, operation)
			if summary, _ := operation["summary"].(string); summary == "" || operation["operationId"] == nil || operation["tags"] == nil {
				t.Errorf("%s: summary %q, operationId %v, tags %v", name, summary, operation["operationId"], operation["tags"])
			}
			parameters, _ := operation["parameters"].([]any)
			for _, p := range parameters {
				p := p.(map[string]any)
				name := fmt.Sprint(name, " ", p["name"])
				said(name, p)
				values[name] = enum(p["schema"])
			}
			for status, answer := range operation["responses"].(map[string]any) {
				said(name+" "+status, answer)
			}
			for _, status := range []string{"400", "401", "404", "503", "default"} {
				if operation["responses"].(map[string]any)[status] == nil {
					t.Errorf("%s does not tell of %s", name, status)
				}
			}
		}
	}
	for name, schema := range schemas {
		said(name, schema)
		members, _ := schema.(map[string]any)["properties"].(map[string]any)
		for member, of := range members {
			said(name+" "+member, of)
			values[name+" "+member] = enum(of)
			if fmt.Sprint(of.(map[string]any)["type"]) == "[null]" || strings.Contains(fmt.Sprint(of.(map[string]any)["type"]), "null") {
				t.Errorf("%s of %s may be null: leave it out", member, name)
			}
		}
	}
	for name, want := range map[string]string{
		"get /api/ range":               "hour day week month year",
		"get /api/ group":               "site device",
		"get /api/ingest range":         "hour day week month",
		"get /api/anomalies/top sort":   "anomalies share",
		"get /api/runs/{id}/jobs sort":  "worst slowest",
		"get /api/runs/{id}/jobs state": "queued scored no_data no_model bad_model bad_data failed cancelled",
		"Job state":                     "queued scored no_data no_model bad_model bad_data failed cancelled",
		"Run state":                     "running cancelling succeeded degraded failed cancelled",
		"Run kind":                      "scheduled requested",
		"Run reason":                    "schedule request rescore late_readings late_success lost_file cancel",
		"Opened result":                 "opened found ended",
		"Model scope":                   "device fleet default attributes none",
		"Window status":                 "run covered to_come expired missing",
		"RescoreRequest settings":       "current",
		"RescoreRequest states":         "queued scored no_data no_model bad_model bad_data failed cancelled",
	} {
		if got := fmt.Sprintln(values[name]...); strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"JobState", "RunState", "RunKind", "Reason", "Scope", "OpenResult", "WindowStatus"} {
		if schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
	if security, _ := whole["components"].(map[string]any)["securitySchemes"].(map[string]any); len(security) == 0 {
		t.Errorf("security: %v", security)
	}
}
