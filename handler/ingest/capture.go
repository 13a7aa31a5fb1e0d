package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ocf"
)

// Capture ingests files of Event Hubs Capture again. It writes their events to the
// container spill. The next tick reads them from there, with the present mapping and
// rules.
type Capture struct {
	Files blob.Store
	// Wait is called before each batch is written. It may wait until the tick has stored
	// earlier ones.
	Wait func(context.Context) error
}

// captured matches the name of a file of Capture in the default format:
// {namespace}/{hub}/{partition}/{year}/{month}/{day}/{hour}/{minute}/{second}.avro
var captured = regexp.MustCompile(`([^/\\]+)[/\\]([^/\\]+)(?:[/\\]\d+){6}\.avro$`)

// Replay reads a file, and writes its events to the container spill. It returns the number
// of events. The name of the file says the hub and the partition.
//
// A file may be replayed again. It gives the same batches, and changes nothing: its
// readings are dropped as copies, and lines that are in a dead letter are not written
// again. The error wraps [fleet.ErrInvalid] if the file is damaged; the events before the
// damage are replayed.
func (c Capture) Replay(ctx context.Context, name string, in io.Reader) (events int, err error) {
	hub, partition := "capture", strings.Trim(strings.ReplaceAll(name, "/", "-"), "-")
	if m := captured.FindStringSubmatch(name); m != nil {
		hub, partition = m[1], m[2]
	}
	file, err := ocf.New(in, 0)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", fleet.ErrInvalid, name, err)
	}
	begin := Batch{Hub: hub, Partition: partition, Archived: true}
	b := begin
	var details []mapping.Detail
	size := 0
	flush := func() error {
		if len(b.Bodies) == 0 {
			return nil
		}
		if err := c.Wait(ctx); err != nil {
			return err
		}
		of := details
		b.Details = func() []mapping.Detail { return of }
		if _, err := writeSpilled(ctx, c.Files, b); err != nil {
			return err
		}
		events += len(b.Bodies)
		b, details, size = begin, nil, 0
		return nil
	}
	for record, err := range file.Records() {
		var e capturedEvent
		if err == nil {
			e, err = readCaptured(record)
		}
		if err != nil {
			if err2 := flush(); err2 != nil {
				return events, err2
			}
			return events, fmt.Errorf("%w: %s: event %d: %w", fleet.ErrInvalid, name, events, err)
		}
		b.Bodies, b.Sequences, b.Enqueued = append(b.Bodies, e.body), append(b.Sequences, e.sequence), append(b.Enqueued, e.enqueued)
		details = append(details, e.Detail)
		if size += len(e.body); len(b.Bodies) == batchEvents || size >= batchBytes {
			if err := flush(); err != nil {
				return events, err
			}
		}
	}
	return events, flush()
}

type capturedEvent struct {
	body     []byte
	sequence int64
	enqueued time.Time
	mapping.Detail
}

// readCaptured reads a record of a file of Capture: EventData of
// Microsoft.ServiceBus.Messaging.
func readCaptured(record any) (e capturedEvent, err error) {
	m, _ := record.(map[string]any)
	body, ok := inUnion(m["Body"]).([]byte)
	e.sequence, _ = m["SequenceNumber"].(int64)
	e.Offset, _ = m["Offset"].(string)
	at, _ := m["EnqueuedTimeUtc"].(string)
	if !ok && m["Body"] != nil || at == "" {
		return e, fmt.Errorf("it is not an event of Capture: it must have SequenceNumber, Offset, EnqueuedTimeUtc and Body")
	}
	e.body = body
	for _, layout := range []string{"1/2/2006 3:04:05 PM", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if e.enqueued, err = time.Parse(layout, at); err == nil {
			break
		}
	}
	if err != nil {
		return e, fmt.Errorf("EnqueuedTimeUtc %.40q is no time", at)
	}
	if e.System, err = plainJSON(m["SystemProperties"]); err == nil {
		e.Properties, err = plainJSON(m["Properties"])
	}
	return e, err
}

// inUnion returns the value of a union, which goavro returns as a map from its type.
func inUnion(v any) any {
	if u, ok := v.(map[string]any); ok && len(u) == 1 {
		for _, inner := range u {
			return inner
		}
	}
	return v
}

// plainJSON returns a map of unions as JSON; bytes become text.
func plainJSON(v any) (json.RawMessage, error) {
	m, _ := v.(map[string]any)
	if len(m) == 0 {
		return nil, nil
	}
	plain := make(map[string]any, len(m))
	for k, v := range m {
		v = inUnion(v)
		switch x := v.(type) {
		case []byte:
			v = string(x)
		case float64:
			if x-x != 0 { // NaN and infinity are not numbers of JSON
				v = nil
			}
		case float32:
			if x-x != 0 {
				v = nil
			}
		}
		plain[k] = v
	}
	return json.Marshal(plain)
}
