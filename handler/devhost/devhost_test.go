package devhost

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/loopback"
)

// boundTo is a function.json with these bindings.
func boundTo(list ...jsonObject) jsonObject {
	all := make([]any, len(list))
	for i, b := range list {
		all[i] = b
	}
	return jsonObject{"bindings": all}
}

// shape is an application as this project's: every trigger it has.
func shape(t *testing.T, s jsonObject) *app {
	ingest := boundTo(jsonObject{"type": "eventHubTrigger", "direction": "in", "name": "events", "eventHubName": "%HUB%", "connection": "EventHubConnection", "cardinality": "many", "dataType": "binary"})
	ingest["retry"] = jsonObject{"strategy": "exponentialBackoff", "maxRetryCount": -1, "minimumInterval": "00:00:00.1", "maximumInterval": "00:00:01"}
	a := newApp(t, jsonObject{
		"customHandler": jsonObject{"enableForwardingHttpRequest": true},
		"extensions":    jsonObject{"queues": jsonObject{"messageEncoding": "none", "batchSize": 16, "newBatchThreshold": 8}},
	}, jsonObject{
		"ingest":   ingest,
		"schedule": boundTo(jsonObject{"type": "timerTrigger", "direction": "in", "name": "tick", "schedule": "%TICK%"}),
		"score":    boundTo(jsonObject{"type": "queueTrigger", "direction": "in", "name": "message", "queueName": "score-jobs"}),
		"runs":     boundTo(jsonObject{"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "function", "route": "{*path}"}, jsonObject{"type": "http", "direction": "out", "name": "res"}),
		"health":   boundTo(jsonObject{"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous", "methods": []any{"get"}, "route": "health"}, jsonObject{"type": "http", "direction": "out", "name": "res"}),
	}, s)
	a.opt.Settings["HUB"] = "telemetry"
	a.opt.Settings["TICK"] = "* * * * * *"
	return a
}

func TestEveryTriggerReachesTheHandler(t *testing.T) {
	t.Parallel()
	a := shape(t, jsonObject{"/api/health": []any{jsonObject{"status": 200, "headers": jsonObject{"Content-Type": "text/plain"}, "body": "ok"}}})
	a.put("score-jobs", `{"v":1,"run":"r"}`)
	h := a.start()
	resp, err := http.Post(h.EventsURL()+"/telemetry/messages", "application/vnd.microsoft.servicebus.json", strings.NewReader(`[{"Body":"a"},{"Body":"b"}]`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("send: %s, want 201", resp.Status)
	}
	resp, err = http.Get(h.URL() + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != "ok" {
		t.Errorf("GET /api/health: %s %q, want ok", resp.Status, body)
	}
	seen := make(map[string]recorded)
	a.eventually("a request of every function", func() bool {
		for _, r := range a.requests() {
			seen[r.URL] = r
		}
		return len(seen) == 4
	})
	var in struct{ Data map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(seen["/ingest"].Body), &in); err != nil {
		t.Fatal(err)
	}
	if got := string(in.Data["events"]); got != `"[\"YQ==\",\"Yg==\"]"` {
		t.Errorf("events: %s", got)
	}
	a.eventually("caught up", h.CaughtUp)
	a.eventually("the message deleted", func() bool { n, err := a.queue("score-jobs").Count(t.Context()); return err == nil && n == 0 })
}

// TestCallersWaitForTheStart calls the host's port from before it is taken:
// who comes early gets no answer yet, and never brings the host down.
func TestCallersWaitForTheStart(t *testing.T) {
	t.Parallel()
	a := shape(t, jsonObject{})
	port, err := loopback.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	a.opt.HTTPPort = port
	answered := make(chan int)
	go func() {
		for {
			if resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/health", port)); err == nil {
				resp.Body.Close()
				answered <- resp.StatusCode
				return
			}
		}
	}()
	a.start()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the early caller got %d, want 200", status)
	}
}
