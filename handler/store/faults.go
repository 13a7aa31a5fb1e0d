package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	getDelivered statement = `SELECT d.enqueued, d.sequence FROM dbo.delivered d WHERE d.partition_of = @partition`

	moveDelivered statement = `
UPDATE dbo.delivered SET enqueued = @enqueued, sequence = @sequence
WHERE partition_of = @partition AND (enqueued < @enqueued OR enqueued = @enqueued AND sequence < @sequence)`

	insertDelivered statement = `
INSERT INTO dbo.delivered (partition_of, enqueued, sequence)
SELECT @partition, @enqueued, @sequence
WHERE NOT EXISTS (SELECT 1 FROM dbo.delivered d WHERE d.partition_of = @partition)`

	addFaults statement = `
UPDATE dbo.faults
SET duplicate = duplicate + k.duplicates, conflict = conflict + k.conflicts, rejected = rejected + k.rejects
FROM {k:sensor,of_hour,duplicates,conflicts,rejects}
WHERE sensor_id = k.sensor AND hour = k.of_hour`

	insertFaults statement = `
INSERT INTO dbo.faults (sensor_id, hour, duplicate, conflict, rejected)
SELECT k.sensor, k.of_hour, k.duplicates, k.conflicts, k.rejects
FROM {k:sensor,of_hour,duplicates,conflicts,rejects}
WHERE k.sensor <> 0 AND NOT EXISTS (SELECT 1 FROM dbo.faults f WHERE f.sensor_id = k.sensor AND f.hour = k.of_hour)`

	sumFaults statement = `
SELECT COALESCE(SUM(f.duplicate), 0), COALESCE(SUM(f.conflict), 0), COALESCE(SUM(f.rejected), 0)
FROM dbo.faults f
WHERE f.sensor_id = @key AND f.hour >= @from AND f.hour < @to`

	deleteFaults statement = `DELETE FROM dbo.faults WHERE hour < @before`
)

// faultCounter counts the faults of sensors in a batch: duplicates, conflicts and
// rejected readings. If it is nil it counts nothing.
type faultCounter struct {
	*batch
	keys []int64 // the sensor of each of the delivery's faults, 0 if there is no such sensor
}

// faultsOf returns the counter of a batch's faults, or nil if they are not counted.
func (db *DB) faultsOf(ctx context.Context, b *batch) (*faultCounter, error) {
	if b.delivery.Partition == "" {
		return nil, nil
	}
	for _, r := range b.stored.Rejected {
		at := b.delivery.Of(r.Index)
		b.delivery.Faults = append(b.delivery.Faults, fleet.Fault{ID: b.readings[r.Index].ID, At: at, Time: at.Enqueued, Rejected: 1})
	}
	if len(b.delivery.Faults) == 0 {
		return &faultCounter{batch: b}, nil
	}
	ids := make([]fleet.ID, len(b.delivery.Faults))
	for i, f := range b.delivery.Faults {
		ids[i] = f.ID
	}
	keys, err := db.keysOf(ctx, ids)
	return &faultCounter{b, keys}, err
}

func (c *faultCounter) counts() bool { return c != nil }

// hourOf is a sensor's hour in which faults are counted.
type hourOf struct {
	key  int64
	hour time.Time
}

// count adds the faults of a batch to the counts of their hours, in the transaction
// that inserted the batch's firsts. These are the firsts that were stored before
// (there; the conflicts among them have another value), the copies in the batch,
// and the faults of the delivery. It counts only events after those that were
// counted before.
func (c *faultCounter) count(ctx context.Context, s session, there []row, conflicts []conflict) error {
	if c == nil {
		return nil
	}
	d := c.delivery
	partition := sql.Named("partition", d.Partition)
	if len(there)+len(c.copies)+len(d.Faults) > 0 {
		var counted fleet.EventPlace
		_, err := s.one(ctx, getDelivered, []any{(*millis)(&counted.Enqueued), &counted.Sequence}, partition)
		if err != nil {
			return err
		}
		if err := s.addFaults(ctx, c.sum(counted, there, conflicts)); err != nil {
			return err
		}
	}
	if d.Upto == (fleet.EventPlace{}) {
		return nil
	}
	to := []any{partition, sql.Named("enqueued", s.time(d.Upto.Enqueued.Time())), sql.Named("sequence", d.Upto.Sequence)}
	return s.addOrInsert(ctx, moveDelivered, insertDelivered, to, to)
}

// sum returns the faults in the events after counted, by sensor and hour.
func (c *faultCounter) sum(counted fleet.EventPlace, there []row, conflicts []conflict) map[hourOf]fleet.SensorFaults {
	sums := map[hourOf]fleet.SensorFaults{}
	add := func(key int64, t fleet.Millis, at fleet.EventPlace, f fleet.SensorFaults) {
		if key == 0 || !at.After(counted) {
			return
		}
		h := hourOf{key, t.Hour()}
		was := sums[h]
		sums[h] = fleet.SensorFaults{Duplicate: was.Duplicate + f.Duplicate, Conflict: was.Conflict + f.Conflict, Rejected: was.Rejected + f.Rejected}
	}
	other := make(map[int]float64, len(conflicts)) // the stored value, by index in firsts, where it is another
	for _, x := range conflicts {
		other[x.row] = x.stored
	}
	addCopy := func(r row) {
		at := place(c.firsts, r)
		value, ok := other[at]
		if !ok {
			value = c.firsts[at].value
		}
		f := fleet.SensorFaults{Duplicate: 1}
		if r.value != value {
			f = fleet.SensorFaults{Conflict: 1}
		}
		add(r.key, r.ts, c.delivery.Of(int(r.index)), f)
	}
	for _, r := range there {
		addCopy(r)
	}
	for _, r := range c.copies {
		addCopy(r)
	}
	for i, f := range c.delivery.Faults {
		add(c.keys[i], f.Time, f.At, fleet.SensorFaults{Duplicate: f.Copies, Rejected: f.Rejected})
	}
	return sums
}

func (c session) addFaults(ctx context.Context, sums map[hourOf]fleet.SensorFaults) error {
	hours := make([]hourOf, 0, len(sums))
	for h := range sums {
		hours = append(hours, h)
	}
	slices.SortFunc(hours, func(a, b hourOf) int { return cmp.Or(cmp.Compare(a.key, b.key), a.hour.Compare(b.hour)) })
	rows := list{pad: []any{int64(0), c.time(time.Unix(0, 0)), 0, 0, 0}}
	for _, h := range hours {
		f := sums[h]
		rows.values = append(rows.values, h.key, c.time(h.hour), f.Duplicate, f.Conflict, f.Rejected)
	}
	if _, err := c.execList(ctx, addFaults, rows); err != nil {
		return err
	}
	_, err := c.execList(ctx, insertFaults, rows)
	return err
}

// countAlone counts the faults of a batch in a transaction of its own: if no reading
// of it is stored, or the database refused some.
func (db *DB) countAlone(ctx context.Context, c *faultCounter) error {
	if c == nil {
		return nil
	}
	_, err := db.write(ctx, "counting the faults of sensors", func(ctx context.Context, tx session) error {
		return c.count(ctx, tx, nil, nil)
	})
	return err
}

// SensorFaults returns the counts of a sensor's duplicate, conflicting and rejected
// readings in the hours that begin in w. The error wraps [fleet.ErrNotFound] if there
// is no such sensor.
func (db *DB) SensorFaults(ctx context.Context, id fleet.ID, w fleet.Window) (f fleet.SensorFaults, err error) {
	key, err := db.key(ctx, id)
	if err != nil {
		return f, err
	}
	err = db.read(ctx, "reading the faults of "+id.String(), func(ctx context.Context, r session) error {
		_, err := r.one(ctx, sumFaults, []any{&f.Duplicate, &f.Conflict, &f.Rejected}, sql.Named("key", key), sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)))
		return err
	})
	return f, err
}

// DeleteFaults deletes the counts of hours that begin before a time.
func (db *DB) DeleteFaults(ctx context.Context, before time.Time) error {
	_, err := db.update(ctx, "deleting faults of sensors", deleteFaults, sql.Named("before", db.time(before)))
	return err
}

// without returns the rows that are not in others. Others is a subset of rows.
func without(rows, others []row) []row {
	if len(others) == len(rows) {
		return nil
	}
	gone := make(map[int32]bool, len(others))
	for _, r := range others {
		gone[r.index] = true
	}
	var rest []row
	for _, r := range rows {
		if !gone[r.index] {
			rest = append(rest, r)
		}
	}
	return rest
}
