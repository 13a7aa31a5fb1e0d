package store

import (
	"context"
	"database/sql"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	// noteEarlier counts the stored readings before the first window.
	noteEarlier statement = `
INSERT INTO dbo.uncovered (sensor_id, readings, first_ts, last_ts)
SELECT o.sensor_id, COUNT(*), MIN(o.ts), MAX(o.ts)
FROM dbo.readings o
WHERE o.ts < @upto
GROUP BY o.sensor_id`

	firstUncovered statement = `
SELECT {top} u.id, u.sensor_id, u.readings, u.first_ts, u.last_ts
FROM dbo.uncovered u
ORDER BY u.id {limit}`

	deleteUncovered statement = `DELETE FROM dbo.uncovered WHERE id <= @last`
)

// TakeUncovered sums and deletes up to limit rows of the table uncovered. A row
// counts the readings of one sensor in one batch that no scheduled run covers. The
// result is zero if there is no row.
func (db *DB) TakeUncovered(ctx context.Context, limit int) (fleet.Uncovered, error) {
	var sum fleet.Uncovered
	_, err := db.write(ctx, "counting readings that no run covers", func(ctx context.Context, tx session) error {
		sum = fleet.Uncovered{}
		sensors := map[int64]bool{}
		var last int64
		err := tx.each(ctx, firstUncovered, func(row scanner) error {
			var sensor int64
			var readings int
			var from, to millis
			if err := row.Scan(&last, &sensor, &readings, &from, &to); err != nil {
				return err
			}
			if sum.Readings == 0 || from.time().Before(sum.First) {
				sum.First = from.time()
			}
			if to.time().After(sum.Last) {
				sum.Last = to.time()
			}
			sensors[sensor] = true
			sum.Readings += readings
			sum.Sensors = len(sensors)
			return nil
		}, sql.Named("limit", limit))
		if err != nil {
			return err
		}
		if sum.Readings == 0 {
			return errUnchanged
		}
		_, err = tx.exec(ctx, deleteUncovered, sql.Named("last", last))
		return err
	})
	if err != nil {
		return fleet.Uncovered{}, err
	}
	return sum, nil
}
