package mapping

import (
	"encoding/json"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Event is an event of a hub.
type Event struct {
	Body      []byte
	Enqueued  time.Time // when it reached the hub; zero if this is not known
	Partition string
	// Detail returns the metadata of an event, by its index in the batch. It may be nil.
	// It is called only for events that need it.
	Detail func(index int) Detail
}

// Detail is the metadata of an event.
type Detail struct {
	Offset string
	// System are the properties that Event Hubs and IoT Hub set, such as
	// iothub-connection-device-id. Properties are those that the sender set. Both are JSON
	// objects, or empty if they are not known.
	System, Properties json.RawMessage
}

// Origin says which part of a batch a reading came from.
type Origin struct {
	Event   int    // the event's index in the batch
	Element int    // the element's index in the event; -1: the whole event
	Raw     []byte // the element's bytes; the whole body if it has one element
}

// Refused is an element of an event that is no reading, or that holds readings which cannot
// be stored.
type Refused struct {
	Origin
	Count   int            // how many elements or readings are refused
	Reading *fleet.Reading // the reading, if it could be read; else nil
	Err     error          // why the first of them is refused; it wraps [fleet.ErrInvalid]
	Counted bool           // a rule refused it, to be counted and not written to the dead letters
}

// Found is what a batch of events holds.
type Found struct {
	Readings []fleet.Reading
	Origins  []Origin // of the reading with the same index
	Refused  []Refused
	Copies   int // equal copies of readings, which are dropped
	Missing  int // values that are stated to be missing: null, NaN, "Bad", or a bad quality
	// Faults counts the copies by sensor, and the refused readings whose sensor is known.
	// There are at most [maxFaults].
	Faults []Fault
}

// Fault counts the copies and refused readings of one sensor in one event. A sensor of this
// name need not exist.
type Fault struct {
	Event   int // the event's index in the batch
	ID      fleet.ID
	Time    fleet.Millis // of a copy; 0 for refused readings
	Copies  int
	Refused int
}

// maxFaults bounds the faults of a batch, because one event can name a hundred thousand
// sensors. Further faults are left out.
const maxFaults = 1 << 16

// MaxRefused is how many elements of one event are refused one by one. If there are more,
// [Found] has MaxRefused+1 of them, and the last one counts the others too. Package ingest
// then refuses the whole event. Otherwise one event could cause hundreds of thousands of
// dead letters.
const MaxRefused = 10
