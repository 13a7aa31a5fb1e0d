package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"testing"
)

var errRow = errors.New("the value does not fit")

// choosy is a database that refuses a transaction with the value 13, and holds
// other values for the keys of some rows.
type choosy struct {
	dialect
	conflicts []int64 // keys
}

func (choosy) faultOf(err error) fault {
	if errors.Is(err, errRow) {
		return badRow
	}
	return permanent
}

func (c choosy) insertReadings(_ context.Context, _ *sql.DB, rows []row, _ *faultCounter) (inserted int, found []conflict, err error) {
	for i, r := range rows {
		switch {
		case r.value == 13:
			return 0, nil, errRow
		case slices.Contains(c.conflicts, r.key):
			found = append(found, conflict{i, 99})
		default:
			inserted++
		}
	}
	return inserted, found, nil
}

// TestHalvesKeepTheirPlaces has a batch halved around a refused row. A conflict in any half
// is reported for its own row.
func TestHalvesKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	const n = 16
	for bad := range n {
		for other := range n {
			if other == bad {
				continue
			}
			rows := make([]row, n)
			for i := range rows {
				rows[i] = row{key: int64(i), value: 1, index: int32(i)}
			}
			rows[bad].value = 13
			db := &DB{dialect: choosy{conflicts: []int64{int64(other)}}, log: slog.New(slog.DiscardHandler)}
			var in insertion
			if err := db.insert(t.Context(), &in, rows, 0, nil); err != nil {
				t.Fatal(err)
			}
			if in.inserted != n-2 || len(in.refused) != 1 || in.refused[0].index != int32(bad) || len(in.conflicts) != 1 || in.conflicts[0].row != other {
				t.Fatalf("got %+v, want row %d refused, row %d in conflict and %d inserted", in, bad, other, n-2)
			}
		}
	}
}
