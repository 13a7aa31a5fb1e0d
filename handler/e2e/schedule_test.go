package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestScheduled sends readings as time goes by, with a window every three
// seconds. The windows follow one another without a hole, and each reading is
// predicted once.
func TestScheduled(t *testing.T) {
	t.Parallel()
	s := newStack(t, "SCORE_SCHEDULE", "*/3 * * * * *", "SCORE_DELAY", "3s", "SCORE_TICK", "* * * * * *")
	s.publish("default.pkl", simulate.Kinds[0].Model())
	s.refreshed()
	db := s.open()
	defer db.Close()
	s.eventually("windows begin", func() bool {
		_, set, err := db.Watermark(t.Context())
		return err == nil && set
	})
	const want = 40
	var sent [want]string // their times, as they are predicted
	for i := range sent {
		r := fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: fleet.MillisOf(time.Now()), Value: 1}
		s.send(one(r))
		sent[i] = r.Time.String()
		time.Sleep(200 * time.Millisecond)
	}
	// A busy machine may store a reading after its run. Then the run is opened again.
	s.attempt("each reading is predicted once", func() error {
		var list struct{ Runs []run }
		if !s.call(http.MethodGet, "/api/runs?limit=1000", nil, &list) {
			return errors.New("the API does not tell the runs")
		}
		slices.Reverse(list.Runs) // the oldest first
		var predicted []string
		var before fleet.Window
		for _, r := range list.Runs {
			w, err := fleet.ParseRunID(r.ID)
			if err != nil || w.To.Sub(w.From) != 3*time.Second || before != (fleet.Window{}) && !w.From.Equal(before.To) {
				t.Fatalf("run %s, %v, follows one up to %v: want one of the next three seconds", r.ID, err, before.To)
			}
			before = w
			if content, ok := s.predictions(r.ID)["d/s.csv"]; ok {
				for _, row := range s.records([]byte(content))[1:] {
					predicted = append(predicted, row[0])
				}
			}
		}
		if !slices.Equal(predicted, sent[:]) {
			return fmt.Errorf("predicted in %d runs: %d rows, %q; want those sent, %q", len(list.Runs), len(predicted), predicted, sent)
		}
		return nil
	})
}
