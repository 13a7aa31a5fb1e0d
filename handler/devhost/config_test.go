package devhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// project is this project's own host.json.
const project = "../../host.json"

func TestHostJSONOfTheProject(t *testing.T) {
	t.Parallel()
	c, err := readHostJSON(filepath.Dir(project), newSettings(map[string]string{
		"AzureFunctionsJobHost__extensions__queues__batchSize":     "4",
		"azurefunctionsjobhost__Extensions__queues__NewThing__Sub": "x",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := queueConfig{BatchSize: 4, NewBatchThreshold: 8, MaxDequeueCount: 5, MaxPolling: 2 * time.Second, Visibility: time.Minute}
	if c.Queues != want {
		t.Errorf("queues %+v, want %+v", c.Queues, want)
	}
	if c.FunctionTimeout != 10*time.Minute || c.MaxEventBatch != 1000 || !c.Handler.Forward {
		t.Errorf("%+v", c)
	}
}

func TestHostJSON(t *testing.T) {
	t.Parallel()
	const handler = `"customHandler":{"description":{"defaultExecutablePath":"h"}}`
	for text, says := range map[string]string{
		`{`:                 "not a JSON object",
		`{` + handler + `}`: `version is ""`,
		`{"version":"2.0"}`: "defaultExecutablePath is missing",
		`{"version":"2.0",` + handler + `,"functionTimeout":"soon"}`:                                                       "functionTimeout",
		`{"version":"2.0",` + handler + `,"functionTimeout":"00:00:00"}`:                                                   "at least 1s",
		`{"version":"2.0",` + handler + `,"extensions":{"queues":{"batchSize":33}}}`:                                       "batchSize is 33; it must be 1 to 32",
		`{"version":"2.0",` + handler + `,"extensions":{"queues":{"batchSize":"many"}}}`:                                   "cannot unmarshal",
		`{"version":"2.0",` + handler + `,"extensions":{"queues":{"messageEncoding":"utf8"}}}`:                             "use none or base64",
		`{"version":"2.0",` + handler + `,"extensions":{"eventHubs":{"maxEventBatchSize":0}}}`:                             "at least 1",
		`{"version":"2.0","customHandler":{"enableProxyingHttpRequest":true,"description":{"defaultExecutablePath":"h"}}}`: "use enableForwardingHttpRequest",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "host.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readHostJSON(dir, newSettings(nil)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want an error that says %q", text, err, says)
		}
	}
}

func TestFunctionJSON(t *testing.T) {
	t.Parallel()
	s := newSettings(map[string]string{"Q": "jobs"})
	for text, says := range map[string]string{
		`{"bindings":[{"type":"queueTrigger","direction":"in","name":"m","queueName":"%Q%"}]}`:                                                                 "",
		`{"bindings":[{"type":"queueTrigger","direction":"in","name":"m","queueName":"%NO%"}]}`:                                                                "%NO% does not resolve to a value: add the setting NO",
		`{"bindings":[{"type":"queueTrigger","direction":"in","name":"m"}]}`:                                                                                   "queueName is missing",
		`{"bindings":[{"type":"queueTrigger","direction":"in","queueName":"q"}]}`:                                                                              "name is missing",
		`{"bindings":[{"type":"queueTrigger","direction":"out","name":"m","queueName":"q"}]}`:                                                                  "it must be in",
		`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"m"}]}`:                                                                              `does not support the binding type "serviceBusTrigger"`,
		`{"bindings":[{"type":"http","direction":"out","name":"m"}]}`:                                                                                          "no trigger",
		`{"bindings":[{"type":"queue","direction":"out","name":"m","queueName":"q"}]}`:                                                                         `does not support the binding type "queue"`,
		`{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"x"},{"type":"timerTrigger","direction":"in","name":"b","schedule":"x"}]}`: "two triggers",
		`{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"x"},{"type":"http","direction":"out","name":"b"}]}`:                       "other triggers with none",
		`{"bindings":[{"type":"httpTrigger","direction":"in","name":"a"}]}`:                                                                                    "0 outputs",
		`{"retry":{"strategy":"fixedDelay","maxRetryCount":2},"bindings":[]}`:                                                                                  "delayInterval is missing",
		`{"retry":{"strategy":"linear","maxRetryCount":2},"bindings":[]}`:                                                                                      "use fixedDelay or exponentialBackoff",
		`{"retry":{"strategy":"fixedDelay","delayInterval":"00:00:01"},"bindings":[]}`:                                                                         "maxRetryCount must be",
		`[]`: "cannot unmarshal",
	} {
		fn, err := parseFunction("f", []byte(text), s)
		switch {
		case says == "" && (err != nil || fn.trigger.QueueName != "jobs"):
			t.Errorf("%s: %v", text, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v; want an error that says %q", text, err, says)
		}
	}
}

func TestTimeSpans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"00:05:00": 5 * time.Minute, "1.02:03:04.5": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"12:30": 12*time.Hour + 30*time.Minute, "00:00:00.0000001": 100,
		"24:00:00": -1, "5": -1, "": -1, "00:60:00": -1, "-00:00:01": -1,
	} {
		got, err := parseTimeSpan(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for d, want := range map[time.Duration]string{5 * time.Second: "00:00:05", 26 * time.Hour: "1.02:00:00"} {
		if got := formatTimeSpan(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	s := newSettings(map[string]string{"Data": "UseDevelopmentStorage=true", "AzureWebJobsOther": "x", "Id__blobServiceUri": "https://x", "AzureWebJobsStorage": "y"})
	for name, says := range map[string]string{
		"Data": "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1", "Other": "x", "": "y",
		"Id": "identity-based", "None": "connection None is not set: add the setting",
	} {
		conn, err := s.connection(name)
		if err != nil {
			conn = err.Error()
		}
		if !strings.Contains(conn, says) {
			t.Errorf("%q: %s; want %q", name, conn, says)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := backoff{min: 100 * time.Millisecond, max: 2 * time.Second}
	for i, want := range []time.Duration{100, 200, 300, 500, 900, 1700, 3300} {
		got := b.next()
		low, high := min(100+(want-100)*8/10, 2000), min(100+(want-100)*12/10, 2000)
		if got < low*time.Millisecond-1 || got > high*time.Millisecond+1 {
			t.Errorf("pause %d is %v, want %v to %v ms", i, got, int(low), int(high))
		}
	}
	b.reset()
	if got := b.next(); got != b.min {
		t.Errorf("the first pause after a reset is %v, want %v", got, b.min)
	}
}
