package infra

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const dir = "../../infra"

// shapes are the parameter files, each with its snapshot beside it.
var shapes = []string{"main", "shapes/flex", "shapes/vnet", "shapes/contentshare"}

type snapshot struct {
	PredictedResources []resource
	Diagnostics        []json.RawMessage
	Outputs            map[string]any
}

type resource struct {
	ID, Type, Name, APIVersion string
	Tags                       map[string]string
	Properties                 json.RawMessage
	raw                        string
}

func (r *resource) UnmarshalJSON(data []byte) error {
	type plain resource
	r.raw = string(data)
	return json.Unmarshal(data, (*plain)(r))
}

// short is the last part of the type, under that of its service.
func (r resource) short() string {
	_, rest, _ := strings.Cut(r.Type, "/")
	return rest
}

func load(t *testing.T, shape string) snapshot {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, shape+".snapshot.json"))
	must(t, err)
	return parse(t, shape, data)
}

func parse(t *testing.T, shape string, data []byte) snapshot {
	t.Helper()
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.PredictedResources) < 50 || len(s.Diagnostics) > 0 {
		t.Fatalf("%s: %d resources, diagnostics %s", shape, len(s.PredictedResources), s.Diagnostics)
	}
	return s
}

func each(t *testing.T, f func(t *testing.T, shape string, s snapshot)) {
	for _, shape := range shapes {
		t.Run(path.Base(shape), func(t *testing.T) { f(t, shape, load(t, shape)) })
	}
}

func (s snapshot) all(kind string) []resource {
	var found []resource
	for _, r := range s.PredictedResources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

func (r resource) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Properties, v); err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
}

// scopeOf finds what an extension resource belongs to in its id, which may be an expression.
var scopeOf = regexp.MustCompile(`^(?:\[extensionResourceId\(')?(/[^']*?)(?:'|/providers/Microsoft\.(?:Authorization|Insights)/(?:roleAssignments|diagnosticSettings)/)`)

// scope returns what an extension resource belongs to, from its resource group on.
func (r resource) scope(t *testing.T) string {
	t.Helper()
	m := scopeOf.FindStringSubmatch(r.ID)
	if m == nil {
		t.Fatalf("no scope in %s", r.ID)
	}
	_, rest, _ := strings.Cut(m[1], "/providers/")
	return token.ReplaceAllString(rest, "")
}

// token is the hash that makes names unique.
var token = regexp.MustCompile(`2tq344kw2w2da`)
