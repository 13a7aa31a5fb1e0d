package e2e_test

import (
	"errors"
	"fmt"
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
// the figures are those of the spans.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := newStack(t, "SCORE_SCHEDULE", "*/3 * * * * *", "SCORE_DELAY", "3s", "SCORE_TICK", "* * * * * *",
		"OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=k", "OTEL_SERVICE_NAME", "pumps",
		"OTEL_BSP_SCHEDULE_DELAY", "100", "OTEL_METRIC_EXPORT_INTERVAL", "200")
	s.publish("default.pkl", simulate.Kinds[0].Model())
	s.refreshed()
	var sent []fleet.Reading
	s.attempt("the trace of a run is whole", func() error {
		sent = append(sent, fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: fleet.MillisOf(time.Now()), Value: 1})
		s.ingest(one(sent[len(sent)-1]))
		time.Sleep(200 * time.Millisecond)
		err := errors.New("no job is closed as scored")
		for _, job := range c.find("close job", "fleetscore.outcome", "scored") {
			if err = c.scoring(job); err == nil {
				return nil
			}
		}
		return err // a tick may have ended the run, or the spans are still to come
	})
	s.attempt("the figures are those of the spans", func() error {
		closed := c.find("close job", "fleetscore.outcome", "scored")
		runs := map[string]bool{}
		for _, job := range closed {
			runs[attributes(job.Attributes)["fleetscore.run"]] = true
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		// A message that comes twice may have a job closed in two spans, and counted once.
		stored, jobs := c.sums["fleetscore.ingest.readings outcome=stored"], c.sums["fleetscore.jobs outcome=scored"]
		ended := int64(0)
		for name, n := range c.sums {
			if strings.HasPrefix(name, "fleetscore.runs ") {
				ended += n
			}
		}
		if stored != int64(len(sent)) || jobs < int64(len(runs)) || jobs > int64(len(closed)) || c.sums["fleetscore.rows"] < jobs || ended == 0 {
			return fmt.Errorf("%v, want %d readings stored, %d to %d jobs scored, a row of each and a run that ended", c.sums, len(sent), len(runs), len(closed))
		}
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service != "pumps" {
		t.Errorf("the service is %q, want pumps", c.service)
	}
}

// scoring says what is missing or wrong around the span that closed a job, the only one of
// its run: above it, up to the tick, and beside it, in the span of the function score.
func (c *collector) scoring(closed *traces.Span) error {
	const message = "schedule > send messages > send message > score"
	if path := c.path(closed); path != message+" > close job" {
		return fmt.Errorf("the job was closed in %s, want it in %s", path, message)
	}
	c.mu.Lock()
	score := c.spans[string(closed.ParentSpanId)]
	c.mu.Unlock()
	below := c.below(score)
	for _, want := range []string{"SELECT runs", "SELECT jobs", "read readings", "predict", "close job > UPDATE jobs", "end run > UPDATE runs"} {
		if !slices.Contains(below, want) {
			return fmt.Errorf("%q is not below the function score: %q", want, below)
		}
	}
	if !slices.ContainsFunc(below, func(path string) bool {
		return strings.HasPrefix(path, "predict > ") && strings.HasSuffix(path, "HTTP PUT")
	}) {
		return fmt.Errorf("no blob is written below the function score: %q", below)
	}
	run := attributes(closed.Attributes)["fleetscore.run"]
	for _, predict := range c.find("predict", "fleetscore.run", run) {
		if of := attributes(predict.Attributes); of["fleetscore.device"] != "d" {
			return fmt.Errorf("the span predict of run %s is of %v, want it of device d", run, of)
		}
	}
	return nil
}
