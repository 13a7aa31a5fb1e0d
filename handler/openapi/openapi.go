// Package openapi describes the API as OpenAPI 3.1, from the types of its requests
// and answers: what a route takes and gives stands in one place, its code. The
// comments of that code are the descriptions.
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

const about = `What people and programs may ask about runs, devices and models, and do to them. A GET changes nothing.

Times are written as RFC 3339 has them, and answered in UTC. Names of devices, sensors and models are case-sensitive. Where a member is optional, it is left out instead of being null.

Lists are paged: the member "next" of an answer is a parameter of the next page, and is missing on the last page. Its description names the parameter.

A refused request is answered with a problem as RFC 9457 has it: its status tells programs what to do, and its detail tells people. What answers JSON to a program answers some GETs as a page to a browser, which sends Accept: text/html.`

// Document returns the document of operations, as JSON.
func Document(version string, operations []protocol.Operation) ([]byte, error) {
	comments, err := readDescriptions()
	if err != nil {
		return nil, err
	}
	r := openapi31.NewReflector()
	r.Spec.SetTitle("Fleetscore")
	r.Spec.SetDescription(about)
	r.Spec.SetVersion(version)
	r.Spec.SetAPIKeySecurity("key", "x-functions-key", swaggest.InHeader, "A function key of the application. None is asked for on a machine of one's own.")
	r.DefaultOptions = append(r.DefaultOptions, jsonschema.InterceptProp(require), jsonschema.InterceptNullability(present), jsonschema.InterceptSchema(closed), jsonschema.InterceptSchema(comments.describe),
		jsonschema.InterceptDefName(func(_ reflect.Type, name string) string { return shortName(name) }))
	for _, o := range operations {
		if err := add(r, comments, o); err != nil {
			return nil, fmt.Errorf("describe %s %s: %w", o.Method, o.Path, err)
		}
	}
	return r.Spec.MarshalJSON()
}

func add(r *openapi31.Reflector, comments descriptions, o protocol.Operation) error {
	c, err := r.NewOperationContext(o.Method, pathOf(o.Path))
	if err != nil {
		return err
	}
	summary, more, _ := strings.Cut(o.Summary, ". ")
	c.SetSummary(strings.TrimSuffix(summary, "."))
	c.SetDescription(strings.TrimSuffix(strings.TrimSuffix(summary, ".")+". "+more, " "))
	c.SetID(idOf(o.Method, o.Path))
	c.SetTags(tagOf(o.Path))
	c.AddSecurity("key")
	c.AddReqStructure(reflect.New(o.Request).Interface())
	c.AddRespStructure(reflect.New(o.Response).Interface(), func(u *swaggest.ContentUnit) {
		u.HTTPStatus = o.Status
		u.Description = comments.of(o.Response).Text
	})
	if o.Page {
		c.AddRespStructure(nil, func(u *swaggest.ContentUnit) {
			u.HTTPStatus = o.Status
			u.ContentType = "text/html"
			u.Description = comments.of(o.Response).Text
		})
	}
	for _, p := range problems {
		if p.post && o.Method != http.MethodPost {
			continue
		}
		c.AddRespStructure(new(protocol.Problem), func(u *swaggest.ContentUnit) {
			u.HTTPStatus, u.IsDefault = p.status, p.status == 0
			u.ContentType = "application/problem+json"
			u.Description = p.text
		})
	}
	c.AddRespStructure(nil, func(u *swaggest.ContentUnit) {
		u.HTTPStatus = http.StatusUnauthorized
		u.Description = "The function key is missing or wrong. The Functions host answers so, without a problem."
	})
	if err := r.AddOperation(c); err != nil {
		return err
	}
	comments.describeParameters(r.Spec, o)
	requireBody(r.Spec, o)
	return nil
}

// requireBody says that a body must be sent which has members that must be there.
func requireBody(spec *openapi31.Spec, o protocol.Operation) {
	body := operationOf(spec, o).RequestBody
	if body == nil || body.RequestBody == nil {
		return
	}
	for i := range o.Request.NumField() {
		if tag := o.Request.Field(i).Tag.Get("json"); tag != "-" && !strings.Contains(tag, ",omit") {
			body.RequestBody.WithRequired(true)
		}
	}
}

// operationOf returns the operation of a document that was added for o.
func operationOf(spec *openapi31.Spec, o protocol.Operation) *openapi31.Operation {
	item := spec.Paths.MapOfPathItemValues[pathOf(o.Path)]
	if o.Method == http.MethodPost {
		return item.Post
	}
	return item.Get
}

// problems are the answers that refuse a request; post says that only what changes
// something gives one, and status 0 stands for all others.
var problems = []struct {
	status int
	post   bool
	text   string
}{
	{http.StatusBadRequest, false, "A parameter or a member of the body is not what it is to be. The detail names it."},
	{http.StatusNotFound, false, "There is no such run, job, device, sensor or model."},
	{http.StatusConflict, true, "The request contradicts what is there, such as a window that is not over yet. The detail says what."},
	{http.StatusRequestEntityTooLarge, true, "The body has more than 1 MiB."},
	{http.StatusUnsupportedMediaType, true, "The Content-Type is not application/json."},
	{http.StatusServiceUnavailable, false, "SQL, storage or the network failed. Try again. The detail names the invocation, and the log says more under its id."},
	{0, false, "Any other refusal or failure. The detail of a status from 500 on names the invocation, and the log says more under its id."},
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

// tagOf says what a path is about: its first part, such as runs, in the plural.
func tagOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	switch name {
	case "":
		return "fleet"
	case "device", "sensor", "model":
		return name + "s"
	}
	return name
}

// shortName leaves out the package, as no two types of the API share a name.
func shortName(name string) string {
	for _, pkg := range []string{"Runs", "Fleet", "Protocol", "Ledger"} {
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

// present says that nothing is null: what is not there is left out, and a list is
// empty.
func present(p jsonschema.InterceptNullabilityParams) {
	p.Schema.RemoveType(jsonschema.Null)
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
