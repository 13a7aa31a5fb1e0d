package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// events are readings, each in an event of its own of one partition, from the given
// place on.
type events struct {
	partition string
	enqueued  fleet.Millis
	sequence  int64
	readings  []fleet.Reading
	faults    []fleet.Fault // at the last event
}

func (e events) place(i int) fleet.EventPlace {
	return fleet.EventPlace{Enqueued: e.enqueued, Sequence: e.sequence + int64(i)}
}

// deliver stores events, of which the first may be left out, as those of one batch.
func (e events) deliver(ctx context.Context, db *store.DB, first int) (fleet.Stored, error) {
	last := e.place(max(len(e.readings)-1, 0))
	for i := range e.faults {
		e.faults[i].At = last
	}
	return db.InsertReadings(ctx, e.readings[first:], fleet.Delivery{Partition: e.partition, Upto: last,
		Of: func(i int) fleet.EventPlace { return e.place(first + i) }, Faults: e.faults})
}

// testFaults checks that what is wrong about a sensor counts once for each event, in its
// hour, whatever is delivered again. Nothing is kept for a name that no sensor has.
func testFaults(t *testing.T, db *store.DB) {
	at := fleet.MillisOf(noon)
	reading := func(minute int, v float64) fleet.Reading {
		return fleet.Reading{ID: id(0), Time: at + fleet.Millis(minute)*60_000, Value: v}
	}
	day := fleet.Window{From: noon.Truncate(fleet.Day), To: noon.Truncate(fleet.Day).Add(fleet.Day)}
	counts := func(what string, w fleet.Window, want fleet.SensorFaults) {
		t.Helper()
		got, err := db.SensorFaults(t.Context(), id(0), w)
		check(t, err)
		equal(t, what, got, want)
	}
	deliver := func(e events, first int) fleet.Stored {
		t.Helper()
		stored, err := e.deliver(t.Context(), db, first)
		check(t, err)
		return stored
	}
	first := events{"hub/0", 1000, 5, []fleet.Reading{reading(0, 1), reading(1, 1)}, nil}
	deliver(first, 0)
	counts("new readings", day, fleet.SensorFaults{})
	deliver(first, 0)
	deliver(first, 1)
	counts("delivered again", day, fleet.SensorFaults{})

	second := events{"hub/0", 1000, 7, []fleet.Reading{reading(0, 1), reading(1, 2), reading(2, 1), reading(2, 1), reading(2, 3)},
		[]fleet.Fault{{ID: id(0), Time: at, Copies: 10, Rejected: 100}, {ID: id(0), Time: at + 3_600_000, Rejected: 1000}, {ID: id(7), Time: at, Rejected: 1}}}
	want := fleet.SensorFaults{Duplicate: 12, Conflict: 2, Rejected: 1100}
	stored := deliver(second, 0)
	equal(t, "inserted", stored.Inserted, 1)
	equal(t, "rejected", len(stored.Rejected), 2)
	for i := range 3 {
		counts("copies, conflicts and what was rejected", day, want)
		counts("an hour of them", hour(0), fleet.SensorFaults{Duplicate: 12, Conflict: 2, Rejected: 100})
		deliver(second, i)
	}
	_, err := db.SensorFaults(t.Context(), id(7), day)
	wantError(t, err, fleet.ErrNotFound)

	// A batch that begins with events that were counted, and goes on.
	both := events{"hub/0", 1000, 10, []fleet.Reading{reading(2, 1), reading(2, 3), reading(0, 1)}, nil} // of these, 12 is new
	deliver(both, 0)
	want.Duplicate++
	counts("a batch that overlaps", day, want)

	// Another partition, and the same one of a hub that counts from 0 again.
	deliver(events{"hub/1", 1000, 0, []fleet.Reading{reading(0, 1)}, nil}, 0)
	deliver(events{"hub/0", 2000, 0, []fleet.Reading{reading(0, 1)}, nil}, 0)
	want.Duplicate += 2
	counts("other partitions", day, want)

	// No reading of the batch is one, or its events are not known.
	deliver(events{"hub/0", 3000, 0, nil, []fleet.Fault{{ID: id(0), Time: at, Rejected: 1}}}, 0)
	insert(t, db, reading(0, 1))
	want.Rejected++
	counts("no readings", day, want)
	infinite := reading(9, 1)
	infinite.Time = fleet.MaxMillis + 1
	equal(t, "rejected", len(deliver(events{"hub/0", at, 0, []fleet.Reading{infinite}, nil}, 0).Rejected), 1)
	want.Rejected++
	counts("a reading that cannot be", day, want)

	check(t, db.DeleteFaults(t.Context(), noon.Add(time.Hour)))
	counts("after deletion", day, fleet.SensorFaults{Rejected: 1000})
}

// testFaultsOfManyReadings counts the copies among many readings, wherever in the batch
// they stand, late or not.
func testFaultsOfManyReadings(t *testing.T, db *store.DB) {
	const n = 1000
	check(t, db.InitWatermark(t.Context(), noon.Add(n/2*time.Second)))
	sent := func(from, to, step int) (all []fleet.Reading) {
		for i := from; i < to; i += step {
			all = append(all, fleet.Reading{ID: id(i % 7), Time: fleet.MillisOf(noon) + fleet.Millis(i)*1000, Value: 1})
		}
		return all
	}
	total := func() (duplicates int) {
		t.Helper()
		for i := range 7 {
			f, err := db.SensorFaults(t.Context(), id(i), hour(0))
			check(t, err)
			equal(t, "conflicts", f.Conflict, 0)
			duplicates += f.Duplicate
		}
		return duplicates
	}
	sequence, want := int64(0), 0
	for _, c := range []struct{ from, to, step, duplicates int }{{300, 700, 3, 0}, {300, 700, 1, 134}, {0, n, 1, 400}, {0, n, 1, n}, {n / 2, n, 2, n / 4}} {
		e := events{"hub/0", 1000, sequence, sent(c.from, c.to, c.step), nil}
		for range 2 {
			_, err := e.deliver(t.Context(), db, 0)
			check(t, err)
		}
		sequence += int64(len(e.readings))
		want += c.duplicates
		equal(t, "duplicates", total(), want)
	}
}
