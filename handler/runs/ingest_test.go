package runs_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

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

// TestSpill counts what waits to be stored.
func TestSpill(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	at := now
	files := &blob.Memory{Now: func() time.Time { return at }}
	api.Files = files
	spill := func() runs.Spill {
		t.Helper()
		in, err := api.Ingest(t.Context(), runs.IngestRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return in.Spill
	}
	if got := spill(); got != (runs.Spill{}) {
		t.Errorf("nothing is spilled: %+v", got)
	}
	for i, c := range []struct{ container, name string }{{blob.Spill, "hub/1/2.json"}, {blob.Spill, "hub/0/3.json"}, {blob.Spill, "hub/0/1.json"}, {blob.DeadLetter, "hub/0/1.jsonl"}} {
		at = now.Add([]time.Duration{0, -time.Minute, time.Hour, -time.Hour}[i])
		blobtest.Put(t, files, c.container, c.name, "12345")
	}
	if got, want := spill(), (runs.Spill{Batches: 3, Bytes: 15, Oldest: now.Add(-time.Minute)}); got != want {
		t.Errorf("%+v, want %+v", got, want)
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
