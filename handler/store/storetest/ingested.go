package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// testIngested adds figures of one minute from several goroutines at once, and figures of
// other minutes. Each counts once, and old ones are deleted.
func testIngested(t *testing.T, db *store.DB) {
	minute := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Minute) }
	figures := func(i int, lag time.Duration, refusals ...fleet.Refusal) fleet.Ingested {
		return fleet.Ingested{Minute: minute(i), Events: 7, Stored: 6, Duplicate: 5, Conflict: 4, Missing: 3, Rejected: 2, Lag: lag, Refusals: refusals}
	}
	conflict := fleet.Refusal{Reason: "conflict", Count: 4, Example: "its value is 1, but 2 is stored", Place: "hub/0/a.jsonl"}
	other := fleet.Refusal{Reason: "value: … is no number", Count: 2, Example: strings.Repeat("ü", 3000), Place: "hub/0/b.jsonl"}
	check(t, db.AddIngested(t.Context(), nil))
	together(4, func(n int) {
		if err := db.AddIngested(t.Context(), []fleet.Ingested{figures(0, time.Duration(n)*time.Second, conflict), figures(1, 0)}); err != nil {
			t.Error(err)
		}
	})
	check(t, db.AddIngested(t.Context(), []fleet.Ingested{figures(2, time.Millisecond, other, conflict)}))

	all := fleet.Window{From: minute(-1), To: minute(9)}
	minutes, refusals, err := db.Ingested(t.Context(), all, 9)
	check(t, err)
	sum := fleet.Ingested{Minute: minute(0), Events: 28, Stored: 24, Duplicate: 20, Conflict: 16, Missing: 12, Rejected: 8, Lag: 3 * time.Second}
	second := sum
	second.Minute, second.Lag = minute(1), 0
	third := figures(2, time.Millisecond)
	equal(t, "minutes", fmt.Sprint(minutes), fmt.Sprint([]fleet.Ingested{sum, second, third}))
	conflict.Count = 20
	if len(refusals) != 2 || refusals[0] != conflict || refusals[1].Count != 2 || len(refusals[1].Example) > 2000 {
		t.Errorf("the refusals are %+v, want 20 conflicts and 2 others with a shortened example", refusals)
	}
	minutes, refusals, err = db.Ingested(t.Context(), fleet.Window{From: minute(1), To: minute(2)}, 9)
	check(t, err)
	equal(t, "one minute", fmt.Sprint(minutes), fmt.Sprint([]fleet.Ingested{second}))
	equal(t, "its refusals", len(refusals), 0)

	check(t, db.AddIngested(t.Context(), []fleet.Ingested{{Minute: minute(1).AddDate(0, 0, 32)}}))
	minutes, refusals, err = db.Ingested(t.Context(), all, 1)
	check(t, err)
	equal(t, "what is left", fmt.Sprint(minutes), fmt.Sprint([]fleet.Ingested{second, third}))
	equal(t, "refusals left", len(refusals), 1)
}
