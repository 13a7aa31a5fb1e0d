package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// idDay is the layout of a day at the beginning of a run's id: the day on which
// the run's window begins.
const idDay = "20060102"

const (
	stampDays statement = `
SELECT SUBSTRING(r.id, 1, 8), COUNT(*), SUM(r.epoch), MAX(r.opened_at)
FROM dbo.runs r
WHERE r.id >= @from AND r.id < @to AND r.ended_at IS NOT NULL AND 0 = ` + covered + `
GROUP BY SUBSTRING(r.id, 1, 8)`

	summedDays statement = `SELECT d.day, d.runs, d.epochs, d.opened_at FROM dbo.days d WHERE d.day >= @from AND d.day < @to`

	listDays statement = `
SELECT d.day, d.runs, d.epochs, d.opened_at, d.shortest, d.devices
FROM dbo.days d
WHERE d.day >= @from AND d.day < @to
ORDER BY d.day`

	updateDay statement = `
UPDATE dbo.days SET runs = @runs, epochs = @epochs, opened_at = @opened, shortest = @shortest, devices = @devices WHERE day = @day`

	insertDay statement = `
INSERT INTO dbo.days (day, runs, epochs, opened_at, shortest, devices) VALUES (@day, @runs, @epochs, @opened, @shortest, @devices)`

	deleteDay        statement = `DELETE FROM dbo.days WHERE day = @day`
	deleteDaysBefore statement = `DELETE FROM dbo.days WHERE day < @before`
)

// daysLock is held while the sum of a day is written.
const daysLock = "days"

// StaleDays returns the days in w whose sums are out of date, the newest first. Each
// has the stamp of the runs that the ledger has now, which is zero if it has none.
// w begins and ends at midnight UTC.
func (db *DB) StaleDays(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error) {
	stale := map[time.Time]fleet.DayStamp{}
	err := db.read(ctx, "looking for days to sum", func(ctx context.Context, r session) error {
		clear(stale)
		err := r.each(ctx, stampDays, func(row scanner) error {
			var id string
			var s fleet.DayStamp
			if err := row.Scan(&id, &s.Runs, &s.Epochs, moment{&s.Opened}); err != nil {
				return err
			}
			day, err := time.Parse(idDay, id)
			stale[day] = s
			return err
		}, sql.Named("from", w.From.Format(idDay)), sql.Named("to", w.To.Format(idDay)))
		if err != nil {
			return err
		}
		return r.each(ctx, summedDays, func(row scanner) error {
			var d fleet.DaySum
			if err := row.Scan(moment{&d.Day}, &d.Runs, &d.Epochs, moment{&d.Opened}); err != nil {
				return err
			}
			if now := stale[d.Day]; !d.Equal(now) {
				stale[d.Day] = now // zero if the runs were deleted
			} else {
				delete(stale, d.Day)
			}
			return nil
		}, sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)))
	})
	if err != nil {
		return nil, err
	}
	all := make([]fleet.DaySum, 0, len(stale))
	for day, stamp := range stale {
		all = append(all, fleet.DaySum{Day: day, DayStamp: stamp})
	}
	slices.SortFunc(all, func(a, b fleet.DaySum) int { return b.Day.Compare(a.Day) })
	return all, nil
}

// SetDay stores the sum of a day, or deletes it if d.Runs is 0.
func (db *DB) SetDay(ctx context.Context, d fleet.DaySum) error {
	_, err := db.write(ctx, "writing the sum of "+d.Day.Format(time.DateOnly), func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, daysLock, exclusive); err != nil {
			return err
		}
		day := sql.Named("day", tx.time(d.Day))
		if d.Runs == 0 {
			_, err := tx.exec(ctx, deleteDay, day)
			return err
		}
		args := []any{day, sql.Named("runs", d.Runs), sql.Named("epochs", d.Epochs), sql.Named("opened", tx.time(d.Opened)),
			sql.Named("shortest", int64(d.Shortest/time.Second)), sql.Named("devices", []byte(d.Devices))}
		return tx.addOrInsert(ctx, updateDay, insertDay, args, args)
	})
	return err
}

// DeleteDays deletes the sums of the days before a time.
func (db *DB) DeleteDays(ctx context.Context, before time.Time) error {
	_, err := db.update(ctx, "deleting sums of days", deleteDaysBefore, sql.Named("before", db.time(before)))
	return err
}

// Days returns the sums of the days in w, the oldest first.
func (db *DB) Days(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error) {
	return selectRows(ctx, db, "reading sums of days", listDays, func(row scanner, d *fleet.DaySum) error {
		var seconds int64
		err := row.Scan(moment{&d.Day}, &d.Runs, &d.Epochs, moment{&d.Opened}, &seconds, (*[]byte)(&d.Devices))
		d.Shortest = time.Duration(seconds) * time.Second
		return err
	}, sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)))
}
