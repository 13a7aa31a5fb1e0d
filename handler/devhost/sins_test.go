package devhost

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

type reply1 = map[string]any

func jsonReply(body string) reply1 {
	return reply1{"status": 200, "headers": map[string]any{"Content-Type": "application/json"}, "body": body}
}

// TestSins runs handlers that do one thing wrong each: devhost names it in one
// line, with the remedy.
func TestSins(t *testing.T) {
	for _, c := range []struct {
		name   string
		script map[string]any
		says   string
		stops  bool // the host
	}{
		{"empty 200", map[string]any{"/work": reply1{"status": 200}}, "answered 200 with an empty body", false},
		{"empty json", map[string]any{"/work": jsonReply("")}, "answered 200 with an empty body", false},
		{"null", map[string]any{"/work": jsonReply("null")}, `answered 200 with "null"`, false},
		{"blanks", map[string]any{"/work": jsonReply("  \n")}, `answered 200 with`, false},
		{"204", map[string]any{"/work": reply1{"status": 204}}, "answered 204 with an empty body", false},
		{"wrong content type", map[string]any{"/work": reply1{"status": 200, "headers": map[string]any{"Content-Type": "text/plain"}, "body": "{}"}}, `Content-Type "text/plain" is not application/json`, false},
		{"no content type", map[string]any{"/work": reply1{"status": 200, "body": "{}"}}, `Content-Type "" is not application/json`, false},
		{"no object", map[string]any{"/work": jsonReply(`"ok"`)}, "is not a JSON object", false},
		{"half a reply", map[string]any{"/work": reply1{"status": 200, "reset": "mid"}}, "broke off its reply", false},
		{"hang", map[string]any{"/work": reply1{"delayMs": 60000}}, "Timeout value of 00:00:01 exceeded", false},
		{"exit 0", map[string]any{"/work": reply1{"exit": 0}}, "exited with code 0: the host never restarts it", false},
		{"exit 0 at start", map[string]any{"$start": reply1{"exit": 0, "noListen": true}}, "exited with code 0: the host never restarts it", true},
		{"exit 1 at start", map[string]any{"$start": reply1{"exit": 1, "noListen": true, "stderr": []string{"panic: boom"}}}, "it exited with code 1: panic: boom", true},
		{"never listens", map[string]any{"$start": reply1{"noListen": true}}, "Initializing HttpWorker timed out after 500ms", true},
		{"slow start", map[string]any{"$start": reply1{"listenAfterMs": 5000}}, "Initializing HttpWorker timed out after 500ms", true},
		{"base64 by accident", map[string]any{"/work": jsonReply(`{"Outputs":{"o":"test"}}`)}, `the text "test" is valid base64`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, map[string]any{
				"functionTimeout": "00:00:01",
				"customHandler":   map[string]any{"initializationTimeout": "00:00:00.5"},
				"extensions":      map[string]any{"queues": map[string]any{"messageEncoding": "none", "maxDequeueCount": 1}},
			}, map[string]any{
				"work": function1(
					bindings{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"},
					bindings{"type": "queue", "direction": "out", "name": "o", "queueName": "out"}),
			}, c.script)
			a.put("work", "m")
			h := a.start()
			var found logRecord
			a.eventually("a line with a remedy that says "+c.says, func() bool {
				for _, r := range a.logs.all() {
					if r.remedy != "" && strings.Contains(r.message, c.says) {
						found = r
						return true
					}
				}
				return false
			})
			if strings.Contains(found.message+found.remedy, "\n") {
				t.Errorf("more than one line: %q, remedy %q", found.message, found.remedy)
			}
			if c.stops {
				if err := h.Wait(); err == nil {
					t.Error("the host stopped without an error")
				}
				return
			}
			a.eventually("the message dealt with", func() bool { n, err := a.queue("work").Count(t.Context()); return err == nil && n == 0 })
		})
	}
}

func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]any{"extensions": map[string]any{"queues": map[string]any{"messageEncoding": "none", "maxPollingInterval": "00:00:00.2"}}},
		map[string]any{"work": function1(bindings{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"})},
		map[string]any{"/work": reply1{"status": 200, "headers": map[string]any{"Content-Type": "application/json"}, "body": "{}", "delayMs": 5000}})
	a.opt.MessageLease = 2 * time.Second
	a.put("work", "m")
	a.start()
	a.eventually("the message deleted", func() bool { n, err := a.queue("work").Count(t.Context()); return err == nil && n == 0 })
	if n := len(a.requests()); n != 1 {
		t.Errorf("delivered %d times, want once: the lease of 2 s is renewed while the handler works for 5 s", n)
	}
}

// TestLeaseRunsOut stops a host as a kill does, with a message in the handler's
// hands: it comes back when the lease is over.
func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]any{"extensions": map[string]any{"queues": map[string]any{"messageEncoding": "none"}}},
		map[string]any{"work": function1(bindings{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"})},
		map[string]any{"/work": reply1{"delayMs": 60000}})
	a.opt.MessageLease = 2 * time.Second
	a.put("work", "m")
	h := a.start()
	a.await(1)
	h.killing()
	h.Close()
	writeFile(t, a.opt.Settings[handlerEnv], map[string]any{})
	a.start()
	got := a.await(2)
	if !strings.Contains(got[1].Body, `"DequeueCount":"2"`) {
		t.Errorf("second delivery: %s; want DequeueCount 2", got[1].Body)
	}
}

func TestStderrIsAnErrorUnlessItWarns(t *testing.T) {
	logs := &logBuffer{}
	c := &console{log: newLogger(slog.New(logs), map[string]string{"Host.Function.Console": "Warning"}), stderrIsError: true}
	c.stdout("below the level")
	c.stderr("Warning: low on disk")
	c.stderr("")
	for i, want := range []logRecord{{slog.LevelWarn, consoleCategory, "Warning: low on disk", ""}, {slog.LevelError, consoleCategory, "", ""}} {
		if got := logs.all(); len(got) != 2 || got[i] != want {
			t.Errorf("record %d: %v, want %v", i, got, want)
		}
	}
}
