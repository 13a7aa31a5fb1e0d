// Package telemetry sends traces and metrics to an OpenTelemetry collector, by OTLP
// over HTTP. It does so only if the settings name a collector. Otherwise [New] returns
// nil, on which everything here does nothing: no goroutine is started, and nothing is
// allocated.
//
// # Traces
//
// The trace of a run begins with the tick that opens it. The tick puts its context into
// each queue message (W3C Trace Context), so the scoring of the message, with its SQL
// and its blobs, belongs to the same trace, on whichever instance it happens. Every other
// invocation is a trace of its own.
//
// A span knows who collects it, and [Start] asks the span in the context. So the packages
// that begin spans need no setting, and where nothing is traced Start returns the context
// as it is.
//
// The context in a message says nothing of what is to be done. No result, and no name of
// a blob, depends on it.
//
// # Metrics
//
// [Metrics] counts what the ledger decides: a job is counted by whoever closed it, a run
// by whoever ended it. A process that is killed takes with it what it has not sent yet.
//
// # A collector that is away
//
// What cannot be sent is dropped once the queue of spans is full, at 2,048 spans unless
// OTEL_BSP_MAX_QUEUE_SIZE says otherwise. Nothing waits for the collector but the end of
// the process, and that for a few seconds at most.
package telemetry
