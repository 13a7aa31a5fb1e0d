package devhost

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
)

const (
	checkpointContainer = "azure-webjobs-eventhub"
	checkpointRetry     = time.Second
)

// eventListener calls a function with an eventHubTrigger for one partition. It makes one
// invocation at a time, in the order of the events. After each it writes a checkpoint, even if
// the invocation failed.
type eventListener struct {
	fn         *function
	hub        *eventHub
	partition  int
	namespace  string
	maxBatch   int
	blobs      *azure.HostBlobs
	identifier string // of this host, stored in checkpoints
	execute    func(context.Context, *call) error
	log        *logger
	done       atomic.Int64 // the sequence number of the first event after the checkpoint
}

// namespaceOf returns the fully qualified namespace in a connection string of Event Hubs.
func namespaceOf(conn string) (string, error) {
	for part := range strings.SplitSeq(conn, ";") {
		name, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(name), "Endpoint") {
			u, err := url.Parse(value)
			if err != nil || u.Hostname() == "" {
				return "", fmt.Errorf("the Endpoint %q of an Event Hubs connection is not like sb://localhost/", value)
			}
			return u.Hostname(), nil
		}
	}
	return "", fmt.Errorf("an Event Hubs connection needs Endpoint=sb://localhost/;SharedAccessKeyName=…;SharedAccessKey=…")
}

func (l *eventListener) checkpointName() string {
	return strings.ToLower(fmt.Sprintf("%s/%s/%s", l.namespace, l.hub.name, l.fn.trigger.ConsumerGroup)) + "/checkpoint/" + strconv.Itoa(l.partition)
}

// resume reads the checkpoint, after which delivery begins.
func (l *eventListener) resume(ctx context.Context) error {
	_, meta, ok, err := l.blobs.Get(ctx, checkpointContainer, l.checkpointName())
	if err != nil || !ok {
		return err
	}
	for k, v := range meta {
		if strings.EqualFold(k, "sequencenumber") {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return fmt.Errorf("checkpoint %s: %w", l.checkpointName(), err)
			}
			l.resumeAt(n + 1)
			return nil
		}
	}
	return nil
}

// resumeAt begins delivery at a sequence number. If it lies beyond the end of the log, the
// checkpoint is from a log that was deleted, and delivery begins with the first event.
func (l *eventListener) resumeAt(sequence int64) {
	if n, _ := l.hub.partitions[l.partition].count(); sequence > n {
		l.log.log(slog.LevelWarn, "Azure.Messaging.EventHubs", fmt.Sprintf("checkpoint %s stands at %d, beyond the %d events of the partition: starting from the first", l.checkpointName(), sequence, n))
		return
	}
	l.done.Store(sequence)
}

// run delivers events until ctx ends.
func (l *eventListener) run(ctx context.Context) {
	for ctx.Err() == nil {
		n, changed := l.hub.partitions[l.partition].count()
		if l.done.Load() >= n {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			continue
		}
		events, err := l.hub.partitions[l.partition].read(l.done.Load(), l.maxBatch)
		if err != nil {
			l.log.log(slog.LevelError, "Azure.Messaging.EventHubs", err.Error(), "function", l.fn.name)
			return
		}
		_ = l.execute(ctx, l.call(events)) // a failure does not stop the partition
		if ctx.Err() != nil {
			return // the events are delivered again, as the last attempt may not have been made
		}
		l.checkpoint(ctx, events[len(events)-1])
	}
}

// checkpoint writes that everything up to e was delivered. It tries until it succeeds or ctx
// ends.
func (l *eventListener) checkpoint(ctx context.Context, e event) {
	for ctx.Err() == nil {
		err := l.blobs.Put(ctx, checkpointContainer, l.checkpointName(), nil, map[string]string{
			"offset":           strconv.FormatInt(e.offset, 10),
			"sequencenumber":   strconv.FormatInt(e.sequence, 10),
			"clientidentifier": l.identifier,
		})
		if err == nil {
			l.done.Store(e.sequence + 1)
			return
		}
		if ctx.Err() != nil {
			return // the host ends, which is no error: the events are delivered again
		}
		l.log.log(slog.LevelError, "Azure.Messaging.EventHubs", err.Error(), "function", l.fn.name)
		select {
		case <-ctx.Done():
		case <-time.After(checkpointRetry):
		}
	}
}

// caughtUp reports whether the checkpoint is at the end of the partition.
func (l *eventListener) caughtUp() bool {
	n, _ := l.hub.partitions[l.partition].count()
	return l.done.Load() >= n
}

func (l *eventListener) call(events []event) *call {
	first, last := events[0], events[len(events)-1]
	context := map[string]any{"IsCheckpointingAfterInvocation": true, "FullyQualifiedNamespace": l.namespace,
		"EventHubName": l.hub.name, "ConsumerGroup": l.fn.trigger.ConsumerGroup, "PartitionId": strconv.Itoa(l.partition)}
	const precise = "2006-01-02T15:04:05.0000000-07:00"
	return &call{
		fn:     l.fn,
		reason: "(null)",
		detail: fmt.Sprintf("PartionId: %d, Offset: %d-%d, EnqueueTimeUtc: %s-%s, SequenceNumber: %d-%d, Count: %d", l.partition,
			first.offset, last.offset, first.enqueued.Format(precise), last.enqueued.Format(precise), first.sequence, last.sequence, len(events)),
		data: arrayText(events, func(e event) any {
			if l.fn.trigger.DataType == "binary" {
				return e.body
			}
			return string(e.body)
		}),
		meta: map[string]any{
			"TriggerPartitionContext": context,
			"PartitionContext":        context,
			"PartitionKeyArray":       arrayText(events, event.partitionKey),
			"OffsetArray":             arrayText(events, func(e event) any { return strconv.FormatInt(e.offset, 10) }),
			"SequenceNumberArray":     arrayText(events, func(e event) any { return e.sequence }),
			"EnqueuedTimeUtcArray":    arrayText(events, func(e event) any { return e.enqueued.Format(zoneless) }),
			"PropertiesArray":         arrayText(events, event.userProperties),
			"SystemPropertiesArray":   arrayText(events, event.systemProperties),
		},
	}
}

// arrayText returns the JSON text of an array with one element for each event.
func arrayText(events []event, element func(event) any) string {
	list := make([]any, len(events))
	for i, e := range events {
		list[i] = element(e)
	}
	return jsonText(list)
}

// partitionKey returns the partition key, nil if the event has none.
func (e event) partitionKey() any {
	if e.key == "" {
		return nil
	}
	return e.key
}

func (e event) userProperties() any {
	if e.properties == "" {
		return struct{}{}
	}
	return json.RawMessage(e.properties)
}

func (e event) systemProperties() any {
	p := map[string]any{
		"x-opt-sequence-number": e.sequence, "x-opt-offset": e.offset, "x-opt-enqueued-time": e.enqueued.Format(offsetTime),
		"SequenceNumber": e.sequence, "Offset": e.offset, "PartitionKey": e.partitionKey(), "EnqueuedTimeUtc": e.enqueued.Format(zoneless),
	}
	if e.key != "" {
		p["x-opt-partition-key"] = e.key
	}
	if e.system != "" {
		_ = json.Unmarshal([]byte(e.system), &p) // written by sender.event, so it is an object
	}
	return p
}
