package e2e_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestScheduled sends readings as time goes by, with a window every three
// seconds: the windows follow one another without a hole, and what was sent is
// in one of them, once.
func TestScheduled(t *testing.T) {
	t.Parallel()
	s := newStack(t, "SCORE_SCHEDULE", "*/3 * * * * *", "SCORE_DELAY", "10s", "SCORE_TICK", "* * * * * *")
	s.publish("default.pkl", simulate.Kinds[0].Model())
	s.refreshed()
	var sent []fleet.Reading
	for range 40 {
		r := fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: fleet.MillisOf(time.Now()), Value: 1}
		if err := s.hub.Send(t.Context(), func(yield func(fleet.Reading, error) bool) { yield(r, nil) }, nil); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, r)
		time.Sleep(200 * time.Millisecond)
	}
	last := sent[len(sent)-1].Time.Time()
	var runs []fleet.Window // newest first
	s.eventually("the last reading is scored", func() bool {
		var list struct{ Runs []run }
		if !s.call(http.MethodGet, "/api/runs?limit=100", nil, &list) {
			return false
		}
		runs = runs[:0]
		for _, r := range list.Runs {
			w, err := fleet.ParseRunID(r.ID)
			if err != nil || r.State == fleet.RunRunning && w.From.Before(last) {
				return false
			}
			runs = append(runs, w)
		}
		return len(runs) > 0 && runs[0].To.After(last)
	})
	slices.Reverse(runs)
	for i, w := range runs {
		if w.To.Sub(w.From) != 3*time.Second || i > 0 && !w.From.Equal(runs[i-1].To) {
			t.Errorf("window %d is %v to %v, after one to %v", i, w.From, w.To, runs[max(0, i-1)].To)
		}
	}
	rows := 0
	for _, w := range runs {
		rows += max(0, len(s.records([]byte(s.predictions(w.RunID())["d/s.csv"])))-1)
	}
	want := 0
	for _, r := range sent {
		if !r.Time.Time().Before(runs[0].From) {
			want++
		}
	}
	if rows != want || want < 30 {
		t.Errorf("%d rows predicted, %d readings sent since %v", rows, want, runs[0].From)
	}
}
