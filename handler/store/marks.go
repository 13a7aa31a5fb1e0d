package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	// runsFrom selects the scheduled runs whose windows end after @after. Windows
	// have no gaps between them. So the first window contains @after, unless @after is
	// before all windows, or the run with that window was deleted.
	runsFrom statement = `
SELECT {top} r.id, r.window_from, r.window_to
FROM dbo.runs r
WHERE r.kind = 'scheduled' AND r.window_to > @after
ORDER BY r.window_to {limit}`

	insertMarks statement = `
INSERT INTO dbo.late_marks (run, sensor_id, ts)
SELECT k.run, k.sensor_id, k.ts
FROM {k:run,sensor_id,ts}
WHERE k.sensor_id <> 0`

	insertUncovered statement = `
INSERT INTO dbo.uncovered (sensor_id, readings, first_ts, last_ts)
SELECT k.sensor_id, k.readings, k.first_ts, k.last_ts
FROM {k:sensor_id,readings,first_ts,last_ts}
WHERE k.sensor_id <> 0`
)

// before returns the rows whose time is before t. If that is true of all, it
// returns rows itself.
func before(rows []row, t time.Time) []row {
	end := fleet.MillisOf(t)
	n := 0
	for _, r := range rows {
		if r.ts < end {
			n++
		}
	}
	if n == 0 || n == len(rows) {
		return rows[:n]
	}
	all := make([]row, 0, n)
	for _, r := range rows {
		if r.ts < end {
			all = append(all, r)
		}
	}
	return all
}

// runsPage is the number of runs that one query reads.
const runsPage = 64

// openedRun is a scheduled run and its window.
type openedRun struct {
	id       string
	from, to fleet.Millis
}

// nextRuns returns the first scheduled runs whose windows end after ts. all reports
// whether there are no others.
func (c session) nextRuns(ctx context.Context, ts fleet.Millis) (runs []openedRun, all bool, err error) {
	err = c.each(ctx, runsFrom, func(row scanner) error {
		var r openedRun
		var from, to millis
		err := row.Scan(&r.id, &from, &to)
		r.from, r.to = fleet.Millis(from), fleet.Millis(to)
		runs = append(runs, r)
		return err
	}, sql.Named("after", c.time(ts.Time())), sql.Named("limit", runsPage))
	return runs, len(runs) < runsPage, err
}

// noteLate inserts marks for rows, which are sorted, were just inserted, and are
// before the watermark. The mark of a reading names the first scheduled run whose
// window ends after it; a sensor gets one mark for each such run. noteLate also
// counts the readings that no run covers. It reads the runs page by page, and
// skips those without a reading.
func (c session) noteLate(ctx context.Context, rows []row) error {
	notes := notes{c: c}
	for len(rows) > 0 {
		first := rows[0].ts
		for _, r := range rows {
			first = min(first, r.ts)
		}
		runs, all, err := c.nextRuns(ctx, first)
		if err != nil {
			return err
		}
		now, later := rows, []row(nil)
		if !all {
			now, later = split(rows, runs[len(runs)-1].to)
		}
		notes.note(now, runs)
		rows = later
	}
	return notes.insert(ctx)
}

// split parts rows into those before end and the others.
func split(rows []row, end fleet.Millis) (before, others []row) {
	for _, r := range rows {
		if r.ts < end {
			before = append(before, r)
		} else {
			others = append(others, r)
		}
	}
	return before, others
}

// notes are the rows that a batch adds to late_marks and uncovered. Their times are
// of type [fleet.Millis].
type notes struct {
	c             session
	marks, misses list
}

// note adds the marks and misses of rows, which are sorted. The mark of a row names
// the first of runs whose window ends after the row.
func (n *notes) note(rows []row, runs []openedRun) {
	var key int64
	at := 0              // the index of the run of the previous row
	var mark, miss []any // the last mark and miss of the same sensor
	for _, r := range rows {
		if r.key != key {
			key, at, mark, miss = r.key, 0, nil, nil
		}
		for at < len(runs) && runs[at].to <= r.ts {
			at, mark = at+1, nil
		}
		if at < len(runs) {
			if mark == nil {
				n.marks.values = append(n.marks.values, runs[at].id, r.key, r.ts)
				mark = n.marks.values[len(n.marks.values)-1:]
			}
			mark[0] = r.ts // the time of the latest reading
		}
		if at < len(runs) && runs[at].from <= r.ts {
			continue
		}
		if miss == nil {
			n.misses.values = append(n.misses.values, r.key, int64(0), r.ts, r.ts)
			miss = n.misses.values[len(n.misses.values)-3:]
		}
		miss[0], miss[2] = miss[0].(int64)+1, r.ts
	}
}

func (n *notes) insert(ctx context.Context) error {
	never := n.c.time(time.UnixMilli(0))
	n.marks.pad, n.misses.pad = []any{"", int64(0), never}, []any{int64(0), int64(0), never, never}
	if err := n.put(ctx, insertMarks, n.marks); err != nil {
		return err
	}
	return n.put(ctx, insertUncovered, n.misses)
}

// put inserts a list whose times are of type [fleet.Millis].
func (n *notes) put(ctx context.Context, s statement, l list) error {
	for i, v := range l.values {
		if ts, ok := v.(fleet.Millis); ok {
			l.values[i] = n.c.time(ts.Time())
		}
	}
	_, err := n.c.execList(ctx, s, l)
	return err
}
