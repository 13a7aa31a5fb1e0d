package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

var emulator = sync.OnceValues(func() (*azurite.Server, error) {
	return azurite.Start(context.Background(), azurite.Options{})
})

// settings returns a getenv for a database of t's own and the emulator.
func settings(t testing.TB, connection string) func(string) string {
	values := map[string]string{
		"SQL_DSN":     "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "new folder", "fleet.db")),
		"DataStorage": connection,
		"OUTPUT":      "both",
	}
	return func(name string) string { return values[name] }
}

func newApp(t testing.TB, connection string, stdout io.Writer) *App {
	t.Helper()
	return newAppOf(t, settings(t, connection), stdout)
}

// newAppOf returns an application with these settings.
func newAppOf(t testing.TB, getenv func(string) string, stdout io.Writer) *App {
	t.Helper()
	cfg, err := config.FromEnv(getenv)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(cfg, stdout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// nowhere is a storage account that refuses connections.
const nowhere = "BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;SharedAccessSignature=sv=1"

// TestFunctions compares the mounted functions with the folder functions: names,
// triggers, bindings, settings, and the queues.
func TestFunctions(t *testing.T) {
	t.Parallel()
	a := newApp(t, nowhere, t.Output())
	known := map[string]bool{}
	for _, s := range config.Settings {
		known[s.Name] = true
	}
	functions := os.DirFS("../../functions")
	if err := a.server.Check(functions, func(setting string) bool { return known[setting] }); err != nil {
		t.Error(err)
	}
	for function, queue := range map[string]string{"score": JobQueue, "poison": JobQueue + "-poison"} {
		content, err := os.ReadFile("../../functions/" + function + "/function.json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(`"queueName": "`+queue+`"`)) {
			t.Errorf("%s does not listen to %s:\n%s", function, queue, content)
		}
	}
}

// request sends a request to a, as the host does, and returns the reply.
func request(t testing.TB, a http.Handler, method, path string, body any) (status int, reply map[string]any) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(content))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("X-Azure-Functions-InvocationId", "6e1f8a5e-0000-4000-8000-000000000000")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil {
		t.Fatalf("%s %s: %d %q: %v", method, path, w.Code, w.Body, err)
	}
	return w.Code, reply
}

// invoke posts an invocation whose one value is doubly encoded, as the host
// encodes texts and arrays.
func invoke(t testing.TB, a http.Handler, function, binding string, value any) {
	t.Helper()
	inner, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	status, reply := request(t, a, http.MethodPost, "/"+function, map[string]any{
		"Data": map[string]any{binding: string(inner)}, "Metadata": map[string]any{"sys": map[string]any{"MethodName": function}},
	})
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", function, status, reply)
	}
}

// TestRun scores a window from readings and a model, in one process, on SQLite and
// Azurite.
func TestRun(t *testing.T) {
	t.Parallel()
	e, err := emulator()
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, e.ConnectionString, t.Output())
	kind := simulate.Kinds[0]
	if _, err := a.storage.Blobs().Write(t.Context(), blob.Models, "d/s.pkl", "", "", func(w io.Writer) error {
		_, err := w.Write(kind.Model())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var events [][]byte // base64 in JSON, as of a trigger with dataType binary
	for i := range 5 {
		events = append(events, fmt.Appendf(nil, `{"device":"d","sensor":"s","ts":"2018-08-28T23:0%d:00Z","value":%d}`, i, i*100))
	}
	invoke(t, a, "ingest", "events", events)
	invoke(t, a, "schedule", "tick", map[string]any{"IsPastDue": false})

	status, run := request(t, a, http.MethodPost, "/api/runs", map[string]string{"from": "2018-08-28T23:00:00Z", "to": "2018-08-29T00:00:00Z"})
	const id = "20180828T230000Z-20180829T000000Z"
	if status != http.StatusAccepted || run["id"] != id {
		t.Fatalf("asked for a run, got %d %v", status, run)
	}
	messages, err := azure.OpenTriggerQueue(e.ConnectionString, JobQueue)
	if err != nil {
		t.Fatal(err)
	}
	a.later.running.Wait() // the message is sent after the answer
	sent, err := messages.Dequeue(t.Context(), 32, time.Minute)
	if err != nil || len(sent) == 0 {
		t.Fatalf("%d messages, %v; want one", len(sent), err)
	}
	invoke(t, a, "score", "message", sent[0].Text)
	if _, run = request(t, a, http.MethodGet, "/api/runs/"+id, nil); run["state"] != string(fleet.RunSucceeded) {
		t.Errorf("the run is %v, want it %s", run, fleet.RunSucceeded)
	}
	csv, _, err := a.storage.Blobs().Read(t.Context(), blob.Preds, id+"/d/s.csv", "", 1<<20)
	if lines := strings.Split(string(csv), "\n"); err != nil || len(lines) != 7 || !strings.HasPrefix(lines[5], "2018-08-28T23:04:00.000Z,d,s,400,1,-") {
		t.Errorf("%v, want a header, five rows and an anomaly in the last, got\n%s", err, csv)
	}
	if _, err := a.storage.Blobs().Stat(t.Context(), blob.Preds, "date=2018-08-28/device=d/"+id+".parquet"); err != nil {
		t.Error(err)
	}
	invoke(t, a, "poison", "message", sent[0].Text) // finds it closed
	if status, jobs := request(t, a, http.MethodGet, "/api/runs/"+id+"/jobs?state=scored", nil); status != http.StatusOK || len(jobs["jobs"].([]any)) != 1 {
		t.Errorf("jobs: %d %v, want one that is scored", status, jobs)
	}
}

// TestReadyWithoutSQLOrStorage has neither SQL nor storage. The application is ready and
// healthy at once. Invocations that need SQL are answered with 503, so that they come again.
func TestReadyWithoutSQLOrStorage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg, err := config.FromEnv(settings(t, nowhere))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.SQL = "file:" + file + "/below.db" // its folder can never be made
	a, err := New(cfg, &log)
	if err != nil {
		t.Fatal(err)
	}
	<-a.schema.ended
	if !strings.Contains(log.String(), "SQL_DSN") {
		t.Errorf("the log does not say that SQL_DSN is at fault: %s", &log)
	}
	for _, path := range []string{"/", "/api/health"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d, want 200", path, w.Code)
		}
	}
	for method, path := range map[string]string{http.MethodPost: "/schedule", http.MethodGet: "/api/runs"} {
		if status, reply := request(t, a, method, path, map[string]any{"Data": map[string]any{"tick": map[string]any{}}, "Metadata": map[string]any{}}); status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %v, want 503", path, status, reply)
		}
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// TestLoader loads detectors, which have the same scores with and without vector
// instructions. A file that is no model is refused.
func TestLoader(t *testing.T) {
	t.Parallel()
	for _, k := range simulate.Kinds {
		var scores [2][]float64
		for i, simd := range []bool{false, true} {
			m, err := loader(simd)(k.Model())
			if err != nil || m.Features() != 1 || m.Size() <= 0 {
				t.Fatalf("%s: %v, %v", k.Name, m, err)
			}
			x := make([]float64, 100)
			for j := range x {
				x[j] = float64(j) / 3
			}
			var r predict.Result
			if err := m.Predict(&r, x); err != nil {
				t.Fatal(err)
			}
			scores[i] = r.Scores
		}
		if !slices.Equal(scores[0], scores[1]) {
			t.Errorf("%s: with vector instructions the scores are %v, without %v", k.Name, scores[1], scores[0])
		}
	}
	if _, err := loader(true)([]byte("no pickle")); err == nil {
		t.Error("a text was loaded as a model")
	}
}
