package devhost

import (
	"context"
	"encoding/base64"
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

// eventListener drives an eventHubTrigger on one partition: one invocation at
// a time, in order, and a checkpoint after each, failed or not.
type eventListener struct {
	fn         *function
	hub        *eventHub
	partition  int
	namespace  string
	maxBatch   int
	blobs      *azure.HostBlobs
	identifier string // of this host, kept with checkpoints
	execute    func(context.Context, *call) error
	log        *logger
	done       atomic.Int64 // sequence number up to which the checkpoint stands
}

// namespaceOf returns the fully qualified namespace of a connection string.
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

// resume reads the checkpoint: events after it are still to be delivered.
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

// resumeAt goes on at a sequence number. One beyond the log's end was written
// for another log, which is gone: the events are delivered from the first on.
func (l *eventListener) resumeAt(sequence int64) {
	if n, _ := l.hub.partitions[l.partition].count(); sequence > n {
		l.log.log(slog.LevelWarn, "Azure.Messaging.EventHubs", fmt.Sprintf("checkpoint %s stands at %d, beyond the %d events of the partition: starting from the first", l.checkpointName(), sequence, n))
		return
	}
	l.done.Store(sequence)
}

// run delivers until ctx ends.
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
		_ = l.execute(ctx, l.call(events)) // failed or not, the partition goes on
		if ctx.Err() != nil {
			return // stopped, perhaps before the last attempt: delivered again
		}
		l.checkpoint(ctx, events[len(events)-1])
	}
}

// checkpoint notes that everything up to e was delivered, however long it
// takes.
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
		l.log.log(slog.LevelError, "Azure.Messaging.EventHubs", err.Error(), "function", l.fn.name)
		select {
		case <-ctx.Done():
		case <-time.After(checkpointRetry):
		}
	}
}

// caughtUp reports whether the checkpoint stands at the end of the partition.
func (l *eventListener) caughtUp() bool {
	n, _ := l.hub.partitions[l.partition].count()
	return l.done.Load() >= n
}

func (l *eventListener) call(events []event) *call {
	first, last := events[0], events[len(events)-1]
	c := &call{
		fn:     l.fn,
		reason: "(null)",
		detail: fmt.Sprintf("PartionId: %d, Offset: %d-%d, EnqueueTimeUtc: %s-%s, SequenceNumber: %d-%d, Count: %d", l.partition,
			first.offset, last.offset, first.enqueued.Format("2006-01-02T15:04:05.0000000-07:00"), last.enqueued.Format("2006-01-02T15:04:05.0000000-07:00"),
			first.sequence, last.sequence, len(events)),
		data: eventData(events, l.fn.trigger.DataType),
	}
	context := fmt.Appendf(nil, `{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":%s,"EventHubName":%s,"ConsumerGroup":%s,"PartitionId":"%d"}`,
		once(l.namespace), once(l.hub.name), once(l.fn.trigger.ConsumerGroup), l.partition)
	c.meta.set("TriggerPartitionContext", context)
	c.meta.set("PartitionContext", context)
	for _, a := range [...]struct {
		name    string
		element func(b []byte, e event) []byte
	}{
		{"PartitionKeyArray", func(b []byte, e event) []byte { return appendKey(b, e.key) }},
		{"OffsetArray", func(b []byte, e event) []byte { return fmt.Appendf(b, `"%d"`, e.offset) }},
		{"SequenceNumberArray", func(b []byte, e event) []byte { return strconv.AppendInt(b, e.sequence, 10) }},
		{"EnqueuedTimeUtcArray", func(b []byte, e event) []byte { return fmt.Appendf(b, `"%s"`, e.enqueued.Format(zoneless)) }},
		{"PropertiesArray", func(b []byte, e event) []byte { return append(b, propertiesOf(e)...) }},
		{"SystemPropertiesArray", appendSystemProperties},
	} {
		c.meta.set(a.name, arrayText(events, a.element))
	}
	return c
}

// arrayText is a JSON array in a JSON string.
func arrayText(events []event, element func([]byte, event) []byte) []byte {
	b := []byte{'['}
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, e)
	}
	return once(string(append(b, ']')))
}

func eventData(events []event, dataType string) []byte {
	if dataType == "binary" {
		return arrayText(events, func(b []byte, e event) []byte {
			b = append(b, '"')
			b = base64.StdEncoding.AppendEncode(b, e.body)
			return append(b, '"')
		})
	}
	return arrayText(events, func(b []byte, e event) []byte { return appendJSONString(b, string(e.body)) })
}

func appendKey(b []byte, key string) []byte {
	if key == "" {
		return append(b, "null"...)
	}
	return appendJSONString(b, key)
}

func propertiesOf(e event) string {
	if e.properties == "" {
		return "{}"
	}
	return e.properties
}

func appendSystemProperties(b []byte, e event) []byte {
	b = append(b, '{')
	if e.key != "" {
		b = append(b, `"x-opt-partition-key":`...)
		b = append(appendKey(b, e.key), ',')
	}
	b = fmt.Appendf(b, `"x-opt-sequence-number":%d,"x-opt-offset":%d,"x-opt-enqueued-time":"%s","SequenceNumber":%[1]d,"Offset":%[2]d,"PartitionKey":`,
		e.sequence, e.offset, e.enqueued.Format(offsetTime))
	b = appendKey(b, e.key)
	return fmt.Appendf(b, `,"EnqueuedTimeUtc":"%s"}`, e.enqueued.Format(zoneless))
}
