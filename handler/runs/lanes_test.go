package runs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
)

// scored opens the run over the hour that begins i hours after now, and closes the jobs of the devices.
func scored(t *testing.T, db *store.DB, i int, device map[string]fleet.Outcome) {
	t.Helper()
	from := now.Add(time.Duration(i) * time.Hour)
	run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: from, To: from.Add(time.Hour)}, nil, fleet.Settings{}, now)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := db.JobsPage(t.Context(), run.ID, "", fleet.ID{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if o, ok := device[j.Device]; ok {
			if _, _, err := db.CloseJob(t.Context(), run.ID, j.JobKey, o, now); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func fine(rows, anomalies int) fleet.Outcome {
	return fleet.Outcome{Result: fleet.Scored, Rows: rows, Anomalies: anomalies, CSVSHA256: "aa"}
}

func TestLanes(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t) // devices 1, with two sensors, and 2
	scored(t, db, -3, map[string]fleet.Outcome{"1": fine(10, 0), "2": fine(10, 5)})
	scored(t, db, -1, map[string]fleet.Outcome{"1": {Result: fleet.Failed, Error: "no"}, "2": fine(10, 0)})
	l, err := api.Lanes(t.Context(), runs.LanesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if l.Range != "day" || !l.To.Equal(now) || len(l.Columns) != 24 || l.Total != 2 || l.Group != "device" || l.Left {
		t.Fatalf("%+v", l)
	}
	if l.Lanes[0].Name != "2" || l.Lanes[1].Name != "1" {
		t.Errorf("the worst is not first: %v, %v", l.Lanes[0].Name, l.Lanes[1].Name)
	}
	if got, want := l.Lanes[1].Cells[21], (runs.Cell{Jobs: 2, Scored: 2, Rows: 20}); got != want {
		t.Errorf("three hours ago: %+v, want %+v", got, want)
	}
	if got, want := l.Lanes[1].Cells[23], (runs.Cell{Jobs: 2, Failed: 2}); got != want {
		t.Errorf("the last hour: %+v, want %+v", got, want)
	}
	if got, want := l.Sum, (runs.Cell{Jobs: 6, Scored: 4, Failed: 2, Rows: 40, Anomalies: 5}); got != want {
		t.Errorf("sum %+v, want %+v", got, want)
	}
	named, err := api.Lanes(t.Context(), runs.LanesRequest{Sort: "name", Prefix: "1", Range: "week"})
	if err != nil || named.Total != 1 || named.Lanes[0].Name != "1" || named.Sum.Jobs != 4 {
		t.Errorf("%+v, %v", named, err)
	}
}

// TestLanesFollowEpochs checks that the stored sums of a run do not count after the run was
// re-opened.
func TestLanesFollowEpochs(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	scored(t, db, -1, map[string]fleet.Outcome{"1": fine(10, 0), "2": fine(10, 5)})
	run, err := api.List(t.Context(), runs.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	id := run.Runs[0].ID
	if err := api.Ender.End(t.Context(), api.Log, id); err != nil {
		t.Fatal(err)
	}
	anomalies := func() (n, queued int) {
		t.Helper()
		l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "day"})
		if err != nil {
			t.Fatal(err)
		}
		return l.Sum.Anomalies, l.Sum.Queued
	}
	for range 2 {
		if n, _ := anomalies(); n != 5 {
			t.Errorf("%d anomalies", n)
		}
	}
	if _, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: id, Sensors: "2/*"}); err != nil {
		t.Fatal(err)
	}
	if n, queued := anomalies(); n != 0 || queued != 1 {
		t.Errorf("after re-opening: %d anomalies, %d queued", n, queued)
	}
}

// full are the ledger and readings with as many rows as are asked for.
type full struct {
	runs.Overview
	runs, sensors int
}

func (f full) Readings(context.Context, []fleet.ID, fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(func(fleet.Reading, error) bool) {}
}

func (f full) SensorFaults(context.Context, fleet.ID, fleet.Window) (fleet.SensorFaults, error) {
	return fleet.SensorFaults{}, nil
}

func (f full) RunsWithin(_ context.Context, w fleet.Window, limit int) ([]fleet.Run, error) {
	all := make([]fleet.Run, min(limit, f.runs))
	for i := range all {
		all[i].Window = fleet.Window{From: w.To.Add(-time.Minute), To: w.To}
	}
	return all, nil
}

func (f full) DeviceSums(context.Context, string) ([]fleet.DeviceSum, error) { return nil, nil }

func (f full) DeviceJobs(_ context.Context, _ string, _ fleet.Window, limit int) ([]fleet.Job, error) {
	return make([]fleet.Job, limit), nil
}

func (f full) DeviceSensors(context.Context, string) ([]string, error) {
	names := make([]string, f.sensors)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names, nil
}

// TestTooMuch checks that an answer that leaves something out says so.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	api.Overview, api.Readings = full{Overview: db, runs: 1 << 20}, full{sensors: 300}
	if l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "day", To: now}); err != nil || !l.Left {
		t.Errorf("%+v, %v", l, err)
	}
	api.Overview = full{Overview: db}
	for page, want := range map[int]int{0: 12, 24: 12, 25: 0} {
		d, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1", From: now.Add(-time.Hour), To: now, Page: page})
		if err != nil || !d.Left || len(d.Sensors) != want || d.Total != 300 || d.Pages != 25 {
			t.Errorf("page %d of %d: %d of %d sensors, left %v, %v", page, d.Pages, len(d.Sensors), d.Total, d.Left, err)
		}
	}
}

// TestNothingYet checks that a fleet without a run is shown over the day until now.
func TestNothingYet(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	if l, err := api.Lanes(t.Context(), runs.LanesRequest{}); err != nil || l.Range != "day" || !l.To.Equal(now) || len(l.Columns) != 1 || l.Total != 0 || l.Left {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestRequestedBesideScheduled checks that a requested run does not count where a scheduled
// one does. A run counts in the column in which its window begins.
func TestRequestedBesideScheduled(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	open := func(from, to time.Duration) {
		if _, _, err := db.OpenRequested(t.Context(), fleet.Window{From: now.Add(from), To: now.Add(to)}, nil, fleet.Settings{}, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.InitWatermark(t.Context(), now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.OpenScheduled(t.Context(), fleet.Window{From: now.Add(-2 * time.Hour), To: now.Add(-time.Hour)}, fleet.Settings{}, now, 10); err != nil {
		t.Fatal(err)
	}
	open(-90*time.Minute, -30*time.Minute) // over half of it
	open(-6*time.Hour, -3*time.Hour)
	l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "day", To: now})
	if err != nil || len(l.Columns) != 24 || l.Sum.Jobs != 6 || len(l.Lanes) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	for column, cell := range l.Lanes[0].Cells {
		if (cell.Jobs > 0) != (column == 18 || column == 22) {
			t.Errorf("column %d has %d jobs", column, cell.Jobs)
		}
	}
}

// TestRefreshModels tells of the models that cannot be used, and of no others.
func TestRefreshModels(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	api.Models = noModels{}
	place := func(scope fleet.Scope, title string) fleet.Place { return fleet.Place{Scope: scope, Title: title} }
	err := db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{
		{Name: "_fleet/a.pkl", ETag: "1", Place: place(fleet.OfFleet, "a"), Facts: &fleet.Facts{Features: 1}},
		{Name: "_fleet/b.pkl", ETag: "1", Place: place(fleet.OfFleet, "b"), Facts: &fleet.Facts{Fault: "no pickle"}},
		{Name: "default.pkl", ETag: "1", Place: place(fleet.OfSensors, "")},
		{Name: "devices.csv", ETag: "1", Place: place(fleet.Attributes, "")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := api.RefreshModels(t.Context(), runs.RefreshRequest{})
	if err != nil || r.Models != 3 || len(r.Bad) != 1 || r.Bad[0] != (runs.BadModel{Model: "_fleet/b.pkl", Error: "no pickle"}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// noModels is a registry that nobody publishes to.
type noModels struct{}

func (noModels) List(context.Context, *slog.Logger) error { return nil }

func TestSites(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	for i := range 150 {
		for _, form := range []string{"pump-%03d", "north/line-%d"} {
			if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: fleet.ID{Device: fmt.Sprintf(form, i), Sensor: "t"}}}, fleet.Delivery{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	scored(t, db, -1, nil)
	l, err := api.Lanes(t.Context(), runs.LanesRequest{Sort: "name"})
	if err != nil || l.Group != "site" || l.Devices != 302 {
		t.Fatalf("%+v, %v", l, err)
	}
	got := map[string]int{}
	for _, lane := range l.Lanes {
		got[lane.Name] = lane.Devices
	}
	if got["pump-"] != 150 || got["north/"] != 150 || got["1"] != 1 || got["2"] != 1 {
		t.Errorf("%v", got)
	}
	second, err := api.Lanes(t.Context(), runs.LanesRequest{Sort: "name", Group: "device", Prefix: "pump-", Page: 1})
	if err != nil || len(second.Lanes) != 50 || second.Lanes[0].Name != "pump-100" || second.Pages != 2 {
		t.Errorf("%+v, %v", second, err)
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	var batch []fleet.Reading
	for i := range 3600 {
		v := float64(i % 10)
		if i == 1801 {
			v = 99
		}
		batch = append(batch, fleet.Reading{ID: fleet.ID{Device: "1", Sensor: "2"}, Time: fleet.MillisOf(now.Add(-time.Hour)) + fleet.Millis(i*1000), Value: v})
	}
	if _, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	scored(t, db, -1, map[string]fleet.Outcome{"1": fine(10, 1)})
	d, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if !d.From.Equal(now.Add(-time.Hour)) || len(d.Sensors) != 2 || d.Sensors[0].Readings.Values != 0 || d.Sensors[1].Readings.Values != 3600 || len(d.Jobs) != 2 {
		t.Fatalf("%+v", d)
	}
	points, least, greatest, n := d.Sensors[1].Readings.Points, 0., 0., 0
	for _, p := range points {
		least, greatest, n = min(least, p.Min), max(greatest, p.Max), n+p.Values
	}
	if len(points) != 400 || least != 0 || greatest != 99 || n != 3600 {
		t.Errorf("%d points from %v to %v of %d readings", len(points), least, greatest, n)
	}
}

func TestOverviewRefuses(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	lanes := func(req runs.LanesRequest) error { _, err := api.Lanes(t.Context(), req); return err }
	device := func(req runs.DeviceRequest) error { _, err := api.Device(t.Context(), req); return err }
	for what, c := range map[string]struct{ err, want error }{
		"range":     {lanes(runs.LanesRequest{Range: "decade"}), fleet.ErrInvalid},
		"sort":      {lanes(runs.LanesRequest{Sort: "best"}), fleet.ErrInvalid},
		"group":     {lanes(runs.LanesRequest{Group: "all"}), fleet.ErrInvalid},
		"page":      {lanes(runs.LanesRequest{Page: -1}), fleet.ErrInvalid},
		"far page":  {lanes(runs.LanesRequest{Page: 1 << 60}), fleet.ErrInvalid},
		"year 1":    {lanes(runs.LanesRequest{To: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), Range: "week"}), fleet.ErrInvalid},
		"no device": {device(runs.DeviceRequest{Device: "nobody"}), fleet.ErrNotFound},
		"backwards": {device(runs.DeviceRequest{Device: "1", From: now, To: now.Add(-time.Hour)}), fleet.ErrInvalid},
		"two years": {device(runs.DeviceRequest{Device: "1", From: now.AddDate(-2, 0, 0), To: now}), fleet.ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
	}
}
