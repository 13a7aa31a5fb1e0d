package runs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
		if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id}}); err != nil {
			t.Fatal(err)
		}
	}
	clock := func() time.Time { return now }
	q := &queue{}
	return &runs.API{
		Ledger: db, Overview: db, Readings: db, Figures: db, Published: db, Files: &blob.Memory{}, Portraits: portraits{},
		Models: &registry.Registry{Blobs: &blob.Memory{}, Ledger: db, Columns: 1, Now: clock},
		Sender: &ledger.Sender{Outbox: db, Queue: q, Now: clock},
		Ender:  &ledger.Ender{Ledger: db, Files: &blob.Memory{}, Now: clock},
		Later:  func(f func(context.Context)) { f(t.Context()) },
		Log:    slog.New(slog.DiscardHandler), Now: clock,
	}, db, q
}

var hour = runs.OpenRequest{From: now.Add(-time.Hour), To: now}

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
	if err != nil || len(list.Runs) != 1 || list.Next != "" {
		t.Errorf("list %+v, %v", list, err)
	}
}

func TestIngest(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	conflict := fleet.Refusal{Reason: "conflict", Count: 3, Example: "the whole", Place: "hub/0/x.jsonl"}
	minute := func(i int) fleet.Ingested {
		return fleet.Ingested{Minute: now.Add(time.Duration(i) * time.Minute), Events: 9, Stored: 1, Duplicate: 2, Conflict: 3, Missing: 4, Rejected: 5, Lag: time.Duration(-i) * time.Second, Refusals: []fleet.Refusal{conflict}}
	}
	if err := db.AddIngested(t.Context(), []fleet.Ingested{minute(-200), minute(-16), minute(-15), minute(-1)}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		span    string
		sum     int
		columns map[int]int // the events of those where there are any
		from    time.Time
	}{
		{"", 3, map[int]int{44: 9, 45: 9, 59: 9}, now.Add(-time.Hour)},
		{"day", 4, map[int]int{82: 9, 94: 9, 95: 18}, now.Add(-24 * time.Hour)},
		{"week", 4, map[int]int{54: 9, 55: 27}, now.Add(-7 * 24 * time.Hour)},
		{"month", 4, map[int]int{61: 36}, now.Add(-31 * 24 * time.Hour)},
	} {
		in, err := api.Ingest(t.Context(), runs.IngestRequest{Range: tc.span})
		if err != nil {
			t.Fatal(err)
		}
		n := tc.sum
		lag := map[bool]float64{false: 200, true: 16}[n == 3]
		if want := (runs.Ingested{From: tc.from, Events: 9 * n, Stored: n, Duplicate: 2 * n, Conflict: 3 * n, Missing: 4 * n, Rejected: 5 * n, LagSeconds: lag}); in.Sum != want {
			t.Errorf("%s: sum %+v, want %+v", tc.span, in.Sum, want)
		}
		got := map[int]int{}
		for i, c := range in.Columns {
			if c.Events > 0 {
				got[i] = c.Events
			}
		}
		if !maps.Equal(got, tc.columns) {
			t.Errorf("%s: columns %v, want %v", tc.span, got, tc.columns)
		}
		if want := []runs.Refusal{{Reason: "conflict", Count: 3 * n, Example: "the whole", DeadLetter: "hub/0/x.jsonl"}}; !slices.Equal(in.Refusals, want) {
			t.Errorf("%s: refusals %+v", tc.span, in.Refusals)
		}
	}
	for _, req := range []runs.IngestRequest{{Range: "year"}, {To: time.Date(1, 1, 1, 0, 1, 0, 0, time.UTC)}} {
		if _, err := api.Ingest(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	run, err := api.Request(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	request := func(from, to time.Duration) error {
		_, err := api.Request(ctx, runs.OpenRequest{From: now.Add(from), To: now.Add(to)})
		return err
	}
	rescore := func(req runs.RescoreRequest) error { _, err := api.Rescore(ctx, req); return err }
	jobs := func(req runs.JobsRequest) error { _, err := api.Jobs(ctx, req); return err }
	list := func(req runs.ListRequest) error { _, err := api.List(ctx, req); return err }
	const other = "20260101T110000Z-20260101T120000Z"
	for what, c := range map[string]struct{ err, want error }{
		"empty window":    {request(-time.Hour, -time.Hour), fleet.ErrInvalid},
		"half a second":   {request(-time.Hour, -500*time.Millisecond), fleet.ErrInvalid},
		"a future window": {request(-time.Hour, time.Second), fleet.ErrConflict},
		"no such run":     {rescore(runs.RescoreRequest{ID: other}), fleet.ErrNotFound},
		"no run's name":   {rescore(runs.RescoreRequest{ID: "x"}), fleet.ErrInvalid},
		"long glob":       {rescore(runs.RescoreRequest{ID: run.ID, Sensors: strings.Repeat("*", 2000)}), fleet.ErrInvalid},
		"unknown state":   {rescore(runs.RescoreRequest{ID: run.ID, States: []fleet.JobState{"lost"}}), fleet.ErrInvalid},
		"other settings":  {rescore(runs.RescoreRequest{ID: run.ID, Settings: "best"}), fleet.ErrInvalid},
		"jobs of none":    {jobs(runs.JobsRequest{ID: other}), fleet.ErrNotFound},
		"jobs' state":     {jobs(runs.JobsRequest{ID: run.ID, State: "lost"}), fleet.ErrInvalid},
		"jobs after":      {jobs(runs.JobsRequest{ID: run.ID, After: "1"}), fleet.ErrInvalid},
		"limit":           {jobs(runs.JobsRequest{ID: run.ID, Limit: 1001}), fleet.ErrInvalid},
		"before":          {list(runs.ListRequest{Before: "\x00"}), fleet.ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
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
	if _, err := api.Cancel(t.Context(), runs.ShowRequest{ID: run.ID}); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("cancelled again: %v", err)
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

// TestRequestIsAnsweredBeforeItIsSent: the answer needs the ledger alone, and
// says whether the run is new.
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

// TestCancellingRunIsLeftAlone: it can be neither requested nor rescored before
// it has ended.
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
