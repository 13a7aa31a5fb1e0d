package storetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

var start = fleet.MillisOf(noon)

func reading(i int, offset fleet.Millis, value float64) fleet.Reading {
	return fleet.Reading{ID: id(i), Time: start + offset, Value: value}
}

func insert(t testing.TB, db *store.DB, batch ...fleet.Reading) fleet.Stored {
	t.Helper()
	stored, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{})
	check(t, err)
	return stored
}

func read(t testing.TB, db *store.DB, w fleet.Window, ids ...fleet.ID) []fleet.Reading {
	t.Helper()
	var all []fleet.Reading
	for r, err := range db.Readings(t.Context(), ids, w) {
		check(t, err)
		all = append(all, r)
	}
	return all
}

// wantStored compares counts and the indexes and kinds of what was rejected.
func wantStored(t testing.TB, got fleet.Stored, inserted, equalCopies int, rejected ...fleet.Rejected) {
	t.Helper()
	equal(t, "inserted", got.Inserted, inserted)
	equal(t, "equal", got.Equal, equalCopies)
	if len(got.Rejected) != len(rejected) {
		t.Fatalf("rejected %v, want %v", got.Rejected, rejected)
	}
	for i, r := range rejected {
		if g := got.Rejected[i]; g.Index != r.Index || !errors.Is(g.Err, r.Err) {
			t.Errorf("rejected %d: %v, want %d: %v", g.Index, g.Err, r.Index, r.Err)
		}
	}
}

func wantReadings(t testing.TB, got []fleet.Reading, want ...fleet.Reading) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
}

func testInsertAndRead(t *testing.T, db *store.DB) {
	const last = fleet.Millis(3600_000)
	wantStored(t, insert(t, db,
		reading(1, 5, 15), reading(0, 5, 5), reading(1, 0, 10), reading(0, last-1, 9), reading(2, 3, 23),
		reading(0, -1, -1), reading(0, last, 99), reading(0, 0, 1)), 8, 0)
	wantReadings(t, read(t, db, hour(0), id(0)), reading(0, 0, 1), reading(0, 5, 5), reading(0, last-1, 9))
	wantReadings(t, read(t, db, hour(0), id(2), id(700), id(1), id(2), id(0)),
		reading(0, 0, 1), reading(0, 5, 5), reading(0, last-1, 9), reading(1, 0, 10), reading(1, 5, 15), reading(2, 3, 23))
	wantReadings(t, read(t, db, hour(0)))
	wantReadings(t, read(t, db, hour(0), id(700)))
	wantReadings(t, read(t, db, hour(5), id(0)))

	// Sensors are registered in another order than that of their names.
	wantStored(t, insert(t, db, reading(9, 0, 1)), 1, 0)
	wantStored(t, insert(t, db, reading(8, 0, 2)), 1, 0)
	wantReadings(t, read(t, db, hour(0), id(8), id(9)), reading(8, 0, 2), reading(9, 0, 1))
	wantStored(t, insert(t, db), 0, 0)
}

func testStopReading(t *testing.T, db *store.DB) {
	insert(t, db, reading(0, 0, 1), reading(0, 1, 2), reading(1, 0, 3))
	for range 20 { // more than there are connections
		for r, err := range db.Readings(t.Context(), ids(2), hour(0)) {
			check(t, err)
			equal(t, "first reading", r, reading(0, 0, 1))
			break
		}
	}
}

func testCopies(t *testing.T, db *store.DB) {
	conflict := func(i int) fleet.Rejected { return fleet.Rejected{Index: i, Err: fleet.ErrConflict} }
	steps := []struct {
		name            string
		batch           []fleet.Reading
		inserted, equal int
		rejected        []fleet.Rejected
	}{
		{"new", []fleet.Reading{reading(0, 0, 1), reading(0, 1, 2)}, 2, 0, nil},
		{"the same again", []fleet.Reading{reading(0, 0, 1), reading(0, 1, 2)}, 0, 2, nil},
		{"with a new one", []fleet.Reading{reading(0, 2, 3), reading(0, 0, 1)}, 1, 1, nil},
		{"another value", []fleet.Reading{reading(0, 0, 9), reading(0, 3, 4)}, 1, 0, []fleet.Rejected{conflict(0)}},
		{"equal within", []fleet.Reading{reading(1, 0, 1), reading(1, 0, 1), reading(1, 0, 1)}, 1, 2, nil},
		{"the first in the batch wins", []fleet.Reading{reading(1, 1, 7), reading(1, 1, 8), reading(1, 1, 7)}, 1, 1, []fleet.Rejected{conflict(1)}},
		{"but not over a stored one", []fleet.Reading{reading(1, 1, 8), reading(1, 1, 7)}, 0, 1, []fleet.Rejected{conflict(0)}},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) { wantStored(t, insert(t, db, s.batch...), s.inserted, s.equal, s.rejected...) })
	}
	wantReadings(t, read(t, db, hour(0), ids(2)...), reading(0, 0, 1), reading(0, 1, 2), reading(0, 2, 3), reading(0, 3, 4),
		reading(1, 0, 1), reading(1, 1, 7))
}

func testSalvage(t *testing.T, db *store.DB) {
	bad := []fleet.Reading{
		reading(0, 1, math.NaN()), reading(0, 2, math.Inf(1)), reading(0, 3, math.Inf(-1)),
		{ID: fleet.ID{Device: "", Sensor: "s"}, Time: start}, {ID: fleet.ID{Device: "a\tb", Sensor: "s"}, Time: start},
		{ID: fleet.ID{Device: "d", Sensor: strings.Repeat("x", 129)}, Time: start}, {ID: fleet.ID{Device: "d", Sensor: "=m"}, Time: start},
		{ID: id(0), Time: fleet.MinMillis - 1}, {ID: id(0), Time: fleet.MaxMillis + 1}, {ID: id(0), Time: math.MaxInt64}, {ID: id(0), Time: math.MinInt64},
	}
	var batch []fleet.Reading
	var rejected []fleet.Rejected
	for i, b := range bad {
		rejected = append(rejected, fleet.Rejected{Index: len(batch), Err: fleet.ErrInvalid})
		batch = append(batch, b, reading(0, fleet.Millis(100+i), float64(i)))
	}
	wantStored(t, insert(t, db, batch...), len(bad), 0, rejected...)
	equal(t, "readings", len(read(t, db, hour(0), id(0))), len(bad))
	sensors, err := db.Subjects(t.Context(), fleet.ID{}, 10)
	check(t, err)
	equal(t, "sensors", len(sensors), 1)
	wantStored(t, insert(t, db, bad[0]), 0, 0, fleet.Rejected{Index: 0, Err: fleet.ErrInvalid})
}

func testExactValues(t *testing.T, db *store.DB) {
	values := []float64{0.1, 1.0 / 3, math.MaxFloat64, -math.MaxFloat64, 0x1p-1022, -0x1p-1022, math.Pi, 1 << 53, 1e22, 123456789.123456789, math.Nextafter(1, 2)}
	var want []fleet.Reading
	for i, v := range values {
		want = append(want, reading(0, fleet.Millis(i), v))
	}
	wantStored(t, insert(t, db, want...), len(want), 0)
	wantReadings(t, read(t, db, hour(0), id(0)), want...)

	insert(t, db, reading(1, 0, math.Copysign(0, -1)))
	wantStored(t, insert(t, db, reading(1, 0, 0)), 0, 1)
	if v := read(t, db, hour(0), id(1))[0].Value; math.Signbit(v) {
		t.Errorf("-0 is read as %v, want 0", v)
	}

	// A database may refuse what is too small for it, but not change it.
	tiny := reading(2, 0, 5e-324)
	if stored := insert(t, db, tiny, reading(2, 1, 1)); stored.Inserted == 2 {
		wantReadings(t, read(t, db, hour(0), id(2)), tiny, reading(2, 1, 1))
	} else {
		wantStored(t, stored, 1, 0, fleet.Rejected{Index: 0, Err: fleet.ErrInvalid})
	}

	first, last := fleet.Reading{ID: id(3), Time: fleet.MinMillis, Value: 1}, fleet.Reading{ID: id(3), Time: fleet.MaxMillis, Value: 2}
	insert(t, db, first, last)
	w, err := fleet.NewWindow(fleet.MinMillis.Time(), (fleet.MaxMillis - 999).Time())
	check(t, err)
	wantReadings(t, read(t, db, w, id(3)), first)
	wantStored(t, insert(t, db, last), 0, 1)
}

func testNamesAreCaseSensitive(t *testing.T, db *store.DB) {
	var batch []fleet.Reading
	for i, name := range []string{"A", "a", "B", "b", "a-1", "a.1", "a_1", "a1"} {
		batch = append(batch, fleet.Reading{ID: fleet.ID{Device: name, Sensor: "x"}, Time: start, Value: float64(i)})
	}
	wantStored(t, insert(t, db, batch...), len(batch), 0)
	slices.SortFunc(batch, func(a, b fleet.Reading) int { return fleet.CompareID(a.ID, b.ID) })
	var ids []fleet.ID
	for _, r := range batch {
		ids = append(ids, r.ID)
	}
	wantReadings(t, read(t, db, hour(0), ids...), batch...)
	for _, r := range batch {
		wantReadings(t, read(t, db, hour(0), r.ID), r)
	}
}

// testBatchSizes inserts batches of 1 to 100,000 rows, a third of each copies
// from the batch before and a tenth copies within.
func testBatchSizes(t *testing.T, db *store.DB) {
	next, distinct := 0, 0
	for _, size := range []int{1, 2, 63, 64, 65, 1_000, 10_000, 100_000} {
		if testing.Short() && size > 10_000 {
			break
		}
		batch := make([]fleet.Reading, 0, size)
		fresh := 0
		for len(batch) < size {
			switch k := len(batch); {
			case k%3 == 2 && next > fresh:
				batch = append(batch, numbered(next-fresh-1-k%(next-fresh)))
			case k%10 == 9:
				batch = append(batch, batch[k-2])
			default:
				batch = append(batch, numbered(next))
				next++
				fresh++
			}
		}
		stored := insert(t, db, batch...)
		wantStored(t, stored, fresh, size-fresh)
		distinct += fresh
	}
	w := fleet.Window{From: noon, To: noon.AddDate(1, 0, 0)}
	equal(t, "distinct readings", len(read(t, db, w, ids(97)...)), distinct)
}

// numbered is the n-th of readings spread over 97 sensors.
func numbered(n int) fleet.Reading { return reading(n%97, fleet.Millis(n/97)*1000, float64(n)) }

// testOverlappingWriters has 8 writers store the same 20 batches, each in its
// own order.
func testOverlappingWriters(t *testing.T, db *store.DB) {
	const writers, batches, size = 8, 20, 500
	inserted := make([]int, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				n, err := writeOverlapping(t.Context(), db, (b*(2*w+1)+w)%batches, size)
				if err != nil {
					t.Error(err)
				}
				inserted[w] += n
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range inserted {
		total += n
	}
	wantOverlapping(t, db, total, batches, size)
}

// writeOverlapping stores the b-th of batches that overlap their neighbours by
// half, back to front if b is odd.
func writeOverlapping(ctx context.Context, db *store.DB, b, size int) (inserted int, err error) {
	batch := make([]fleet.Reading, size)
	for i := range batch {
		batch[i] = numbered(b*size/2 + i)
	}
	if b%2 == 1 {
		slices.Reverse(batch)
	}
	stored, err := db.InsertReadings(ctx, batch, fleet.Delivery{})
	if err == nil && len(stored.Rejected) > 0 {
		err = stored.Rejected[0].Err
	}
	return stored.Inserted, err
}

func wantOverlapping(t testing.TB, db *store.DB, inserted, batches, size int) {
	t.Helper()
	distinct := (batches + 1) * size / 2
	equal(t, "inserted in all", inserted, distinct)
	equal(t, "readings", len(read(t, db, fleet.Window{From: noon, To: noon.AddDate(1, 0, 0)}, ids(97)...)), distinct)
}

func testSensors(t *testing.T, db *store.DB) {
	register(t, db, 30)
	var all []fleet.Registered
	for after := (fleet.ID{}); ; {
		page, err := db.Subjects(t.Context(), after, 7)
		check(t, err)
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		after = page[len(page)-1].ID
	}
	equal(t, "sensors", len(all), 30)
	for i, s := range all {
		equal(t, "sensor", s, fleet.Registered{ID: id(i), Enabled: true, Last: noon})
	}

	insert(t, db, fleet.Reading{ID: id(0), Time: fleet.MillisOf(noon.Add(-time.Hour)), Value: 1}) // not the newest
	setEnabled(t, db, id(0), false)
	changed, err := db.SetEnabled(t.Context(), func(i fleet.ID) bool { return i == id(0) }, false)
	check(t, err)
	equal(t, "disabled again", changed, 0)
	page, err := db.Subjects(t.Context(), fleet.ID{}, 1)
	check(t, err)
	equal(t, "disabled", page[0], fleet.Registered{ID: id(0), Last: noon})
	r := opened(t, db, 0, 30)
	counts, err := db.Counts(t.Context(), r)
	check(t, err)
	equal(t, "jobs", counts.Total(), 29)
}
