// Package telemetry sends traces and metrics to an OpenTelemetry collector, by OTLP over HTTP. It
// does so only if the settings name a collector. Otherwise [New] returns nil. All methods of a nil
// Telemetry do nothing, start no goroutine and allocate nothing.
//
// # Traces
//
// The trace of a run begins with the tick that opens it. The tick puts its trace context into each
// queue message (W3C Trace Context). So the scoring of the message, with its SQL and its blobs,
// belongs to the same trace on any instance. Every other invocation begins a trace.
//
// [Start] sends its span to the collector of the span in the context. So packages that begin spans
// need no setting. If nothing is traced, Start returns the context unchanged.
//
// No result and no name of a blob depends on the trace context in a message.
//
// # Metrics
//
// [Metrics] counts each job when it is closed and each run when it ends, in the process that does
// so. If a process is killed, the counts that it has not sent yet are lost.
//
// # A collector that does not answer
//
// Spans wait in a queue. When it is full, further spans are dropped. It has 2,048 places, unless
// OTEL_BSP_MAX_QUEUE_SIZE says otherwise. Only the end of the process waits for the collector, a
// few seconds at most.
package telemetry
