package runs_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
)

// minutes scores the sensors with ids in a run from one minute before now to another. Each minute
// has a row with a score that tells the run. Those of anomalous are anomalies.
func minutes(t *testing.T, api *runs.API, db *store.DB, ids []fleet.ID, from, to int, score float64, anomalous ...int) {
	t.Helper()
	at := func(minute int) time.Time { return now.Add(-time.Duration(minute) * time.Minute) }
	run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: at(from), To: at(to)}, nil, fleet.Settings{}, now.Add(time.Duration(score)*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		csv := "TS,Device,Sensor,Val,Prediction,Score\n"
		var kept []byte
		o := fleet.Outcome{Result: fleet.Scored}
		for m := from; m > to; m-- {
			is, ms := 0, fleet.MillisOf(at(m))
			if slices.Contains(anomalous, m) {
				is, kept = 1, fleet.Anomaly{Time: ms, Score: score}.Append(kept)
				o.Anomalies++
			}
			o.Rows++
			csv += fmt.Sprintf("%s,%s,%s,1,%d,%g\n", ms, id.Device, id.Sensor, is, score)
		}
		if len(kept) > 0 {
			o.Anomalous = fleet.AnomalousRows(kept) + "]"
		}
		o.CSVSHA256 = put(t, api, blob.Preds, ledger.CSVName(run.ID, id), csv)
		if _, _, err := db.CloseJob(t.Context(), run.ID, fleet.JobKey{ID: id}, o, now); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunsOverlap checks that each time is shown and counted once where the windows of runs
// overlap.
func TestRunsOverlap(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	one, two := fleet.ID{Device: "1", Sensor: "1"}, fleet.ID{Device: "1", Sensor: "2"}
	minutes(t, api, db, []fleet.ID{one}, 60, 20, 1, 60, 41, 30) // sensor 2 gets no rows from it
	minutes(t, api, db, []fleet.ID{one, two}, 60, 50, 2, 60, 55)
	minutes(t, api, db, []fleet.ID{one, two}, 50, 40, 3, 41)
	minutes(t, api, db, []fleet.ID{one}, 30, 10, 4, 30, 15)
	minutes(t, api, db, []fleet.ID{one}, 28, 8, 5, 27, 15, 9)
	from := func(minute int) time.Time { return now.Add(-time.Duration(minute) * time.Minute) }

	var want []string // the times and scores of sensor 1
	for m := 60; m > 8; m-- {
		score := 1
		if m <= 20 {
			score = 5 // as long as the run of 4, and opened later
		}
		want = append(want, fmt.Sprint(m, " ", score))
	}
	points := func(s *runs.Series) (got []string) {
		for _, p := range s.Points {
			got = append(got, fmt.Sprint(int(now.Sub(p.At)/time.Minute), " ", p.Min))
			if p.Min != p.Max || p.Values != 1 {
				t.Errorf("%v has %d scores from %v to %v", p.At, p.Values, p.Min, p.Max)
			}
		}
		return got
	}
	// The run of 1 counts for sensor 1. That of 5 overlaps it.
	counted := runs.Counted{Rows: 40, Anomalous: 3}
	s, err := api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: "1", From: from(400), To: now})
	if err != nil {
		t.Fatal(err)
	}
	if got := points(s.Score); !slices.Equal(got, want) || s.Counted != counted || s.Files != 2 || s.Unread != 0 {
		t.Errorf("%v, %+v from %d files, want %v, %+v", got, s.Counted, s.Files, want, counted)
	}
	found := func(all []runs.AnomalousPiece) (got []string) {
		for _, p := range all {
			got = append(got, fmt.Sprint(int(now.Sub(p.At)/time.Minute), " ", p.Anomalies, " ", *p.MaxScore))
		}
		return got
	}
	if got := found(s.Anomalies); !slices.Equal(got, []string{"60 1 1", "41 1 1", "30 1 1", "15 1 5", "9 1 5"}) {
		t.Errorf("anomalies of the sensor: %v", got)
	}
	d, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1", From: from(400), To: now})
	if err != nil {
		t.Fatal(err)
	}
	if got := points(d.Sensors[0].Score); !slices.Equal(got, want) || d.Sensors[0].Counted != counted || d.Sensors[1].Counted != (runs.Counted{Rows: 20, Anomalous: 3}) {
		t.Errorf("%v, %+v and %+v", got, d.Sensors[0].Counted, d.Sensors[1].Counted)
	}
	if got := found(d.Anomalies); !slices.Equal(got, []string{"60 1 1", "41 1 1", "30 1 1", "15 1 5", "9 1 5", "60 1 2", "55 1 2", "41 1 3"}) {
		t.Errorf("anomalies of the device: %v", got)
	}

	for _, limit := range []int{1, 3, 100} {
		rows, _ := pages(t, api, runs.AnomaliesRequest{From: from(400), To: now, Limit: limit})
		if want := []string{"11:45 1/1 5", "11:51 1/1 5", "11:19 1/2 3", "11:00 1/1 1", "11:19 1/1 1", "11:30 1/1 1", "11:00 1/2 2", "11:05 1/2 2"}; !slices.Equal(rows, want) {
			t.Errorf("by %d: %v, want %v", limit, rows, want)
		}
	}
	top, err := api.TopAnomalies(t.Context(), runs.TopRequest{From: from(400), To: now})
	if ranked := []runs.Ranked{{one, 1, 40, 3, 3. / 40}, {two, 2, 20, 3, 3. / 20}}; err != nil || !slices.Equal(top.Sensors, ranked) || top.Beyond {
		t.Errorf("%+v, %v", top, err)
	}
	// A part of a window counts as the whole, and the answer says so.
	if top, err = api.TopAnomalies(t.Context(), runs.TopRequest{From: from(45), To: from(44)}); err != nil || len(top.Sensors) != 2 || top.Sensors[0].Rows != 40 || !top.Beyond {
		t.Errorf("%+v, %v", top, err)
	}
	if s, err = api.Subject(t.Context(), runs.SubjectRequest{Device: "1", Name: "1", From: from(45), To: from(44)}); err != nil || s.Counted != (runs.Counted{Rows: 40, Anomalous: 3, Beyond: true}) {
		t.Errorf("%+v, %v", s.Counted, err)
	}
}

// TestTimes compares a set of times with one of minutes.
func TestTimes(t *testing.T) {
	t.Parallel()
	type step struct{ from, to int }
	for _, steps := range [][]step{
		{{0, 5}, {10, 15}, {5, 10}}, {{0, 5}, {3, 12}, {0, 20}}, {{10, 15}, {0, 5}, {3, 12}, {4, 11}},
		{{2, 3}, {6, 7}, {4, 5}, {0, 9}}, {{8, 9}, {0, 1}, {1, 8}}, {{0, 20}, {5, 6}},
	} {
		var set [20]bool
		var windows []fleet.Window
		var want []bool
		for _, s := range steps {
			windows = append(windows, fleet.Window{From: now.Add(time.Duration(s.from) * time.Minute), To: now.Add(time.Duration(s.to) * time.Minute)})
			for m := s.from; m < s.to; m++ {
				want = append(want, !set[m]) // whether the minute is new
				set[m] = true
			}
		}
		var got []bool
		for i, added := range runs.AddTimes(windows) {
			for m := windows[i].From; m.Before(windows[i].To); m = m.Add(time.Minute) {
				got = append(got, slices.ContainsFunc(added, func(w fleet.Window) bool { return w.Contains(fleet.MillisOf(m)) }))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", steps, got, want)
		}
	}
}
