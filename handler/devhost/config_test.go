package devhost

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
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
	if c.FunctionTimeout != 10*time.Minute || c.MaxEventBatch != 1000 || !c.Handler.Forward || c.Retry != nil {
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
		`{"version":"2.0",` + handler + `,"retry":{"strategy":"fixedDelay","maxRetryCount":2}}`:                            "delayInterval is missing",
		`{"version":"2.0",` + handler + `,"retry":{"strategy":"linear","maxRetryCount":2}}`:                                "use fixedDelay or exponentialBackoff",
		`{"version":"2.0",` + handler + `,"retry":{"strategy":"fixedDelay","delayInterval":"00:00:01"}}`:                   "maxRetryCount must be",
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
		`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"m"}]}`:                                                                              `does not play the binding type "serviceBusTrigger"`,
		`{"bindings":[{"type":"queue","direction":"out","name":"m","queueName":"q"}]}`:                                                                         "no trigger",
		`{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"x"},{"type":"timerTrigger","direction":"in","name":"b","schedule":"x"}]}`: "two triggers",
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

func TestCommandLine(t *testing.T) {
	t.Parallel()
	c := handlerConfig{Arguments: []string{"--a", "two words", "%SET%", "%NOT_SET%", `q"uote`, `"a b"`, `\"x`}, WorkerPath: "my worker"}
	got := c.arguments(newSettings(map[string]string{"SET": "one"}))
	want := []string{"--a", "two", "words", "one", `quote a`, `b "x my`, `worker`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNumbersAsDotNetWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1.50": "1.5", "-0.1e-3": "-0.0001", "1e3": "1000", "1e15": "1E+15", "1e14": "100000000000000",
		"0.00005": "5E-05", "12345678901234567890": "12345678901234567890", "-0.0": "-0", "1.5e300": "1.5E+300",
	} {
		if got := number(json.Number(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestStringsAsJSONNetWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\"\\\n\r\t\b\f\x01": `"a\"\\\n\r\t\b\f\u0001"`, "é✓<>&'": `"é✓<>&'"`,
		"\u0085\u2028\u2029": `"\u0085\u2028\u2029"`, "\xff\xfe!": "\"\uFFFD\uFFFD!\"", "\uFFFD": "\"\uFFFD\"", "": `""`,
	} {
		if got := string(once(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
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

func FuzzDecodeFirst(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,null,true,"x"],"b":{}}`, `{}garbage`, "\xEF\xBB\xBF{}", `[[[`, `"2026-01-02T03:04:05Z"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeFirst(data)
		if err != nil {
			return
		}
		var o object
		lift(&o, v)
		for _, text := range [...]string{compact(v), indented(v), string(o.appendTo(nil))} {
			if !json.Valid([]byte(text)) {
				t.Errorf("%q becomes %q, which is not JSON", data, text)
			}
		}
	})
}
