package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Events is a batch of events of one partition, in order. The metadata is
// empty or nil where the host gave none, as for a run started by hand.
type Events struct {
	Hub, Partition string
	Bodies         [][]byte
	Sequences      []int64     // per body: its sequence number
	Enqueued       []time.Time // per body: when it reached the hub, in UTC
	Part           bool        // the events are a part of a batch that is too long for memory
	// Length is 0, unless the batch is a single event that is too long for memory. Then
	// Length is about the number of its bytes, and the body is only its beginning.
	Length int64
	// Details returns the rest of the metadata, an element for each body, or nil. It
	// reads the metadata at its first call, which must be before the invocation ends.
	// Most functions do not need the metadata, which is three quarters of a batch.
	Details func() []Detail
}

// Detail is the metadata of an event other than its sequence number and time.
type Detail struct {
	Offset string
	// System and Properties are JSON objects. System has the properties that Event Hubs
	// and IoT Hub set, Properties those that the sender set. They are empty if the host
	// gave none.
	System, Properties json.RawMessage
}

// Events returns the batch of an Event Hubs trigger with dataType binary, in which each
// event is base64. An event that is not is taken as the text or JSON that it is, so that
// it is not lost. The bodies may be used after the invocation.
func (inv *Invocation) Events(binding string) (Events, error) {
	raw, err := inv.value(binding)
	if err != nil {
		return Events{}, err
	}
	var ev Events
	if ev.Bodies, err = bodies(peel(raw)); err != nil {
		return Events{}, fmt.Errorf("invocation of %s: events %q: %w", inv.Function, binding, err)
	}
	ev.Hub, ev.Partition = partition(find(inv.metadata, "PartitionContext"))
	ev.Sequences = metadata(inv, "SequenceNumber", len(ev.Bodies), parseSequence)
	ev.Enqueued = metadata(inv, "EnqueuedTimeUtc", len(ev.Bodies), parseEnqueued)
	n := len(ev.Bodies)
	ev.Details = sync.OnceValue(func() []Detail { return inv.details(n) })
	return ev, nil
}

// details returns the details of n events. Newer versions of the extension give
// offsets as text under another name.
func (inv *Invocation) details(n int) []Detail {
	all := make([]Detail, n)
	text := func(s string) (string, error) { return strings.Clone(s), nil }
	offsets := metadata(inv, "OffsetString", n, text)
	if offsets == nil {
		offsets = metadata(inv, "Offset", n, text)
	}
	object := func(s string) (json.RawMessage, error) {
		if !json.Valid([]byte(s)) {
			return nil, errSyntax
		}
		return json.RawMessage(strings.Clone(s)), nil
	}
	system, properties := metadata(inv, "SystemProperties", n, object), metadata(inv, "Properties", n, object)
	for i := range all {
		if offsets != nil {
			all[i].Offset = offsets[i]
		}
		if system != nil {
			all[i].System = system[i]
		}
		if properties != nil {
			all[i].Properties = properties[i]
		}
	}
	return all
}

// bodies decodes the events in text: an array of them, or one alone. They share
// one allocation, which is big enough since none is longer than its JSON.
func bodies(text []byte) ([][]byte, error) {
	arena := make([]byte, 0, len(text))
	if len(text) == 0 || text[0] != '[' {
		return [][]byte{body(&arena, text)}, nil
	}
	all := make([][]byte, 0, bytes.Count(text, []byte(`",`))+1)
	err := elements(text, func(raw []byte) error {
		all = append(all, body(&arena, raw))
		return nil
	})
	return all, err
}

// body decodes one event into the free end of arena.
func body(arena *[]byte, raw []byte) []byte {
	text := peel(raw)
	free := (*arena)[len(*arena):cap(*arena)]
	n, err := base64.StdEncoding.Decode(free[:base64.StdEncoding.DecodedLen(len(text))], text)
	if err != nil {
		n = copy(free, text)
	}
	*arena = (*arena)[:len(*arena)+n]
	return free[:n:n]
}

// partition returns the hub and partition in the metadata PartitionContext. If they cannot
// be read they are empty, which does not stop the events.
func partition(raw []byte) (hub, partition string) {
	var context struct{ EventHubName, PartitionId string }
	_ = json.Unmarshal(peel(raw), &context)
	return context.EventHubName, context.PartitionId
}

// metadata returns the n values of the metadata array name. An invocation that was started
// by hand has one value, under the singular key. metadata returns nil if there are not n
// values, or they cannot be read.
func metadata[T any](inv *Invocation, name string, n int, parse func(string) (T, error)) []T {
	values := make([]T, 0, n)
	add := func(raw []byte) error {
		v, err := parse(string(peel(raw)))
		values = append(values, v)
		return err
	}
	var err error
	if raw := find(inv.metadata, name+"Array"); raw != nil {
		err = elements(peel(raw), add)
	} else if raw := find(inv.metadata, name); raw != nil {
		err = add(peel(raw))
	}
	if err != nil || len(values) != n {
		return nil
	}
	return values
}

func parseSequence(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// parseEnqueued parses a time in UTC. The host may write it without a zone.
func parseEnqueued(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05", s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	return t.UTC(), err
}
