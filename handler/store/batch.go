package store

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// row is a reading that is to be inserted.
type row struct {
	key   int64 // of the sensor
	ts    fleet.Millis
	value float64
	index int32 // in the batch
}

// refusal is a row that the database refuses, by its index in the batch.
type refusal struct {
	index int32
	err   error
}

// conflict is a row whose sensor and time are stored with another value.
type conflict struct {
	row    int // in the slice that was to be inserted
	stored float64
}

// batch is a batch of readings that is to be stored.
type batch struct {
	readings []fleet.Reading
	delivery fleet.Delivery
	rows     []row // the valid readings, sorted by sensor key, time and index in the batch
	// firsts are the rows to insert: of those with the same sensor and time,
	// the first in the batch. copies are all others. Both are sorted as rows.
	firsts, copies []row
	stored         fleet.Stored
}

// check rejects the invalid readings and sets rows to the others. Until
// [batch.sort] the key of a row is the index of its sensor in ids.
func (b *batch) check() (ids []fleet.ID) {
	b.rows = make([]row, 0, len(b.readings))
	known := make(map[fleet.ID]int64)
	for i, r := range b.readings {
		n, ok := known[r.ID]
		if err := checkReading(r, !ok); err != nil {
			b.reject(int32(i), err)
			continue
		}
		if !ok {
			n = int64(len(ids))
			known[r.ID] = n
			ids = append(ids, r.ID)
		}
		// Adding 0 turns -0 into 0, as databases do.
		b.rows = append(b.rows, row{key: n, ts: r.Time, value: r.Value + 0, index: int32(i)})
	}
	return ids
}

// checkReading validates a reading, and its names only if they are new.
func checkReading(r fleet.Reading, newName bool) error {
	if newName {
		return r.Validate()
	}
	return r.ValidateValue()
}

// sort gives the rows their sensors' keys and sorts them.
func (b *batch) sort(keys []int64) {
	for i := range b.rows {
		b.rows[i].key = keys[b.rows[i].key]
	}
	slices.SortFunc(b.rows, func(x, y row) int {
		return cmp.Or(compareKey(x, y), cmp.Compare(x.index, y.index))
	})
}

// split sets firsts and copies from rows.
func (b *batch) split() {
	b.firsts, b.copies = make([]row, 0, len(b.rows)), nil
	for _, r := range b.rows {
		if n := len(b.firsts); n > 0 && compareKey(b.firsts[n-1], r) == 0 {
			b.copies = append(b.copies, r)
		} else {
			b.firsts = append(b.firsts, r)
		}
	}
}

// drop rejects the rows that the database refused.
func (b *batch) drop(refused []refusal) {
	gone := make(map[int32]bool, len(refused))
	for _, f := range refused {
		gone[f.index] = true
		b.reject(f.index, fmt.Errorf("reading of %s: %w: the database refuses it: %w", b.readings[f.index].ID, fleet.ErrInvalid, f.err))
	}
	b.rows = slices.DeleteFunc(b.rows, func(r row) bool { return gone[r.index] })
}

func compareKey(x, y row) int {
	return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.ts, y.ts))
}

// place returns the index in rows, which are sorted, of the row with the sensor
// and time of r.
func place(rows []row, r row) int {
	i, _ := slices.BinarySearchFunc(rows, r, compareKey)
	return i
}

// scanConflict scans (sensor_id, ts, value): the sensor and time of one of rows,
// which are sorted, and the stored value.
func scanConflict(r scanner, rows []row) (conflict, error) {
	var key int64
	var ts millis
	var stored float64
	err := r.Scan(&key, &ts, &stored)
	return conflict{place(rows, row{key: key, ts: fleet.Millis(ts)}), stored}, err
}

// scanInserted scans (sensor_id, ts): the sensor and time of one of rows, which are
// sorted. It returns that row.
func scanInserted(r scanner, rows []row) (row, error) {
	var key int64
	var ts millis
	if err := r.Scan(&key, &ts); err != nil {
		return row{}, err
	}
	return rows[place(rows, row{key: key, ts: fleet.Millis(ts)})], nil
}

func (b *batch) reject(index int32, err error) {
	b.stored.Rejected = append(b.stored.Rejected, fleet.Rejected{Index: int(index), Err: err})
}

// settle compares each reading that was not inserted with the value that is now
// stored for its sensor and time. It returns what became of the batch.
func (b *batch) settle(inserted int, conflicts []conflict) fleet.Stored {
	other := make(map[int]float64, len(conflicts)) // the stored value, by index in firsts, where it is another
	for _, c := range conflicts {
		other[c.row] = c.stored
		b.conflict(b.firsts[c.row], c.stored)
	}
	b.stored.Inserted = inserted
	b.stored.Equal = len(b.firsts) - inserted - len(conflicts)
	for _, r := range b.copies {
		at := place(b.firsts, r)
		stored, ok := other[at]
		if !ok {
			stored = b.firsts[at].value
		}
		if r.value == stored {
			b.stored.Equal++
		} else {
			b.conflict(r, stored)
		}
	}
	slices.SortFunc(b.stored.Rejected, func(x, y fleet.Rejected) int { return cmp.Compare(x.Index, y.Index) })
	return b.stored
}

func (b *batch) conflict(r row, stored float64) {
	b.reject(r.index, fmt.Errorf("reading of %s at %s: %w: its value is %v, but %v is stored",
		b.readings[r.index].ID, r.ts, fleet.ErrConflict, r.value, stored))
}
