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
// epoch, with the bytes of a run that had all of them in time. The clock of both
// stands until their readings are stored, however long that takes.
func TestLate(t *testing.T) {
	t.Parallel()
	pumps := simulate.Fleet{Seed: 4, Devices: 3, Every: 30 * time.Second}
	isLate := func(n int, id fleet.ID) bool { return n%3 == 0 || id.Device == "machine-03" }
	start := func() *stack {
		s := clockLayout(t, "0 0 * * * *").start(t)
		s.publishFleet(pumps)
		s.refreshed()
		s.awaitWatermark(hour.From)
		return s
	}
	inTime, late := start(), start()
	inTime.ingest(readings(pumps, hour))
	late.ingest(some(readings(pumps, hour), func(n int, id fleet.ID) bool { return !isLate(n, id) }))
	for _, s := range []*stack{inTime, late} {
		setClock(t, s.host.setting("E2E_CLOCK"), hour.To.Add(10*time.Minute))
	}
	inTime.endedByItself(hour)
	want := inTime.predictions(hour.RunID())
	inTime.checkManifest(pumps, want["manifest.json"])
	first := late.endedByItself(hour)
	if late.predictions(first.ID)["manifest.json"] == want["manifest.json"] {
		t.Fatal("the runs are the same, though readings were held back from one")
	}

	late.ingest(some(readings(pumps, hour), isLate))
	var again run
	late.eventually("what came late is scored", func() bool {
		again = late.ended(first.ID)
		return late.predictions(first.ID)["manifest.json"] == want["manifest.json"]
	})
	if again.Epoch <= first.Epoch || again.State != fleet.RunSucceeded {
		t.Errorf("%+v has become %+v, want it %s at a later epoch", first, again, fleet.RunSucceeded)
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
