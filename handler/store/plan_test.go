package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// TestFewJobsAreSought checks that SQLite seeks the jobs of one device or model by their
// key. A month of a large fleet has millions of jobs.
func TestFewJobsAreSought(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite)
	reader, _ := db.Pools()
	for name, s := range store.OfDevice {
		text := db.Text(s)
		var args []any
		for _, arg := range []string{"device", "from", "to", "limit", "model", "name", "first"} {
			if strings.Contains(text, "@"+arg) {
				args = append(args, sql.Named(arg, 1))
			}
		}
		rows, err := reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		if text := strings.Join(plan, "; "); !strings.Contains(text, "SEARCH j USING PRIMARY KEY (run=? AND subject_id=?)") {
			t.Errorf("the plan of %s is %s, want a search by the key", name, text)
		}
	}
}
