package devhost

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// recording is one of testdata/recordings: a situation, what the real host
// sent to the handler, and what it did with the replies. See the README there.
type recording struct {
	Case         string              `json:"case"`
	HostJSON     map[string]any      `json:"hostJson"`
	FunctionJSON map[string]any      `json:"functionJson"`
	Settings     map[string]*string  `json:"settings"`
	Script       map[string]any      `json:"script"`
	Exchanges    []exchange          `json:"exchanges"`
	HTTP         []httpExchange      `json:"http"`
	Queues       map[string][]string `json:"queues"` // visible messages at the end; nil: no such queue
	Checkpoints  []struct {
		Name     string            `json:"name"`
		Metadata map[string]string `json:"metadata"`
	} `json:"checkpoints"`
	Log         [][3]string `json:"log"` // level, category, message
	Starts      int         `json:"starts"`
	MaxInFlight int         `json:"maxInflight"`
	Requests    int         `json:"requests"`
	Start       struct {
		Argv []string          `json:"argv"`
		Env  map[string]string `json:"env"`
	} `json:"start"`
}

// exchange is a request that the real handler got. No headers means the six of
// every invocation.
type exchange struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
}

func (e exchange) probe() bool { return e.Method == "GET" && e.URL == "/" }

func loadRecording(t testing.TB, name string) recording {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "recordings", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// replay is a recording on its way through devhost.
type replay struct {
	*app
	r     recording
	host  *Host
	first bool          // compare only as many requests of each path as were recorded
	limit time.Duration // functionTimeout, if it is not the recorded one
}

func newReplay(t testing.TB, name string) *replay {
	r := loadRecording(t, name)
	a := newApp(t, r.HostJSON, r.FunctionJSON, r.Script)
	for k, v := range r.Settings {
		if v != nil && k != "EventHubConnection" && k != "SSL_CERT_FILE" {
			a.opt.Settings[k] = strings.ReplaceAll(*v, "%AZ%", a.conn)
		}
	}
	a.opt.EnableAuth = true // as the real host, without Core Tools
	return &replay{app: a, r: r}
}

func (p *replay) begin() {
	p.t.Helper()
	p.host = p.start()
}

// wanted are the recorded invocations, the readiness probes left out.
func (p *replay) wanted() []exchange {
	return slices.DeleteFunc(slices.Clone(p.r.Exchanges), exchange.probe)
}

// trigger returns the trigger binding of the function at a path.
func (p *replay) trigger(url string) map[string]any {
	fn, _ := p.r.FunctionJSON[strings.TrimPrefix(url, "/")].(map[string]any)
	if fn == nil {
		return nil
	}
	for _, b := range fn["bindings"].([]any) {
		if b := b.(map[string]any); strings.HasSuffix(b["type"].(string), "Trigger") {
			return b
		}
	}
	return nil
}

func (p *replay) base64Queues() bool {
	ext, _ := p.r.HostJSON["extensions"].(map[string]any)
	q, _ := ext["queues"].(map[string]any)
	return q["messageEncoding"] != "none"
}

// putMessages puts every recorded queue message once, whatever the number of
// its deliveries.
func (p *replay) putMessages() {
	p.t.Helper()
	seen := make(map[string]bool)
	for _, e := range p.wanted() {
		b := p.trigger(e.URL)
		if b == nil || b["type"] != "queueTrigger" || e.Method != "POST" {
			continue
		}
		var body struct {
			Data     map[string]string
			Metadata struct{ ID json.RawMessage }
		}
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			p.t.Fatal(err)
		}
		data := body.Data[b["name"].(string)]
		if key := e.URL + data + string(body.Metadata.ID); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		if len(body.Metadata.ID) == 0 {
			continue // run by /admin
		}
		p.putText(b, data)
	}
}

func (p *replay) putText(b map[string]any, data string) {
	p.t.Helper()
	var text string
	if b["dataType"] == "binary" {
		raw, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			p.t.Fatal(err)
		}
		text = string(raw)
	} else if err := json.Unmarshal([]byte(data), &text); err != nil {
		p.t.Fatal(err)
	}
	if p.base64Queues() {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	p.put(b["queueName"].(string), text)
}

var masks = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`), "<id>"},
	{regexp.MustCompile(`(2026-(?:0[3-9]|1\d)|20(?:2[7-9]|[3-9]\d)-\d\d)-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?`), "<time>"},
	{regexp.MustCompile(`"PopReceipt":"[^"\\]*"`), `"PopReceipt":"<receipt>"`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
	{regexp.MustCompile(`"FullyQualifiedNamespace":"[^"]*"`), `"FullyQualifiedNamespace":"<namespace>"`},
	{regexp.MustCompile(`"(x-opt-offset|Offset)":\d+`), `"$1":<offset>`},
	{regexp.MustCompile(`"OffsetArray":\[[^]]*\]`), `"OffsetArray":<offsets>`},
	{regexp.MustCompile(`<functions-key>`), "<key>"},
	{regexp.MustCompile(`x{1000,}`), "(xxx...)"},
}

// mask takes out what differs from one run to the next.
func mask(s string) string {
	for _, m := range masks {
		s = m.re.ReplaceAllString(s, m.to)
	}
	return s
}

// line is a request as one text: method, path, header in the order of names, body.
func line(method, url string, header [][2]string, body string) string {
	if header == nil {
		header = [][2]string{{"Host", "127.0.0.1:<port>"}, {"X-Azure-Functions-HostVersion", hostVersion}, {"X-Azure-Functions-InvocationId", "<id>"},
			{"User-Agent", "Azure-Functions-Host/" + hostVersion}, {"Transfer-Encoding", "chunked"}, {"Content-Type", "application/json; charset=utf-8"}}
	}
	fields := make([]string, len(header))
	for i, h := range header {
		fields[i] = http.CanonicalHeaderKey(h[0]) + ": " + h[1]
	}
	slices.Sort(fields)
	return mask(fmt.Sprintf("%s %s\n%s\n\n%s", method, url, strings.Join(fields, "\n"), canonicalBody(body)))
}

// sent is the Metadata that devhost sends.
var sent = set(`DequeueCount ExpirationTime Id InsertionTime NextVisibleTime PopReceipt sys RetryContext TriggerPartitionContext PartitionContext
	PartitionKeyArray OffsetArray SequenceNumberArray EnqueuedTimeUtcArray PropertiesArray SystemPropertiesArray`)

// canonicalBody writes an envelope anew: with the members in the order of their
// names, JSON in strings as JSON, and only what devhost sends of the Metadata.
func canonicalBody(body string) string {
	var e struct{ Data, Metadata map[string]any }
	if !strings.HasPrefix(body, `{"Data":`) || json.Unmarshal([]byte(body), &e) != nil {
		return body
	}
	for name := range e.Metadata {
		if !sent[name] {
			delete(e.Metadata, name)
		}
	}
	if retry, ok := e.Metadata["RetryContext"].(map[string]any); ok {
		e.Metadata["RetryContext"] = []any{retry["RetryCount"], retry["MaxRetryCount"]}
	}
	for _, members := range []map[string]any{e.Data, e.Metadata} {
		for name, value := range members {
			var inner any
			if text, ok := value.(string); ok && json.Unmarshal([]byte(text), &inner) == nil {
				members[name] = inner
			}
		}
	}
	if events, ok := e.Metadata["SystemPropertiesArray"].([]any); ok {
		for _, p := range events {
			for _, ofAMQP := range []string{"message-id", "content-type", "user-id"} { // which no REST send can set
				delete(p.(map[string]any), ofAMQP)
			}
		}
	}
	return jsonText(e)
}

// compareRequests compares all requests of the handler with the recorded ones,
// those of each path in any order among themselves.
func (p *replay) compareRequests() {
	p.t.Helper()
	var want, got []string
	for _, e := range p.wanted() {
		want = append(want, line(e.Method, e.URL, e.Headers, e.Body))
	}
	for _, r := range p.taken() {
		got = append(got, p.maskKeys(line(r.Method, r.URL, r.RawHeaders, string([]rune(r.Body)))))
		for i, n := range r.Chunks {
			if n > chunkSize || n < chunkSize && i != len(r.Chunks)-1 {
				p.t.Errorf("%s: chunk %d has %d bytes, want %d", r.URL, i, n, chunkSize)
			}
		}
	}
	diff(p.t, "request", want, got)
}

// taken are the requests to compare.
func (p *replay) taken() []recorded {
	if !p.first {
		return p.requests()
	}
	left := p.expected()
	return slices.DeleteFunc(p.requests(), func(r recorded) bool {
		left[r.Method+" "+r.URL]--
		return left[r.Method+" "+r.URL] < 0
	})
}

// expected is the number of recorded requests of each method and path.
func (p *replay) expected() map[string]int {
	n := make(map[string]int)
	for _, e := range p.wanted() {
		n[e.Method+" "+e.URL]++
	}
	return n
}

// awaitAll waits for as many requests of each path as were recorded.
func (p *replay) awaitAll() {
	p.t.Helper()
	p.eventually("the recorded requests", func() bool {
		left := p.expected()
		for _, r := range p.requests() {
			left[r.Method+" "+r.URL]--
		}
		for _, n := range left {
			if n > 0 {
				return false
			}
		}
		return true
	})
}

// maskKeys takes out the app's keys.
func (p *replay) maskKeys(s string) string {
	master, function := p.host.Keys()
	return strings.NewReplacer(master, "<key>", function, "<key>").Replace(s)
}

// diff compares two lists, in any order.
func diff(t testing.TB, what string, want, got []string) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	i, j, reported := 0, 0, 0
	for (i < len(want) || j < len(got)) && reported < 6 {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			i++
			j++
			continue
		case j == len(got) || i < len(want) && want[i] < got[j]:
			t.Errorf("recorded, not played: %s\n%s", what, want[i])
			i++
		default:
			t.Errorf("played, not recorded: %s\n%s", what, got[j])
			j++
		}
		reported++
	}
}

// compareQueues compares what is visible in the queues at the end.
func (p *replay) compareQueues() {
	p.t.Helper()
	for name, want := range p.r.Queues {
		q := p.queue(name)
		if len(want) == 0 {
			p.eventually("queue "+name+" empty", func() bool { n, err := q.Count(p.t.Context()); return err == nil && n == 0 })
			continue
		}
		var got []string
		p.eventually(fmt.Sprintf("%d messages in queue %s", len(want), name), func() bool {
			batch, err := q.Dequeue(p.t.Context(), 32, time.Minute)
			for _, d := range batch {
				got = append(got, d.Text)
			}
			return err == nil && len(got) >= len(want)
		})
		diff(p.t, "message in "+name, slices.Clone(want), got)
	}
}
