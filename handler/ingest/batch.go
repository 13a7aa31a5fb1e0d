package ingest

import (
	"cmp"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Batch is a batch of events of one partition of an event hub. Sequences and
// Enqueued belong to the bodies one by one, or are nil where they are not known.
type Batch struct {
	Hub, Partition string
	Bodies         [][]byte
	Sequences      []int64
	Enqueued       []time.Time
	// Part says that the batch is a part of a longer one. When that is delivered
	// again, because not all of it could be finished, a part that was is skipped.
	Part bool
	// Length is 0, unless the batch is a single event that is too long to be read:
	// then it is about that many bytes long, and its body is only the beginning
	// of it.
	Length int64
	// Details returns what else the hub says of the events, one by one, or nil.
	// It may be nil, and is called only where it is needed: for most batches it
	// never is.
	Details func() []mapping.Detail
	// Replays is how often the events were taken out of the dead letter.
	Replays int
	// Archived says that the events come from an archive: they were here before, in other
	// batches, and what was refused of them may be in dead letters of other names.
	Archived bool
	// Spilled says that the batch was spilled: it comes after events that were behind it.
	Spilled bool
}

// source returns the hub and partition as the names of blobs have them.
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

// detail returns what else the hub says of event i.
func (b Batch) detail(i int) mapping.Detail {
	if b.Details != nil {
		if all := b.Details(); i < len(all) {
			return all[i]
		}
	}
	return mapping.Detail{}
}

// delivery says where the events stand that readings with these origins came in, and
// the faults. The events from begin to end are done with them. Events whose place is not known, and
// such as were here before by intent, count nothing.
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

// place returns where event i stands in its partition.
func (b Batch) place(i int) fleet.EventPlace {
	return fleet.EventPlace{Enqueued: fleet.MillisOf(b.Enqueued[i]), Sequence: b.Sequences[i]}
}

// enqueued returns when event i reached the hub, zero if that is not known.
func (b Batch) enqueued(i int) time.Time {
	if b.Enqueued == nil {
		return time.Time{}
	}
	return b.Enqueued[i]
}
