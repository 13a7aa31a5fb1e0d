package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	addIngested statement = `
UPDATE dbo.ingested
SET events = events + @events, stored = stored + @stored, duplicate = duplicate + @duplicate, conflict = conflict + @conflict,
    missing = missing + @missing, rejected = rejected + @rejected, lag_ms = CASE WHEN lag_ms < @lag THEN @lag ELSE lag_ms END
WHERE minute = @minute`

	insertIngested statement = `
INSERT INTO dbo.ingested (minute, events, stored, duplicate, conflict, missing, rejected, lag_ms)
VALUES (@minute, @events, @stored, @duplicate, @conflict, @missing, @rejected, @lag)`

	addRefusal statement = `UPDATE dbo.refusals SET n = n + @n WHERE minute = @minute AND reason = @reason`

	insertRefusal statement = `
INSERT INTO dbo.refusals (minute, reason, n, example, place) VALUES (@minute, @reason, @n, @example, @place)`

	deleteIngested statement = `DELETE FROM dbo.ingested WHERE minute < @before`
	deleteRefusals statement = `DELETE FROM dbo.refusals WHERE minute < @before`

	listIngested statement = `
SELECT i.minute, i.events, i.stored, i.duplicate, i.conflict, i.missing, i.rejected, i.lag_ms
FROM dbo.ingested i
WHERE i.minute >= @from AND i.minute < @to
ORDER BY i.minute`

	// sumRefusals has the latest example of each reason.
	sumRefusals statement = `
SELECT {top} s.reason, s.n, e.example, e.place
FROM (SELECT r.reason, SUM(r.n) AS n, MAX(r.minute) AS last
      FROM dbo.refusals r WHERE r.minute >= @from AND r.minute < @to GROUP BY r.reason) s
  JOIN dbo.refusals e ON e.reason = s.reason AND e.minute = s.last
ORDER BY s.n DESC, s.reason {limit}`
)

// ingestedLock is held while figures are added.
const ingestedLock = "ingested"

// ingestedKept is how long figures are kept.
const ingestedKept = 32 * 24 * time.Hour

// AddIngested adds the counts of events to those stored for their minutes. It
// deletes the counts of minutes more than 32 days before the last of minutes.
func (db *DB) AddIngested(ctx context.Context, minutes []fleet.Ingested) error {
	if len(minutes) == 0 {
		return nil
	}
	_, err := db.write(ctx, "adding figures of ingest", func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, ingestedLock, exclusive); err != nil {
			return err
		}
		var last time.Time
		for _, m := range minutes {
			if err := tx.addIngested(ctx, m); err != nil {
				return err
			}
			if m.Minute.After(last) {
				last = m.Minute
			}
		}
		before := sql.Named("before", tx.time(last.Add(-ingestedKept)))
		for _, s := range []statement{deleteIngested, deleteRefusals} {
			if _, err := tx.exec(ctx, s, before); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (c session) addIngested(ctx context.Context, m fleet.Ingested) error {
	minute := sql.Named("minute", c.time(m.Minute))
	args := []any{minute, sql.Named("events", m.Events), sql.Named("stored", m.Stored), sql.Named("duplicate", m.Duplicate), sql.Named("conflict", m.Conflict),
		sql.Named("missing", m.Missing), sql.Named("rejected", m.Rejected), sql.Named("lag", m.Lag.Milliseconds())}
	if err := c.addOrInsert(ctx, addIngested, insertIngested, args, args); err != nil {
		return err
	}
	for _, r := range m.Refusals {
		add := []any{minute, sql.Named("reason", cut(r.Reason)), sql.Named("n", r.Count)}
		insert := append(add, sql.Named("example", cut(r.Example)), sql.Named("place", r.Place))
		if err := c.addOrInsert(ctx, addRefusal, insertRefusal, add, insert); err != nil {
			return err
		}
	}
	return nil
}

// addOrInsert adds to a row, or inserts it if there is none.
func (c session) addOrInsert(ctx context.Context, add, insert statement, to, row []any) error {
	n, err := c.exec(ctx, add, to...)
	if err == nil && n == 0 {
		_, err = c.exec(ctx, insert, row...)
	}
	return err
}

// Ingested returns the counts of events of each minute in w, without refusals. It
// also returns the refusals in w, summed by reason: up to limit reasons, the most
// frequent first.
func (db *DB) Ingested(ctx context.Context, w fleet.Window, limit int) (minutes []fleet.Ingested, refusals []fleet.Refusal, err error) {
	from, to := sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To))
	err = db.read(ctx, "reading figures of ingest", func(ctx context.Context, r session) error {
		minutes, refusals = nil, nil
		err := r.each(ctx, listIngested, func(row scanner) error {
			var m fleet.Ingested
			var lag int64
			err := row.Scan(moment{&m.Minute}, &m.Events, &m.Stored, &m.Duplicate, &m.Conflict, &m.Missing, &m.Rejected, &lag)
			m.Lag = time.Duration(lag) * time.Millisecond
			minutes = append(minutes, m)
			return err
		}, from, to)
		if err != nil {
			return err
		}
		return r.each(ctx, sumRefusals, func(row scanner) error {
			var x fleet.Refusal
			err := row.Scan(&x.Reason, &x.Count, &x.Example, &x.Place)
			refusals = append(refusals, x)
			return err
		}, from, to, sql.Named("limit", limit))
	})
	return minutes, refusals, err
}
