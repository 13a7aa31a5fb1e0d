package protocol

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// app is a server with all functions mounted that the repository has folders
// for.
func app() *Server {
	s := New(Options{Stdout: io.Discard})
	text := func(context.Context, *slog.Logger, string) error { return nil }
	s.Queue("score", "message", time.Minute, text)
	s.Queue("poison", "message", time.Minute, text)
	s.Timer("schedule", "tick", time.Minute, func(context.Context, *slog.Logger) error { return nil })
	s.EventHub("ingest", "events", time.Minute, func(context.Context, *slog.Logger, Events) error { return nil })
	s.Handle("GET", "/api/", http.NotFoundHandler())
	return s
}

func settingKnown(name string) bool {
	switch name {
	case "EVENTHUB_NAME", "EVENTHUB_CONSUMER_GROUP", "EventHubConnection", "DataStorage", "SCORE_TICK":
		return true
	}
	return false
}

func TestCheck(t *testing.T) {
	t.Parallel()
	folders := os.DirFS("../../functions")
	if err := app().Check(folders, settingKnown); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, file, old, new, want string
	}{
		{"binding name", "score", `"message"`, `"msg"`, `the trigger's name is "msg", the handler reads "message"`},
		{"setting", "schedule", "SCORE_TICK", "SCORE_TOCK", `"SCORE_TOCK" is unknown`},
		{"connection", "poison", "DataStorage", "Datastorage", `"Datastorage" is unknown`},
		{"trigger", "schedule", "timerTrigger", "queueTrigger", "the trigger is a queueTrigger"},
		{"typing error", "ingest", "cardinality", "cardinallity", `unknown field "cardinallity"`},
		{"data type", "ingest", "binary", "string", "dataType binary"},
		{"cardinality", "ingest", "many", "one", "cardinality many"},
		{"finite retry", "ingest", "-1", "5", "maxRetryCount -1"},
		{"retry of a queue", "score", `"bindings"`, `"retry":{"strategy":"fixedDelay"},"bindings"`, "retries"},
		{"two bindings", "score", `"bindings": [`, `"bindings": [{"type":"blob","direction":"out","name":"b"},`, "output binding"},
		{"no output", "runs", `"type": "http",`, `"type": "queue",`, "one http output"},
		{"not JSON", "runs", "{", "(", "invalid character"},
		{"no trigger", "runs", `"in"`, `"out"`, "no trigger"},
		{"catch-all first", "health", `"health"`, `"{*path}"`, "never reached"},
	} {
		broken := edited(t, folders, tc.file+"/function.json", tc.old, tc.new)
		if err := app().Check(broken, settingKnown); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.file) {
			t.Errorf("%s: %v; want %q", tc.name, err, tc.want)
		}
	}
	extra := edited(t, folders, "score/function.json", "", "")
	extra["more/function.json"] = extra["score/function.json"]
	delete(extra, "ingest/function.json")
	err := app().Check(extra, settingKnown)
	for _, want := range []string{`no function "more" is mounted`, `"ingest" is mounted but has no folder`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

// edited returns a copy of fsys with one text replaced in one file.
func edited(t *testing.T, fsys fs.FS, file, old, new string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	files, err := fs.Glob(fsys, "*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := fs.ReadFile(fsys, f)
		if err != nil {
			t.Fatal(err)
		}
		if f == file {
			if !strings.Contains(string(b), old) {
				t.Fatalf("%s has no %q", f, old)
			}
			b = []byte(strings.Replace(string(b), old, new, 1))
		}
		m[f] = &fstest.MapFile{Data: b}
	}
	return m
}

// TestHostJSON checks what host.json must say for the handler to work. The host ignores a
// key that it does not know, so each is named here.
func TestHostJSON(t *testing.T) {
	t.Parallel()
	var host struct {
		Version         string
		ExtensionBundle struct{ ID, Version string }
		CustomHandler   struct {
			Description struct {
				DefaultExecutablePath          string
				UseStdErrorStreamForErrorsOnly bool
			}
			EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
		}
		FunctionTimeout string
		Extensions      struct {
			Queues struct {
				BatchSize, NewBatchThreshold, MaxDequeueCount          int
				MessageEncoding, VisibilityTimeout, MaxPollingInterval string
			}
			EventHubs struct{ MaxEventBatchSize, PrefetchCount int }
		}
		Logging struct {
			LogLevel            map[string]string
			ApplicationInsights struct {
				SamplingSettings struct {
					IsEnabled                  bool
					MaxTelemetryItemsPerSecond int
					ExcludedTypes              string
				}
			}
		}
	}
	b, err := os.ReadFile("../../host.json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields() // such as a root retry, which would hit every function
	if err := dec.Decode(&host); err != nil {
		t.Fatal(err)
	}
	queues, hub := host.Extensions.Queues, host.Extensions.EventHubs
	for what, ok := range map[string]bool{
		"version":                     host.Version == "2.0",
		"extensionBundle":             host.ExtensionBundle.ID != "" && host.ExtensionBundle.Version == "[4.*, 5.0.0)",
		"executable":                  host.CustomHandler.Description.DefaultExecutablePath == "handler",
		"stderr is errors":            host.CustomHandler.Description.UseStdErrorStreamForErrorsOnly,
		"forwarding":                  host.CustomHandler.EnableForwardingHTTPRequest,
		"functionTimeout":             host.FunctionTimeout == "00:10:00",
		"concurrency":                 queues.BatchSize == 16 && queues.NewBatchThreshold == 8,
		"poison after five":           queues.MaxDequeueCount == 5,
		"plain messages":              queues.MessageEncoding == "none",
		"a minute between tries":      queues.VisibilityTimeout == "00:01:00",
		"polling":                     queues.MaxPollingInterval == "00:00:02",
		"full batches are prefetched": hub.MaxEventBatchSize == 1000 && hub.PrefetchCount > hub.MaxEventBatchSize,
		"traces are all kept":         strings.Contains(host.Logging.ApplicationInsights.SamplingSettings.ExcludedTypes, "Trace"),
	} {
		if !ok {
			t.Errorf("host.json says other than the handler needs of %s: %+v", what, host)
		}
	}
	for _, function := range []string{"ingest", "schedule", "score", "poison"} {
		if host.Logging.LogLevel["Function."+function+".User"] != "Information" {
			t.Errorf("host.json drops what %s logs, want its level Information", function)
		}
	}
}
