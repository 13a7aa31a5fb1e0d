// Package openapi describes the API as OpenAPI 3.1, from the types of its requests
// and answers: what a route takes and gives stands in one place, its code.
package openapi

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"
	swaggest "github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"

	"github.com/fleetscore/fleetscore/handler/protocol"
)

// Document returns the document of operations, as JSON.
func Document(version string, operations []protocol.Operation) ([]byte, error) {
	r := openapi31.NewReflector()
	r.Spec.SetTitle("Fleetscore")
	r.Spec.SetDescription("What people and programs may ask about runs, devices and models, and do to them. GETs change nothing. " +
		"Lists are paged: what next says is the parameter after (or before, or from) of the next page. A refusal is a problem as RFC 9457 has it.")
	r.Spec.SetVersion(version)
	r.Spec.SetAPIKeySecurity("key", "x-functions-key", swaggest.InHeader, "a function key; not asked for on a machine of one's own")
	r.DefaultOptions = append(r.DefaultOptions, jsonschema.InterceptProp(require), jsonschema.InterceptSchema(closed),
		jsonschema.InterceptDefName(func(_ reflect.Type, name string) string { return shortName(name) }))
	for _, o := range operations {
		if err := add(r, o); err != nil {
			return nil, fmt.Errorf("describe %s %s: %w", o.Method, o.Path, err)
		}
	}
	return r.Spec.MarshalJSON()
}

func add(r *openapi31.Reflector, o protocol.Operation) error {
	c, err := r.NewOperationContext(o.Method, pathOf(o.Path))
	if err != nil {
		return err
	}
	c.SetSummary(o.Summary)
	c.SetID(idOf(o.Method, o.Path))
	c.AddSecurity("key")
	c.AddReqStructure(reflect.New(o.Request).Interface())
	c.AddRespStructure(reflect.New(o.Response).Interface(), func(u *swaggest.ContentUnit) { u.HTTPStatus = o.Status })
	c.AddRespStructure(new(protocol.Problem), func(u *swaggest.ContentUnit) {
		u.IsDefault = true
		u.ContentType = "application/problem+json"
		u.Description = "the request was refused, or failed"
	})
	if o.Page {
		c.AddRespStructure(nil, func(u *swaggest.ContentUnit) {
			u.HTTPStatus = o.Status
			u.ContentType = "text/html"
		})
	}
	return r.AddOperation(c)
}

var parameter = regexp.MustCompile(`:(\w+)`)

// pathOf writes a path with its parameters as OpenAPI does: /api/runs/{id}.
func pathOf(path string) string { return parameter.ReplaceAllString(path, "{$1}") }

// idOf makes a name of a method and a path: get_runs_id_jobs.
func idOf(method, path string) string {
	name := strings.Trim(strings.NewReplacer("/api/", "", "/", "_", ":", "").Replace(path), "_")
	if name == "" {
		name = "fleet"
	}
	return strings.ToLower(method) + "_" + name
}

// shortName leaves out the package, as no two types of the API share a name.
func shortName(name string) string {
	for _, pkg := range []string{"Runs", "Fleet", "Protocol"} {
		name = strings.TrimPrefix(name, pkg)
	}
	return name
}

// require makes a member required that is written always.
func require(p jsonschema.InterceptPropParams) error {
	tag, ok := p.Field.Tag.Lookup("json")
	if !ok || p.Processed {
		return nil
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == p.Name && !strings.Contains(options, "omit") && !slices.Contains(p.ParentSchema.Required, name) {
		p.ParentSchema.Required = append(p.ParentSchema.Required, name)
	}
	return nil
}

// closed makes objects have no members but those that are told.
func closed(p jsonschema.InterceptSchemaParams) (stop bool, err error) {
	if p.Processed && len(p.Schema.Properties) > 0 && p.Schema.AdditionalProperties == nil {
		no := false
		p.Schema.AdditionalProperties = &jsonschema.SchemaOrBool{TypeBoolean: &no}
	}
	return false, nil
}

// Handler serves a document.
func Handler(document []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // if the other side is gone, nobody is left to tell
	})
}
