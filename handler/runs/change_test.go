package runs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	api, _, q := newAPI(t)
	for range 2 { // the same window is the same run, sent once
		run, err := api.Request(t.Context(), hour)
		if err != nil {
			t.Fatal(err)
		}
		if run.ID != "20260301T110000Z-20260301T120000Z" || run.Kind != fleet.Requested || run.Progress.Jobs != 3 || q.jobs != 3 {
			t.Fatalf("%+v, %+v; sent %d jobs", run, run.Progress, q.jobs)
		}
	}
	list, err := api.List(t.Context(), runs.ListRequest{})
	if err != nil || len(list.Runs) != 1 || list.Next != "" || list.Runs[0].Sum != nil {
		t.Errorf("list %+v, %v", list, err)
	}
}

func TestRescore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sensors string
		want    int
	}{{"", 3}, {"*", 3}, {"1", 2}, {"1/*", 2}, {"*/1", 2}, {"1/2", 1}, {"?/1", 2}, {"*/?", 3}, {"*2", 2}, {"[2-9]/*", 0}, {"x*", 0}} {
		api, _, q := newAPI(t)
		run, err := api.Request(t.Context(), hour)
		if err != nil {
			t.Fatal(err)
		}
		r, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID, Sensors: c.sensors})
		if err != nil || r.Reopened != c.want || r.Added != 0 || q.jobs != 3+c.want {
			t.Errorf("%q: re-opened %d, sent %d, %v; want %d", c.sensors, r.Reopened, q.jobs-3, err, c.want)
		}
	}
}

// slowModels never lists them.
type slowModels struct{}

func (slowModels) List(ctx context.Context, _ *slog.Logger) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestSlowStorage: a run is opened and rescored though the models cannot be listed, and
// the answer warns of that.
func TestSlowStorage(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	api.Models, api.ListTime = slowModels{}, time.Millisecond
	run, err := api.Request(t.Context(), hour)
	if err != nil || run.Result != runs.NewRun || !strings.Contains(run.Warning, "may not be used: storage did not list them in 1ms") {
		t.Errorf("opened %+v, %v", run, err)
	}
	r, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID})
	if err != nil || r.Reopened != 3 || r.Warning != run.Warning {
		t.Errorf("rescored %+v, %v", r, err)
	}
}

// TestRescoreJob: a job is named as it is, whatever characters are in its names.
func TestRescoreJob(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	odd := []fleet.ID{{Device: "*", Sensor: "?"}, {Device: "[*]", Sensor: "?"}, {Device: "1/1", Sensor: "1"}, {Device: "1", Sensor: "1/1"}, {Device: "%2F", Sensor: "%25"}}
	for _, id := range odd {
		if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id}}, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range odd {
		if r, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID, Job: id.String()}); err != nil || r.Reopened != 1 {
			t.Errorf("%v: re-opened %d, %v", id, r.Reopened, err)
		}
	}
	if _, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID, Job: "nobody/1%2F1"}); !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), "it has no job of nobody/1%2F1") {
		t.Errorf("a job that there is not: %v", err)
	}
	if r, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID, Job: "1/1"}); err != nil || r.Reopened != 1 {
		t.Errorf("a job: %+v, %v", r, err)
	}
	for _, req := range []runs.RescoreRequest{{Job: "1"}, {Job: "1/1/1"}, {Job: "1/1", Sensors: "1"}} {
		req.ID = run.ID
		if _, err := api.Rescore(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

func TestRescoreWithCurrentSettings(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	api.Settings.Aggregate = "5m:mean"
	r, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID, Sensors: "1/1", Settings: "current"})
	if err != nil || r.Reopened != 3 || r.Run.Settings != api.Settings {
		t.Errorf("%+v, %v; want all three jobs under the new settings", r, err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, err := api.Cancel(t.Context(), runs.ShowRequest{ID: run.ID})
	if run := cancelled; err != nil || run.State != fleet.RunCancelled || run.Progress.Counts[fleet.Cancelled] != 3 || run.Manifest == "" {
		t.Errorf("%+v, %v", run, err)
	}
	if list, err := api.List(t.Context(), runs.ListRequest{}); err != nil || *list.Runs[0].Sum != (runs.RunSum{Jobs: 3}) {
		t.Errorf("it is listed with %+v, %v", list.Runs[0].Sum, err)
	}
	if _, err := api.Cancel(t.Context(), runs.ShowRequest{ID: run.ID}); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("cancelled again: %v", err)
	}
}

// TestRetention refuses what is too old: a run whose predictions are deleted
// cannot be scored again, nor a window whose readings are.
func TestRetention(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	api.Retention = 30 * 24 * time.Hour
	at := func(d time.Duration) { api.Now = func() time.Time { return now.Add(d) } }
	rescore := func() error {
		_, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID})
		return err
	}
	at(29 * 24 * time.Hour)
	if err := rescore(); err != nil {
		t.Errorf("a day before: %v", err)
	}
	at(29*24*time.Hour + time.Millisecond)
	if err := rescore(); !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), "deleted after 30 days (SCORE_RETENTION_DAYS)") {
		t.Errorf("later: %v", err)
	}
	if _, err := api.Request(t.Context(), hour); err != nil {
		t.Errorf("the run that is there: %v", err)
	}
	at(30 * 24 * time.Hour)
	next := runs.OpenRequest{From: now.Add(-30 * time.Minute), To: now}
	if _, err := api.Request(t.Context(), next); !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), "readings are deleted after 30 days") {
		t.Errorf("a window with deleted readings: %v", err)
	}
	if _, err := api.Request(t.Context(), runs.OpenRequest{From: now, To: now.Add(time.Hour)}); err != nil {
		t.Errorf("a window just young enough: %v", err)
	}
}

// TestRequestIsAnsweredBeforeItIsSent checks that the answer to a request for a run needs
// only the ledger, and says whether the run is new.
func TestRequestIsAnsweredBeforeItIsSent(t *testing.T) {
	t.Parallel()
	api, db, q := newAPI(t)
	var afterwards []func(context.Context)
	api.Later = func(f func(context.Context)) { afterwards = append(afterwards, f) }
	request := func(want runs.OpenResult) {
		t.Helper()
		got, err := api.Request(t.Context(), hour)
		if err != nil || got.Result != want || got.ID == "" || got.Progress.Jobs != 3 {
			t.Errorf("%+v, %v; want %s", got, err, want)
		}
	}
	request(runs.NewRun)
	request(runs.FoundRun)
	if q.jobs != 0 {
		t.Fatalf("%d jobs were sent before the answer", q.jobs)
	}
	for _, f := range afterwards {
		f(t.Context())
	}
	if q.jobs != 3 {
		t.Errorf("%d jobs were sent", q.jobs)
	}
	for _, sensor := range []fleet.ID{{Device: "1", Sensor: "1"}, {Device: "1", Sensor: "2"}, {Device: "2", Sensor: "1"}} {
		if _, _, err := db.CloseJob(t.Context(), fleet.Window{From: hour.From, To: hour.To}.RunID(), fleet.JobKey{ID: sensor}, fleet.Outcome{Result: fleet.NoData}, now); err != nil {
			t.Fatal(err)
		}
	}
	afterwards = nil
	request(runs.FoundRun) // all its jobs are closed, and nobody has ended it
	afterwards[0](t.Context())
	request(runs.EndedRun)
}

// TestCancellingRunIsLeftAlone checks that a run that is being cancelled can be neither
// requested nor rescored before it has ended.
func TestCancellingRunIsLeftAlone(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Cancel(t.Context(), run.ID, now); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Request(t.Context(), hour); !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), "being cancelled") {
		t.Errorf("requested: %v", err)
	}
	if _, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID}); !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), "being cancelled") {
		t.Errorf("rescored: %v", err)
	}
}
