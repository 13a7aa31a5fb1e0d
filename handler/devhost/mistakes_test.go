package devhost

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"
)

func jsonReply(body string) jsonObject {
	return jsonObject{"status": 200, "headers": jsonObject{"Content-Type": "application/json"}, "body": body}
}

// TestMistakes runs handlers that do one thing wrong each: devhost names it in one
// line, with the remedy.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name   string
		script jsonObject
		says   string
		stops  bool // the host
	}{
		{"empty 200", jsonObject{"/work": jsonObject{"status": 200}}, "answered 200 with an empty body", false},
		{"empty json", jsonObject{"/work": jsonReply("")}, "answered 200 with an empty body", false},
		{"null", jsonObject{"/work": jsonReply("null")}, `answered 200 with "null"`, false},
		{"blanks", jsonObject{"/work": jsonReply("  \n")}, `answered 200 with`, false},
		{"204", jsonObject{"/work": jsonObject{"status": 204}}, "answered 204 with an empty body", false},
		{"wrong content type", jsonObject{"/work": jsonObject{"status": 200, "headers": jsonObject{"Content-Type": "text/plain"}, "body": "{}"}}, `Content-Type "text/plain" is not application/json`, false},
		{"no content type", jsonObject{"/work": jsonObject{"status": 200, "body": "{}"}}, `Content-Type "" is not application/json`, false},
		{"no object", jsonObject{"/work": jsonReply(`"ok"`)}, "is not a JSON object", false},
		{"half a reply", jsonObject{"/work": jsonObject{"status": 200, "reset": "mid"}}, "broke off its reply", false},
		{"hang", jsonObject{"/work": jsonObject{"delayMs": 60000}}, "Timeout value of 00:00:01 exceeded", false},
		{"exit 0", jsonObject{"/work": jsonObject{"exit": 0}}, "exited with code 0: the host never restarts it", false},
		{"exit 0 at start", jsonObject{"$start": jsonObject{"exit": 0, "noListen": true}}, "exited with code 0: the host never restarts it", true},
		{"exit 1 at start", jsonObject{"$start": jsonObject{"exit": 1, "noListen": true, "stderr": []string{"panic: boom"}}}, "it exited with code 1: panic: boom", true},
		{"never listens", jsonObject{"$start": jsonObject{"noListen": true}}, "Initializing HttpWorker timed out after 500ms", true},
		{"slow start", jsonObject{"$start": jsonObject{"listenAfterMs": 5000}}, "Initializing HttpWorker timed out after 500ms", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limit, patience := "00:01:00", "00:00:30" // a busy machine is no mistake
			if strings.Contains(c.says, "00:00:01") {
				limit = "00:00:01"
			}
			if strings.Contains(c.says, "500ms") {
				patience = "00:00:00.5"
			}
			a := newApp(t, jsonObject{
				"functionTimeout": limit,
				"customHandler":   jsonObject{"initializationTimeout": patience},
				"extensions":      jsonObject{"queues": jsonObject{"messageEncoding": "none", "maxDequeueCount": 1}},
			}, jsonObject{
				"work": boundTo(jsonObject{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"}),
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
				a.awaitStop(h)
				return
			}
			a.eventually("the message dealt with", func() bool { n, err := a.queue("work").Count(t.Context()); return err == nil && n == 0 })
		})
	}
}

// TestLeaseIsRenewed has a handler work on a message for longer than its lease. The message is
// delivered once, unless the host is kept from renewing the lease for half of it: then it is
// played again.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	playUntilRight(t, func(t testing.TB) {
		a := newApp(t, jsonObject{"extensions": jsonObject{"queues": jsonObject{"messageEncoding": "none", "maxPollingInterval": "00:00:00.2"}}},
			jsonObject{"work": boundTo(jsonObject{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"})},
			jsonObject{"/work": jsonObject{"status": 200, "headers": jsonObject{"Content-Type": "application/json"}, "body": "{}", "delayMs": 9000}})
		a.opt.MessageLease = 6 * time.Second
		a.put("work", "m")
		h := a.start()
		defer h.Close()
		a.eventually("the message deleted", func() bool { n, err := a.queue("work").Count(t.Context()); return err == nil && n == 0 })
		if n := len(a.requests()); n != 1 {
			t.Errorf("delivered %d times, want once: the lease of 6 s is renewed while the handler works for 9 s", n)
		}
	})
}

// TestLeaseRunsOut stops a host as a kill does, with a message in the handler's
// hands: it comes back when the lease is over.
func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	a := newApp(t, jsonObject{"extensions": jsonObject{"queues": jsonObject{"messageEncoding": "none"}}},
		jsonObject{"work": boundTo(jsonObject{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"})},
		jsonObject{"/work": jsonObject{"delayMs": 60000}})
	a.opt.MessageLease = 2 * time.Second
	a.put("work", "m")
	h := a.start()
	a.await(1)
	h.killing()
	h.Close()
	writeFile(t, a.opt.Settings[handlerEnv], jsonObject{})
	a.start()
	got := a.await(2)
	if !strings.Contains(got[1].Body, `"DequeueCount":"2"`) {
		t.Errorf("second delivery: %s; want DequeueCount 2", got[1].Body)
	}
}

// TestMessageOfTheLastMoment has storage hand out a message, and the host stop
// before it hears of that: the next host can have the message at once.
func TestMessageOfTheLastMoment(t *testing.T) {
	t.Parallel()
	a := newApp(t, jsonObject{"extensions": jsonObject{"queues": jsonObject{"messageEncoding": "none"}}},
		jsonObject{"work": boundTo(jsonObject{"type": "queueTrigger", "direction": "in", "name": "m", "queueName": "work"})}, jsonObject{})
	_, rest, _ := strings.Cut(a.conn, "QueueEndpoint=")
	endpoint, _, _ := strings.Cut(rest, ";")
	real, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	handedOut, stopped := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = real.Scheme, real.Host, real.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			body, err := io.ReadAll(resp.Body)
			resp.Body = io.NopCloser(bytes.NewReader(body))
			if err == nil && resp.Request.Method == http.MethodGet && bytes.Contains(body, []byte("<PopReceipt>")) {
				close(handedOut)
				<-stopped
			}
			return err
		},
	})
	t.Cleanup(slow.Close)
	address, err := url.Parse(slow.URL)
	if err != nil {
		t.Fatal(err)
	}
	address.Path = real.Path
	a.opt.Settings["AzureWebJobsStorage"] = strings.Replace(a.conn, endpoint, address.String(), 1)
	h := a.start()
	a.put("work", "m")
	<-handedOut
	go func() { <-h.listening.Done(); close(stopped) }()
	h.Close()
	if batch, err := a.queue("work").Dequeue(t.Context(), 1, time.Minute); err != nil || len(batch) != 1 || batch[0].Text != "m" {
		t.Errorf("%v, %v; want the message", batch, err)
	}
	if n := len(a.requests()); n != 0 {
		t.Errorf("delivered %d times, want never", n)
	}
}

func TestStderrIsAnErrorUnlessItWarns(t *testing.T) {
	logs := &logBuffer{}
	c := &console{log: newLogger(slog.New(logs), map[string]string{"Host.Function.Console": "Warning"})}
	c.stdout("below the level")
	c.stderr("Warning: low on disk")
	c.stderr("")
	for i, want := range []logRecord{{slog.LevelWarn, consoleCategory, "Warning: low on disk", ""}, {slog.LevelError, consoleCategory, "", ""}} {
		if got := logs.all(); len(got) != 2 || got[i] != want {
			t.Errorf("record %d: %v, want %v", i, got, want)
		}
	}
}
