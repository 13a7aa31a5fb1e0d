package runs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// queue counts the jobs of messages sent.
type queue struct {
	mu   sync.Mutex
	jobs int
}

func (q *queue) Send(_ context.Context, text string) error {
	m, err := fleet.ParseMessage(text)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs += len(m.Jobs)
	return err
}

func newAPI(t *testing.T) (*runs.API, *store.DB, *queue) {
	t.Helper()
	db := storetest.Open(t, storetest.SQLite)
	for _, id := range []fleet.ID{{Device: "1", Sensor: "1"}, {Device: "1", Sensor: "2"}, {Device: "2", Sensor: "1"}} {
		if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id}}, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	clock := func() time.Time { return now }
	files := &blob.Memory{Now: clock}
	q := &queue{}
	return &runs.API{
		Ledger: db, Overview: db, Readings: db, Figures: db, Published: db, Files: files, Portraits: portraits{files},
		Models:   &registry.Registry{Blobs: files, Ledger: db, Columns: 1, Now: clock},
		Sender:   &ledger.Sender{Outbox: db, Queue: q, Now: clock},
		Ender:    &ledger.Ender{Ledger: db, Files: &blob.Memory{}, Now: clock},
		ListTime: time.Minute,
		Later:    func(f func(context.Context)) { f(t.Context()) },
		Log:      slog.New(slog.DiscardHandler), Now: clock,
	}, db, q
}

var hour = runs.OpenRequest{From: now.Add(-time.Hour), To: now}

func TestJobsArePaged(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	key := fleet.JobKey{ID: fleet.ID{Device: "1", Sensor: "2"}}
	o := fleet.Outcome{Result: fleet.BadModel, Duration: 1500 * time.Microsecond, Error: "no"}
	if _, _, err := db.CloseJob(t.Context(), run.ID, key, o, now); err != nil {
		t.Fatal(err)
	}
	var got []string
	for req := (runs.JobsRequest{ID: run.ID, Limit: 2}); ; {
		list, err := api.Jobs(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range list.Jobs {
			got = append(got, j.ID.String())
		}
		if req.After = list.Next; req.After == "" {
			break
		}
	}
	if strings.Join(got, " ") != "1/1 1/2 2/1" {
		t.Errorf("jobs %v", got)
	}
	bad, err := api.Jobs(t.Context(), runs.JobsRequest{ID: run.ID, State: fleet.BadModel})
	if err != nil || len(bad.Jobs) != 1 || bad.Jobs[0].DurationMS != 1.5 || bad.Jobs[0].ErrorLog != run.ID+"/1/2/0.json" || bad.Jobs[0].File != "" {
		t.Errorf("bad models %+v, %v", bad, err)
	}
}

// TestEpochsAreShown shows a run that was opened twice with its two openings.
func TestEpochsAreShown(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Cancel(t.Context(), runs.ShowRequest{ID: run.ID}); err != nil {
		t.Fatal(err)
	}
	later := now.AddDate(0, 1, 0)
	api.Now = func() time.Time { return later }
	if _, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: run.ID, Sensors: "1/1"}); err != nil {
		t.Fatal(err)
	}
	shown, err := api.Show(t.Context(), runs.ShowRequest{ID: run.ID})
	if err != nil {
		t.Fatal(err)
	}
	want := []runs.Epoch{
		{Epoch: 2, Reason: fleet.ByRescore, OpenedAt: later, Jobs: 1},
		{Epoch: 1, Reason: fleet.ByCancel, OpenedAt: now, EndedAt: now},
		{Epoch: 0, Reason: fleet.ByRequest, OpenedAt: now, Jobs: 3},
	}
	if !slices.Equal(shown.Epochs, want) || shown.Reason != fleet.ByRescore || shown.ReopenedAt != later || shown.OpenedAt != now {
		t.Errorf("%+v", shown)
	}
}

func TestSensors(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	ctx := t.Context()
	for _, c := range []struct {
		f    func(context.Context, runs.SwitchRequest) (runs.Switched, error)
		glob string
		want runs.Switched
		err  error
	}{
		{api.Disable, "1", runs.Switched{Matched: 2, Changed: 2}, nil},
		{api.Disable, "*/1", runs.Switched{Matched: 2, Changed: 1}, nil},
		{api.Enable, "1/2", runs.Switched{Matched: 1, Changed: 1}, nil},
		{api.Enable, "", runs.Switched{}, fleet.ErrInvalid},
		{api.Enable, strings.Repeat("*", 5000), runs.Switched{}, fleet.ErrInvalid},
		{api.Disable, "3/*", runs.Switched{}, fleet.ErrNotFound},
	} {
		if got, err := c.f(ctx, runs.SwitchRequest{Sensors: c.glob}); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: %+v, %v; want %+v, %v", c.glob, got, err, c.want, c.err)
		}
	}
	var got []string
	for req := (runs.SensorsRequest{Limit: 2}); ; {
		list, err := api.Sensors(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list.Sensors {
			got = append(got, fmt.Sprint(s.ID, " ", s.Enabled, " ", s.Last.Year()))
		}
		if req.After = list.Next; req.After == "" {
			break
		}
	}
	if want := "1/1 false 1970, 1/2 true 1970, 2/1 false 1970"; strings.Join(got, ", ") != want {
		t.Errorf("sensors %v, want %s", got, want)
	}
	if run, err := api.Request(ctx, hour); err != nil || run.Progress.Jobs != 1 {
		t.Errorf("a run has jobs of disabled sensors: %+v, %v", run.Progress, err)
	}
	for _, req := range []runs.SensorsRequest{{After: "x"}, {Limit: -1}} {
		if _, err := api.Sensors(ctx, req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

// TestSensorsBeyondAPage checks that a sensor is found behind a whole page of others.
func TestSensorsBeyondAPage(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t) // three sensors
	last := fleet.ID{Device: "z", Sensor: "last"}
	readings := []fleet.Reading{{ID: last}}
	for i := range 997 {
		readings = append(readings, fleet.Reading{ID: fleet.ID{Device: "3", Sensor: fmt.Sprint(i)}})
	}
	if _, err := db.InsertReadings(t.Context(), readings, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	list, err := api.Sensors(t.Context(), runs.SensorsRequest{Sensors: "z"})
	if err != nil || len(list.Sensors) != 1 || list.Sensors[0].ID != last || list.Next != "" {
		t.Errorf("got %+v, %v; want %v, the 1,001st sensor", list, err, last)
	}
}
