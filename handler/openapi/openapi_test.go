package openapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/openapi"
	"github.com/fleetscore/fleetscore/handler/protocol"
)

type ask struct {
	ID    string `path:"id" json:"-"`
	Limit int    `query:"limit" json:"-"`
	Name  string `json:"name"`
	Note  string `json:"note,omitempty"`
}

type answer struct {
	Count int    `json:"count"`
	Left  string `json:"left,omitempty"`
}

// TestDocument describes two routes.
func TestDocument(t *testing.T) {
	t.Parallel()
	s := protocol.New(protocol.Options{Stdout: io.Discard})
	f := func(context.Context, ask) (answer, error) { return answer{}, nil }
	protocol.Route(s, http.MethodPost, "/api/things/:id/count", http.StatusAccepted, "Count", f)
	protocol.Page(s, "/api/things/:id", "Show", nil, f)
	text, err := openapi.Document("1.2", s.Operations())
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"openapi": `"3.1.0"`, "info version": `"1.2"`,
		"paths /api/things/{id}/count post operationId":                                      `"post_things_id_count"`,
		"paths /api/things/{id}/count post responses 202 content application/json schema":    `{"$ref":"#/components/schemas/OpenapiTestAnswer"}`,
		"paths /api/things/{id}/count post responses default content":                        `{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}`,
		"paths /api/things/{id}/count post requestBody required":                             `true`,
		"paths /api/things/{id} get responses 200 content text/html":                         `{"schema":{"type":"string"}}`,
		"components schemas OpenapiTestAnswer required":                                      `["count"]`,
		"components schemas OpenapiTestAnswer additionalProperties":                          `false`,
		"components schemas OpenapiTestAsk required":                                         `["name"]`,
		"components securitySchemes key name":                                                `"x-functions-key"`,
		"paths /api/things/{id}/count post requestBody content application/json schema $ref": `"#/components/schemas/OpenapiTestAsk"`,
	} {
		at := document
		for _, name := range strings.Fields(path) {
			members, _ := at.(map[string]any)
			at = members[name]
		}
		if got, _ := json.Marshal(at); string(got) != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
