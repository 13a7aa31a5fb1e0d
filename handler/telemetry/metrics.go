package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Metrics are the metrics that are sent to the collector. All methods of a nil Metrics do nothing.
// Names and units follow OpenTelemetry's conventions: seconds, and {thing} for counts.
type Metrics struct {
	invocations metric.Float64Histogram

	events, readings, refused metric.Int64Counter
	ingestLag                 metric.Float64Histogram

	runs                metric.Int64Counter
	runDuration, runLag metric.Float64Histogram

	jobs, rows, anomalies metric.Int64Counter
	jobDuration           metric.Float64Histogram

	queued, poisoned metric.Int64Gauge
}

func newMetrics(m metric.Meter) (*Metrics, error) {
	var errs []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	// seconds makes a histogram of times, from milliseconds to hours.
	seconds := func(name, description string) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400))
		errs = append(errs, err)
		return h
	}
	gauge := func(name, description string) metric.Int64Gauge {
		g, err := m.Int64Gauge(name, metric.WithUnit("{message}"), metric.WithDescription(description))
		errs = append(errs, err)
		return g
	}
	metrics := &Metrics{
		invocations: seconds("faas.invoke_duration", "How long invocations of functions took"),
		events:      counter("fleetscore.ingest.events", "{event}", "Events whose readings are all stored, refused or missing"),
		readings:    counter("fleetscore.ingest.readings", "{reading}", "Readings in events, by outcome"),
		refused:     counter("fleetscore.ingest.refused", "{reading}", "Readings that were refused, by reason"),
		ingestLag:   seconds("fleetscore.ingest.lag", "The longest time between an event's arrival at the hub and its storing, of each batch"),
		runs:        counter("fleetscore.runs", "{run}", "Runs that ended; a run that is re-opened counts again"),
		runDuration: seconds("fleetscore.run.duration", "Time from the last opening of a run to its end"),
		runLag:      seconds("fleetscore.run.lag", "Time from when a run was due to its end"),
		jobs:        counter("fleetscore.jobs", "{job}", "Jobs that were closed; a job that is re-opened counts again"),
		rows:        counter("fleetscore.rows", "{row}", "Rows that were scored"),
		anomalies:   counter("fleetscore.anomalies", "{row}", "Rows that were scored as anomalies"),
		jobDuration: seconds("fleetscore.job.duration", "How long a job took to score"),
		queued:      gauge("fleetscore.queue.messages", "Messages in the queue of jobs at the last tick"),
		poisoned:    gauge("fleetscore.queue.poisoned", "Messages in the poison queue at the last tick"),
	}
	return metrics, errors.Join(errs...)
}

// invoked counts an invocation.
func (m *Metrics) invoked(ctx context.Context, inv Invocation, took time.Duration, err error) {
	if m == nil {
		return
	}
	m.invocations.Record(ctx, took.Seconds(), metric.WithAttributes(
		attribute.String("faas.invoked_name", inv.Function), attribute.String("faas.trigger", string(inv.Trigger)), attribute.Bool("failed", err != nil)))
}

// Ingested counts the events and readings of a batch.
func (m *Metrics) Ingested(ctx context.Context, sum fleet.Ingested) {
	if m == nil {
		return
	}
	m.events.Add(ctx, int64(sum.Events))
	for _, x := range []struct {
		outcome string
		n       int
	}{{"stored", sum.Stored}, {"duplicate", sum.Duplicate}, {"conflict", sum.Conflict}, {"missing", sum.Missing}, {"rejected", sum.Rejected}} {
		if x.n > 0 {
			m.readings.Add(ctx, int64(x.n), metric.WithAttributes(attribute.String("outcome", x.outcome)))
		}
	}
	for _, r := range sum.Refusals {
		m.refused.Add(ctx, int64(r.Count), metric.WithAttributes(attribute.String("reason", r.Reason)))
	}
	if sum.Lag > 0 {
		m.ingestLag.Record(ctx, sum.Lag.Seconds())
	}
}

// JobClosed counts a job that was closed.
func (m *Metrics) JobClosed(ctx context.Context, o fleet.Outcome) {
	if m == nil {
		return
	}
	with := metric.WithAttributes(attribute.String("outcome", string(o.Result)))
	m.jobs.Add(ctx, 1, with)
	m.jobDuration.Record(ctx, o.Duration.Seconds(), with)
	m.rows.Add(ctx, int64(o.Rows))
	m.anomalies.Add(ctx, int64(o.Anomalies))
}

// RunEnded counts a run that ended in a state. Took is the time since its last opening, lag the time
// since it was due.
func (m *Metrics) RunEnded(ctx context.Context, run fleet.Run, state fleet.RunState, overBudget bool, took, lag time.Duration) {
	if m == nil {
		return
	}
	with := metric.WithAttributes(attribute.String("state", string(state)), attribute.String("kind", string(run.Kind)),
		attribute.String("reason", string(run.Reason)), attribute.Bool("over_budget", overBudget))
	m.runs.Add(ctx, 1, with)
	m.runDuration.Record(ctx, took.Seconds(), with)
	m.runLag.Record(ctx, lag.Seconds(), with)
}

// Queues records the numbers of messages in the queue of jobs and in the poison queue.
func (m *Metrics) Queues(ctx context.Context, queued, poisoned int) {
	if m == nil {
		return
	}
	m.queued.Record(ctx, int64(queued))
	m.poisoned.Record(ctx, int64(poisoned))
}
