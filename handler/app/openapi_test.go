package app

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// described is the API with its OpenAPI document.
type described struct {
	t        *testing.T
	app      *App
	document map[string]any
	schemas  *jsonschema.Compiler
}

const (
	describedRun = "20180828T230000Z-20180829T000000Z"
	oddDevice    = `..`
	oddSensor    = `a/b%2F<img src=x onerror=alert(1)>"&?#`
)

func newDescribed(t *testing.T) described {
	t.Helper()
	e, err := azurite.Start(t.Context(), azurite.Options{}) // with a queue of its own: what it sends is not for others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	a := newApp(t, e.ConnectionString, t.Output())
	if _, err := a.storage.Blobs().Write(t.Context(), blob.Models, fleet.ID{Device: oddDevice, Sensor: oddSensor}.Path()+".pkl", "", "", func(w io.Writer) error {
		_, err := w.Write(simulate.Kinds[0].Model())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var events [][]byte
	for i := range 5 {
		event, err := json.Marshal(map[string]any{"device": oddDevice, "sensor": oddSensor, "ts": fmt.Sprintf("2018-08-28T23:0%d:00Z", i), "value": i * 100})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event, fmt.Appendf(nil, `{"device":"d","sensor":"no model","ts":"2018-08-28T23:0%d:00Z","value":1}`, i))
	}
	events = append(events, []byte(`{"reading": "<img src=x onerror=alert(1)>"}`), []byte("\xff\x00 no text"))
	invoke(t, a, "ingest", "events", events)
	if status, reply := request(t, a, http.MethodPost, "/api/runs", map[string]string{"from": "2018-08-28T23:00:00Z", "to": "2018-08-29T00:00:00Z"}); status != http.StatusAccepted {
		t.Fatal(status, reply)
	}
	var jobs []fleet.JobKey
	for _, id := range []fleet.ID{{Device: oddDevice, Sensor: oddSensor}, {Device: "d", Sensor: "no model"}} {
		jobs = append(jobs, fleet.JobKey{ID: id})
	}
	text, err := fleet.NewMessage(describedRun, jobs).Encode()
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, a, "score", "message", text)

	// What the application writes by itself is written now, and not while a test looks.
	a.later.running.Wait()
	a.flusher.end()
	a.flusher = flushEvery(time.Hour, a.record)
	return describe(t, a)
}

// describe returns an application with its document.
func describe(t *testing.T, a *App) described {
	t.Helper()
	d := described{t: t, app: a, schemas: jsonschema.NewCompiler()}
	reply := d.ask(http.MethodGet, "/api/openapi.json", "")
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(reply.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	d.document = document.(map[string]any)
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource("openapi.json", document); err != nil {
		t.Fatal(err)
	}
	return d
}

// ask sends a request as the host forwards it.
func (d described) ask(method, target, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	d.app.ServeHTTP(w, r)
	return w
}

// valid reports whether an answer is one that the document describes.
func (d described) valid(method, path string, w *httptest.ResponseRecorder) error {
	status := fmt.Sprint(w.Code)
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	operation := d.document["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
	responses := operation["responses"].(map[string]any)
	if responses[status] == nil {
		status = "default"
	}
	content := responses[status].(map[string]any)["content"].(map[string]any)
	if content[media] == nil {
		return fmt.Errorf("%s answers %s as %q, which the document does not say", path, status, media)
	}
	pointer := "openapi.json#/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path) + "/" + strings.ToLower(method) +
		"/responses/" + status + "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema"
	schema, err := d.schemas.Compile(pointer)
	if err != nil {
		return err
	}
	answer, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		return err
	}
	if err := schema.Validate(answer); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", method, path, err, w.Body)
	}
	return nil
}

// examples are parameters with which each route has an answer.
var examples = map[string]url.Values{
	"/api/":               {"range": {"day"}, "group": {"device"}, "sort": {"name"}, "prefix": {"."}, "page": {"0"}, "to": {"2018-08-29T00:00:00Z"}},
	"/api/device":         {"device": {oddDevice}, "from": {"2018-08-28T00:00:00Z"}, "to": {"2018-08-29T00:00:00Z"}},
	"/api/sensor":         {"device": {oddDevice}, "name": {oddSensor}},
	"/api/runs":           {"limit": {"1"}},
	"/api/runs/{id}/jobs": {"state": {"scored"}},
	"/api/runs/{id}/job":  {"device": {oddDevice}, "name": {oddSensor}},
	"/api/windows":        {"from": {"2018-08-28T00:00:00Z"}, "to": {"2018-08-29T00:00:00Z"}, "limit": {"3"}},
	"/api/sensors":        {"sensors": {oddDevice}},
	"/api/devices":        {"limit": {"1"}},
	"/api/anomalies":      {"sensors": {"*"}, "limit": {"1"}},
	"/api/anomalies/top":  {"sort": {"share"}},
	"/api/models":         {"limit": {"5"}},
	"/api/model":          {"name": {fleet.ID{Device: oddDevice, Sensor: oddSensor}.Path() + ".pkl"}},
	"/api/ingest":         {"range": {"day"}},
	"/api/deadletter":     {"limit": {"1"}},
}

// bodies are requests to each route that changes something, in an order in which they can
// be sent.
var bodies = []struct{ path, body string }{
	{"/api/runs", `{"from":"2018-08-28T22:00:00Z","to":"2018-08-28T23:00:00Z","sensors":"d"}`},
	{"/api/runs/{id}/rescore", `{"sensors":"d","states":["no_model"]}`},
	{"/api/runs/{id}/cancel", ``},
	{"/api/models/refresh", `{}`},
	{"/api/models/rollback", `{"model":"none.pkl"}`}, // answers a problem
	{"/api/models/remove", `{"model":"none.pkl"}`},   // as does this
	{"/api/sensors/disable", `{"sensors":"d"}`},
	{"/api/sensors/enable", `{"sensors":"d"}`},
}

// TestOpenAPI calls every route that the document describes, and compares each answer
// with it. Reading changes nothing in the database.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	d := newDescribed(t)
	if d.document["openapi"] == nil || !strings.HasPrefix(d.document["openapi"].(string), "3.1.") {
		t.Errorf("openapi %v", d.document["openapi"])
	}
	paths := d.document["paths"].(map[string]any)
	if n := len(d.app.server.Operations()); n != countOperations(paths) {
		t.Errorf("%d routes, but %d are described", n, countOperations(paths))
	}
	version := d.dataVersion()
	before := version()
	for path, operations := range paths {
		if operations.(map[string]any)["get"] == nil {
			continue
		}
		target := strings.ReplaceAll(path, "{id}", describedRun)
		if query := examples[path]; query != nil {
			target += "?" + query.Encode()
		}
		w := d.ask(http.MethodGet, target, "")
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d %s", target, w.Code, w.Body)
		}
		if err := d.valid(http.MethodGet, path, w); err != nil {
			t.Error(err)
		}
	}
	if after := version(); after != before {
		t.Errorf("reading has changed the database, from version %d to %d", before, after)
	}
	sent := map[string]bool{}
	for _, c := range bodies {
		w := d.ask(http.MethodPost, strings.ReplaceAll(c.path, "{id}", describedRun), c.body)
		if w.Code >= 500 || w.Code >= 400 && c.path != "/api/models/rollback" && c.path != "/api/models/remove" {
			t.Errorf("POST %s: %d %s", c.path, w.Code, w.Body)
		}
		if err := d.valid(http.MethodPost, c.path, w); err != nil {
			t.Error(err)
		}
		sent[c.path] = true
	}
	for path, operations := range paths {
		if operations.(map[string]any)["post"] != nil && !sent[path] {
			t.Errorf("POST %s is not tested", path)
		}
	}
	// A form cannot be sent to what changes something, with or without a body.
	for _, c := range bodies {
		for _, media := range []string{"", "application/x-www-form-urlencoded", "text/plain"} {
			r := httptest.NewRequest(http.MethodPost, strings.ReplaceAll(c.path, "{id}", describedRun), strings.NewReader(c.body))
			r.Header.Set("Content-Type", media)
			w := httptest.NewRecorder()
			if d.app.ServeHTTP(w, r); w.Code != http.StatusUnsupportedMediaType {
				t.Errorf("POST %s as %q: %d", c.path, media, w.Code)
			}
		}
	}
}

func countOperations(paths map[string]any) (n int) {
	for _, operations := range paths {
		n += len(operations.(map[string]any))
	}
	return n
}

// dataVersion returns a function whose result changes when another connection has changed
// the database.
func (d described) dataVersion() func() int64 {
	db, err := sql.Open("sqlite3", d.app.cfg.SQL)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return func() (n int64) {
		if err := db.QueryRowContext(d.t.Context(), "PRAGMA data_version").Scan(&n); err != nil {
			d.t.Fatal(err)
		}
		return n
	}
}

// hostile are values that parameters refuse, or that are easily misread.
var hostile = []string{
	"", " ", "\x00", "\xff\xfe", "-1", "0", "1e999", "99999999999999999999", "NaN", "null", "true", "[]", "{}", "..", "../..", "%", "%2", "%2F", "%00", "/", "//", "a/b/c/d", "'", "' OR 1=1 --", `"`, "<img src=x onerror=alert(1)>",
	"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "2018-08-28", "2018-08-28T23:00:00+23:59", "0001-01-01T00:00:00+14:00", "20180828T230000Z-20180829T000000Z", "00010101T000000Z-99991231T235959Z", "20180828T230000Z-20180828T230000Z",
	describedRun + " 1 d/s", describedRun + " 9223372036854775807 ../x", describedRun + " -9223372036854775808 a/b", "*", "?", "[", "\\", "[a-", strings.Repeat("*a", 500), strings.Repeat("x", 5000), strings.Repeat("ü", 600), "\u202e", "a\r\nb", "scored,failed", "hour", "month", "share", "worst", "9223372036854775807", "-9223372036854775808", "1048577",
}

// TestHostileParameters sends hostile values as each parameter, path and body that
// the document describes. Each is answered, never with 500, and a refusal says why.
func TestHostileParameters(t *testing.T) {
	t.Parallel()
	d := newDescribed(t)
	for path, operations := range d.document["paths"].(map[string]any) {
		for method, operation := range operations.(map[string]any) {
			method = strings.ToUpper(method)
			parameters, _ := operation.(map[string]any)["parameters"].([]any)
			for _, p := range parameters {
				p := p.(map[string]any)
				for _, value := range hostile {
					d.send(method, path, p["in"].(string), p["name"].(string), value)
				}
			}
		}
	}
	for _, c := range bodies {
		for _, value := range hostile {
			text, _ := json.Marshal(value)
			var members map[string]any
			if json.Unmarshal([]byte(c.body), &members) != nil {
				continue
			}
			for name := range members {
				for _, v := range []string{string(text), "7", "[[]]", "{\"a\":1}", "null", "true"} {
					changed := maps.Clone(members)
					changed[name] = json.RawMessage(v)
					body, err := json.Marshal(changed)
					if err != nil {
						t.Fatal(err)
					}
					d.answered(http.MethodPost, c.path, strings.ReplaceAll(c.path, "{id}", describedRun), string(body))
				}
			}
			d.answered(http.MethodPost, c.path, strings.ReplaceAll(c.path, "{id}", describedRun), value)
		}
	}
}

// send sends a value as a parameter, beside examples of the others.
func (d described) send(method, path, in, name, value string) {
	query := url.Values{}
	for k, v := range examples[path] {
		query[k] = slices.Clone(v)
	}
	id := describedRun
	if in == "query" {
		query.Set(name, value)
	} else {
		id = value
	}
	target := strings.ReplaceAll(path, "{id}", url.PathEscape(id))
	if u, err := url.ParseRequestURI(target); err != nil || u.Path != strings.ReplaceAll(path, "{id}", id) || id == "" {
		return // no request can have this path
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	d.answered(method, path, target, "")
	if in == "query" { // as it stands, not escaped
		raw := (&url.URL{Path: strings.ReplaceAll(path, "{id}", describedRun), RawQuery: name + "=" + strings.NewReplacer(" ", "", "\r", "", "\n", "", "\x00", "", "#", "").Replace(value)}).String()
		d.answered(method, path, raw, "")
	}
}

// answered checks that a request has an answer as described, below 500.
func (d described) answered(method, path, target, body string) {
	d.t.Helper()
	w := d.ask(method, target, body)
	if w.Code >= http.StatusInternalServerError {
		d.t.Errorf("%s %.200s %.200q: %d %s", method, target, body, w.Code, w.Body)
		return
	}
	if err := d.valid(method, path, w); err != nil {
		d.t.Errorf("%s %.200s %.200q: %.2000v", method, target, body, err)
	}
	var problem struct{ Detail string }
	if w.Code >= 400 && (json.Unmarshal(w.Body.Bytes(), &problem) != nil || len(problem.Detail) < 10) {
		d.t.Errorf("%s %.200s: %d does not say why: %s", method, target, w.Code, w.Body)
	}
}
