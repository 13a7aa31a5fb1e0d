package e2e_test

import (
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// collector takes OTLP over HTTP, as one of OpenTelemetry's does, and keeps it.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	spans   map[string]*traces.Span // by span id
	service string
	sums    map[string]int64 // of metrics, by name and attributes; they are cumulative
}

func newCollector(t *testing.T) *collector {
	c := &collector{spans: map[string]*traces.Span{}, sums: map[string]int64{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Header.Get("Api-Key") != "k" {
			t.Errorf("%s came without the header that was asked for", r.URL.Path)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case err != nil:
		case r.URL.Path == "/v1/traces":
			err = c.takeTraces(body)
		case r.URL.Path == "/v1/metrics":
			err = c.takeMetrics(body)
		default:
			t.Errorf("the handler asked for %s", r.URL.Path)
		}
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) takeTraces(body []byte) error {
	var r collecttraces.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &r); err != nil {
		return err
	}
	for _, resource := range r.ResourceSpans {
		c.service = attributes(resource.Resource.Attributes)["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans[string(s.SpanId)] = s
			}
		}
	}
	return nil
}

func (c *collector) takeMetrics(body []byte) error {
	var r collectmetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &r); err != nil {
		return err
	}
	for _, resource := range r.ResourceMetrics {
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, p := range m.GetSum().GetDataPoints() {
					key := m.Name
					of := attributes(p.Attributes)
					for _, name := range slices.Sorted(maps.Keys(of)) {
						key += " " + name + "=" + of[name]
					}
					c.sums[key] = p.GetAsInt()
				}
			}
		}
	}
	return nil
}

func attributes(all []*common.KeyValue) map[string]string {
	m := make(map[string]string, len(all))
	for _, kv := range all {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_BoolValue:
			m[kv.Key] = map[bool]string{true: "true", false: "false"}[v.BoolValue]
		default:
			m[kv.Key] = kv.Value.GetStringValue()
		}
	}
	return m
}

// find returns the spans of a name with an attribute.
func (c *collector) find(name, attribute, value string) (found []*traces.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name && attributes(s.Attributes)[attribute] == value {
			found = append(found, s)
		}
	}
	return found
}

// path returns the names of the spans from the root down to s.
func (c *collector) path(s *traces.Span) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := []string{s.Name}
	for s.ParentSpanId != nil {
		parent, ok := c.spans[string(s.ParentSpanId)]
		if !ok {
			names = append(names, "?")
			break
		}
		if string(parent.TraceId) != string(s.TraceId) {
			names = append(names, "another trace")
		}
		names, s = append(names, parent.Name), parent
	}
	slices.Reverse(names)
	return strings.Join(names, " > ")
}

// below returns the paths of all spans of s's trace that s is an ancestor of.
func (c *collector) below(s *traces.Span) (paths []string) {
	c.mu.Lock()
	var of []*traces.Span
	for _, x := range c.spans {
		if string(x.TraceId) == string(s.TraceId) {
			of = append(of, x)
		}
	}
	c.mu.Unlock()
	above := c.path(s) + " > "
	for _, x := range of {
		if below, ok := strings.CutPrefix(c.path(x), above); ok {
			paths = append(paths, below)
		}
	}
	return paths
}

func one(r fleet.Reading) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) { yield(r, nil) }
}

// TestTelemetry has a collector take what the handler sends while windows fall due: the
// tick that opens a run, its message, the scoring, its SQL and its blobs are one trace, and
// the figures are those of the ledger.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := newStack(t, "SCORE_SCHEDULE", "*/3 * * * * *", "SCORE_DELAY", "3s", "SCORE_TICK", "* * * * * *",
		"OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=k", "OTEL_SERVICE_NAME", "pumps",
		"OTEL_BSP_SCHEDULE_DELAY", "100", "OTEL_METRIC_EXPORT_INTERVAL", "200")
	s.publish("default.pkl", simulate.Kinds[0].Model())
	s.refreshed()
	var closed []*traces.Span
	var sent []fleet.Reading
	s.eventually("a job is closed in a trace", func() bool {
		sent = append(sent, fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: fleet.MillisOf(time.Now()), Value: 1})
		s.ingest(t.Context(), one(sent[len(sent)-1]))
		time.Sleep(200 * time.Millisecond)
		closed = c.find("close job", "fleetscore.outcome", "scored")
		return len(closed) > 0
	})
	id := attributes(closed[0].Attributes)["fleetscore.run"]
	s.eventually("the spans around it have come", func() bool { return !strings.Contains(c.path(closed[0]), "?") })
	const message = "schedule > send messages > send message > score"
	if path := c.path(closed[0]); path != message+" > close job" {
		t.Errorf("the job was closed in %s", path)
	}
	predicted := c.find("predict", "fleetscore.run", id)
	if len(predicted) == 0 || c.path(predicted[0]) != message+" > predict" || attributes(predicted[0].Attributes)["fleetscore.device"] != "d" {
		t.Fatalf("predicted in %v", predicted)
	}
	c.mu.Lock()
	scored := c.spans[string(predicted[0].ParentSpanId)]
	c.mu.Unlock()
	below := c.below(scored)
	for _, want := range []string{"SELECT runs", "SELECT jobs", "read readings", "close job > UPDATE jobs", "end run > UPDATE runs"} {
		if !slices.Contains(below, want) {
			t.Errorf("no %q below the function score, only %q", want, below)
		}
	}
	if !slices.ContainsFunc(below, func(path string) bool {
		return strings.HasPrefix(path, "predict > ") && strings.HasSuffix(path, "HTTP PUT")
	}) {
		t.Errorf("no blob is written below the function score, only\n%s", strings.Join(below, "\n"))
	}
	if c.service != "pumps" {
		t.Errorf("the service is %q", c.service)
	}

	s.eventually("the figures are those of the spans", func() bool {
		jobs := int64(len(c.find("close job", "fleetscore.outcome", "scored")))
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.sums["fleetscore.ingest.readings outcome=stored"] == int64(len(sent)) && c.sums["fleetscore.jobs outcome=scored"] == jobs && c.sums["fleetscore.rows"] >= jobs
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	runs := int64(0)
	for name, n := range c.sums {
		if strings.HasPrefix(name, "fleetscore.runs ") {
			runs += n
		}
	}
	if runs == 0 {
		t.Errorf("no run is counted: %v", c.sums)
	}
}
