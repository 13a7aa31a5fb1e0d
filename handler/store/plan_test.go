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
	for name, s := range store.OfDevice {
		text := db.Text(s)
		var args []any
		for _, arg := range []string{"device", "from", "to", "limit", "model", "name", "first"} {
			if strings.Contains(text, "@"+arg) {
				args = append(args, sql.Named(arg, 1))
			}
		}
		if plan := db.Plan(t, text, args...); !strings.Contains(plan, "SEARCH j USING PRIMARY KEY (run=? AND subject_id=?)") {
			t.Errorf("the plan of %s is %s, want a search by the key", name, plan)
		}
	}
}
