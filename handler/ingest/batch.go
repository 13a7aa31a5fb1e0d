package ingest

import (
	"cmp"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Batch is a batch of events of one partition of an event hub. Sequences and Enqueued
// have an element for each body, or are nil if they are not known.
type Batch struct {
	Hub, Partition string
	Bodies         [][]byte
	Sequences      []int64
	Enqueued       []time.Time
	// Part says that the batch is a part of a longer one. If the longer one is delivered
	// again, parts that are done are skipped.
	Part bool
	// Length is 0, unless the batch is a single event that is too long to be read.
	// Then Length is about the number of its bytes, and the body is only its beginning.
	Length int64
	// Details returns the properties that the hub gave the events, one element for each
	// event, or nil. Details may be nil. Most batches do not need it, so it is called
	// only when needed.
	Details func() []mapping.Detail
	// Replays is how often the events were taken out of the dead letter.
	Replays int
	// Archived says that the events come from an archive. They came before, in other
	// batches, so their refused elements may be in dead letters of other names.
	Archived bool
	// Spilled says that the batch was spilled. Later events may be stored already.
	Spilled bool
}

// source returns the hub and partition, encoded as in the names of blobs.
func (b Batch) source() (hub, partition string) {
	return cmp.Or(b.Hub, "unknown"), cmp.Or(b.Partition, "unknown")
}

// from returns the events from number i on.
func (b Batch) from(i int) Batch {
	b.Bodies = b.Bodies[i:]
	if b.Sequences != nil {
		b.Sequences = b.Sequences[i:]
	}
	if b.Enqueued != nil {
		b.Enqueued = b.Enqueued[i:]
	}
	if all := b.Details; all != nil {
		b.Details = func() []mapping.Detail {
			if details := all(); details != nil {
				return details[i:]
			}
			return nil
		}
	}
	return b
}

// detail returns the properties that the hub gave event i.
func (b Batch) detail(i int) mapping.Detail {
	if b.Details != nil {
		if all := b.Details(); i < len(all) {
			return all[i]
		}
	}
	return mapping.Detail{}
}

// delivery returns the delivery of readings with these origins, and of faults. The events
// from begin to end are done with it. If the positions of the events are not known, or
// they are replayed, nothing is counted.
func (b Batch) delivery(origins []mapping.Origin, faults []mapping.Fault, begin, end int) fleet.Delivery {
	if b.Sequences == nil || b.Enqueued == nil || b.Partition == "" || b.Replays > 0 || b.Archived {
		return fleet.Delivery{}
	}
	hub, partition := b.source()
	d := fleet.Delivery{Partition: hub + "/" + partition, Of: func(i int) fleet.EventPlace { return b.place(origins[i].Event) }}
	if b.Spilled {
		d.Partition += "/spilled"
	}
	if end > begin {
		d.Upto = b.place(end - 1)
	}
	for _, f := range faults {
		at := b.place(f.Event)
		if f.Refused > 0 {
			f.Time = at.Enqueued
		}
		d.Faults = append(d.Faults, fleet.Fault{ID: f.ID, At: at, Time: f.Time, Copies: f.Copies, Rejected: f.Refused})
	}
	return d
}

// place returns the position of event i in its partition.
func (b Batch) place(i int) fleet.EventPlace {
	return fleet.EventPlace{Enqueued: fleet.MillisOf(b.Enqueued[i]), Sequence: b.Sequences[i]}
}

// enqueued returns the time at which event i reached the hub, or zero if it is not known.
func (b Batch) enqueued(i int) time.Time {
	if b.Enqueued == nil {
		return time.Time{}
	}
	return b.Enqueued[i]
}
