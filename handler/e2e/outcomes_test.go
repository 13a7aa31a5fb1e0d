package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestOutcomes has a sensor for each thing that can be wrong, looks at what
// becomes of them, mends it, and has them scored again.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	good := simulate.Kinds[0].Model()
	s.publish("d/good.pkl", good)
	s.publish("d/twice.pkl", good)
	s.publish("d/twice", good)
	s.publish("d/broken.joblib", []byte("no model"))
	s.publish("d/silent.pkl", good)
	s.ingest(func(yield func(fleet.Reading, error) bool) {
		for _, name := range []string{"good", "twice", "broken", "none", "silent"} {
			at := hour.From
			if name == "silent" { // a reading, but not in the window
				at = hour.To
			}
			if !yield(fleet.Reading{ID: fleet.ID{Device: "d", Sensor: name}, Time: fleet.MillisOf(at), Value: 1}, nil) {
				return
			}
		}
	})
	r := s.ended(s.request(hour).ID)
	s.wantOutcomes(r, fleet.RunDegraded, map[string]fleet.JobState{
		"good": fleet.Scored, "twice": fleet.BadModel, "broken": fleet.BadModel, "none": fleet.NoModel, "silent": fleet.NoData,
	})
	for name, want := range map[string][]string{
		"twice": {"d/twice and d/twice.pkl in container", "remedy"}, "broken": {"d/broken.joblib"}, "none": {"publish"},
	} {
		file := ledger.ErrorLogName(r.ID, fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: name}})
		log, _, err := s.blobs.Read(t.Context(), blob.Logs, file, "", 1<<20)
		if err != nil {
			t.Error(err)
		}
		for _, text := range want {
			if !strings.Contains(string(log), text) {
				t.Errorf("%q is not in the error log %s", text, log)
			}
		}
	}

	s.publish("d/broken.joblib", good)
	s.publish("default.pkl", good)
	if err := s.blobs.Delete(t.Context(), blob.Models, "d/twice"); err != nil {
		t.Fatal(err)
	}
	var rescored struct{ Reopened int }
	states := []fleet.JobState{fleet.BadModel, fleet.NoModel}
	s.eventually("jobs are re-opened", func() bool {
		return s.call(http.MethodPost, "/api/runs/"+r.ID+"/rescore", map[string]any{"sensors": "d/*", "states": states}, &rescored)
	})
	if rescored.Reopened != 3 {
		t.Errorf("%d jobs re-opened, want 3", rescored.Reopened)
	}
	r = s.ended(r.ID)
	s.wantOutcomes(r, fleet.RunSucceeded, map[string]fleet.JobState{
		"good": fleet.Scored, "twice": fleet.Scored, "broken": fleet.Scored, "none": fleet.Scored, "silent": fleet.NoData,
	})
}

// wantOutcomes compares the state of a run and its jobs, by the API and by the
// manifest.
func (s *stack) wantOutcomes(r run, state fleet.RunState, want map[string]fleet.JobState) {
	s.Helper()
	if r.State != state {
		s.Errorf("the run is %s, want %s", r.State, state)
	}
	type jobs struct {
		Jobs []struct {
			Sensor string
			State  fleet.JobState
		}
	}
	var api, manifest jobs
	s.eventually("the API tells the jobs", func() bool { return s.call(http.MethodGet, "/api/runs/"+r.ID+"/jobs", nil, &api) })
	if err := json.Unmarshal([]byte(s.predictions(r.ID)["manifest.json"]), &manifest); err != nil {
		s.Error(err)
	}
	for what, list := range map[string]jobs{"API": api, "manifest": manifest} {
		got := map[string]fleet.JobState{}
		for _, j := range list.Jobs {
			got[j.Sensor] = j.State
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			s.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}
