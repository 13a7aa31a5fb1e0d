package e2e_test

import (
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestLate holds back some of a fleet's readings, and all of one device, until
// the scheduled run over their window has ended. It ends once more, at its next
// epoch, with the bytes of a run that had all of them in time.
func TestLate(t *testing.T) {
	t.Parallel()
	const every = 10 * time.Second
	settings := []string{"SCORE_SCHEDULE", "*/10 * * * * *", "SCORE_DELAY", "5s", "SCORE_TICK", "* * * * * *"}
	pumps := simulate.Fleet{Seed: 4, Devices: 3, Every: 100 * time.Millisecond}
	inTime, late := newStack(t, settings...), newStack(t, settings...)
	inTime.publishFleet(pumps)
	late.publishFleet(pumps)
	inTime.refreshed()
	late.refreshed()
	begin := time.Now().UTC().Truncate(every).Add(every)
	w := fleet.Window{From: begin, To: begin.Add(every)}
	isLate := func(n int, id fleet.ID) bool { return n%3 == 0 || id.Device == "machine-03" }

	late.ingest(t.Context(), some(readings(pumps, w), func(n int, id fleet.ID) bool { return !isLate(n, id) }))
	inTime.ingest(t.Context(), readings(pumps, w))
	inTime.endedByItself(w)
	want := inTime.predictions(w.RunID())
	first := late.endedByItself(w)
	if late.predictions(first.ID)["manifest.json"] == want["manifest.json"] {
		t.Fatal("nothing was held back")
	}

	late.ingest(t.Context(), some(readings(pumps, w), isLate))
	var again run
	late.eventually("what came late is scored", func() bool {
		again = late.ended(first.ID)
		return late.predictions(first.ID)["manifest.json"] == want["manifest.json"]
	})
	if again.Epoch <= first.Epoch || again.State != fleet.RunSucceeded {
		t.Errorf("%+v has become %+v", first, again)
	}
	same(t, late.predictions(first.ID), want)
}

// endedByItself waits until the scheduled run over w has ended.
func (s *stack) endedByItself(w fleet.Window) (r run) {
	s.Helper()
	s.eventually("window "+w.RunID()+" is opened and ends", func() bool {
		return s.call(http.MethodGet, "/api/runs/"+w.RunID(), nil, &r) && !r.State.Open()
	})
	return r
}

// some yields those of all, numbered from 0, that keep wants.
func some(all iter.Seq2[fleet.Reading, error], keep func(n int, id fleet.ID) bool) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		n := 0
		for r, err := range all {
			if keep(n, r.ID) && !yield(r, err) {
				return
			}
			n++
		}
	}
}
