package mapping

import (
	"encoding/json"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Event is an event of a hub.
type Event struct {
	Body      []byte
	Enqueued  time.Time // when it reached the hub; zero if that is not known
	Partition string
	// Detail returns what else the hub says of an event, by its index in the
	// batch. It may be nil, and is only called for events that need it.
	Detail func(index int) Detail
}

// Detail is what the hub says of an event beside its body.
type Detail struct {
	Offset string
	// System and Properties are JSON objects, or empty where they are not known:
	// the properties that the hub and IoT Hub set, such as
	// iothub-connection-device-id, and those that the sender set.
	System, Properties json.RawMessage
}

// Origin says where in a batch a reading came from.
type Origin struct {
	Event   int    // index in the batch
	Element int    // index in the event, -1 for all of it
	Raw     []byte // the element's bytes; those of the whole event if it is the only one
}

// Refused is an element of an event that is no reading, or readings of it that
// cannot be stored.
type Refused struct {
	Origin
	Count   int            // how many elements or readings it stands for
	Reading *fleet.Reading // as it was understood, nil if it was not
	Err     error          // wraps [fleet.ErrInvalid], of the first of them
	Counted bool           // a rule says that it is counted, and not kept
}

// Found is what events hold. Origins has the origin of each reading.
type Found struct {
	Readings []fleet.Reading
	Origins  []Origin
	Refused  []Refused
	Copies   int // equal copies of readings, which were dropped
	Missing  int // values that say that there is none: null, NaN, "Bad", a bad quality
	// Faults are what is wrong about sensors: the copies, and of what was refused that
	// which names one. They are at most [maxFaults].
	Faults []Fault
}

// Fault is what is wrong about a sensor in an event. What names a sensor may do so by
// a name that no sensor has.
type Fault struct {
	Event   int // index in the batch
	ID      fleet.ID
	Time    fleet.Millis // of a copy
	Copies  int
	Refused int
}

// maxFaults bounds the faults of a batch, since an event may name a hundred thousand
// sensors. What comes on top of them is not among them.
const maxFaults = 1 << 16

// MaxRefused is how many elements of one event are refused one by one. If more
// are, the event is refused as one, with their number: else a single event could
// ask for hundreds of thousands.
const MaxRefused = 10
