package e2e_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// hour is the window of these tests.
var hour = fleet.Window{From: time.Date(2018, 8, 28, 23, 0, 0, 0, time.UTC), To: time.Date(2018, 8, 29, 0, 0, 0, 0, time.UTC)}

// TestRepeated sends every reading three times and asks for the same window
// twice: nothing changes, not even an ETag.
func TestRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	pumps := simulate.Fleet{Seed: 1, Devices: 5, Every: 20 * time.Second}
	s.publishFleet(pumps)
	s.ingest(readings(pumps, hour))

	r := s.ended(s.request(hour).ID)
	if r.State != fleet.RunSucceeded {
		t.Errorf("the run is %s, want %s", r.State, fleet.RunSucceeded)
	}
	first, etags := s.predictions(r.ID), s.etags(r.ID)
	s.checkManifest(pumps, first["manifest.json"])

	for range 2 {
		s.ingest(readings(pumps, hour))
	}
	if again := s.request(hour); again.ID != r.ID {
		t.Errorf("the same window is run %s, then %s", r.ID, again.ID)
	}
	if again := s.ended(r.ID); again != r {
		t.Errorf("%+v has become %+v", r, again)
	}
	same(t, s.predictions(r.ID), first)
	if now := s.etags(r.ID); !slices.Equal(now, etags) {
		t.Errorf("blobs were written again: ETags %v, then %v", etags, now)
	}
	var list struct{ Runs []run }
	s.eventually("the API tells the runs", func() bool { return s.call(http.MethodGet, "/api/runs", nil, &list) })
	if len(list.Runs) != 1 {
		t.Errorf("runs: %+v, want one", list)
	}
}

func (s *stack) etags(id string) (etags []string) {
	s.Helper()
	for info, err := range s.blobs.List(s.Context(), blob.Preds, id+"/") {
		if err != nil {
			s.Fatal(err)
		}
		etags = append(etags, info.Name+" "+info.ETag)
	}
	return etags
}

// checkManifest compares the totals with what the fleet is known to hold. Every
// anomaly is found; a model may flag a normal reading, but no more than one in ten.
func (s *stack) checkManifest(pumps simulate.Fleet, manifest string) {
	s.Helper()
	var m struct {
		Rows, Anomalies int
		Jobs            []struct{ Device, Sensor, State string }
	}
	if err := json.Unmarshal([]byte(manifest), &m); err != nil {
		s.Fatal(err)
	}
	rows, anomalies := 0, 0
	for sample := range pumps.Samples(hour) {
		rows++
		if sample.Anomaly {
			anomalies++
		}
	}
	if m.Rows != rows || len(m.Jobs) != len(pumps.Sensors()) {
		s.Errorf("%d rows of %d sensors, want %d of %d", m.Rows, len(m.Jobs), rows, len(pumps.Sensors()))
	}
	if m.Anomalies < anomalies || m.Anomalies > anomalies+rows/10 {
		s.Errorf("%d anomalies found, %d known, of %d rows", m.Anomalies, anomalies, rows)
	}
}
