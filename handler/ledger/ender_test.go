package ledger_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// manyJobs is a ledger of one open run with closed jobs.
type manyJobs struct {
	run  fleet.Run
	jobs []fleet.Job

	ended fleet.RunSums // what it was ended with
}

func (m *manyJobs) Pending(context.Context, string) (bool, error) { return false, nil }

func (m *manyJobs) Run(context.Context, string) (fleet.Run, error) { return m.run, nil }

func (m *manyJobs) EndRun(_ context.Context, _ string, _ int, _ fleet.RunState, sums fleet.RunSums, _ time.Time) (bool, error) {
	m.ended = sums
	return true, nil
}

func (m *manyJobs) JobsPage(_ context.Context, _ string, _ fleet.JobState, after fleet.ID, limit int) ([]fleet.Job, error) {
	at := 0
	for at < len(m.jobs) && fleet.CompareID(m.jobs[at].ID, after) <= 0 {
		at++
	}
	return m.jobs[at:min(at+limit, len(m.jobs))], nil
}

// changedOnce is files of which the first write meets another's.
type changedOnce struct {
	*blob.Memory
	writes int
}

func (f *changedOnce) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	if f.writes++; f.writes == 1 {
		return blob.Info{}, blob.ErrChanged
	}
	return f.Memory.Write(ctx, container, name, cond, contentType, fill)
}

// TestManifestOfManyJobs lists every job, beyond the first page, after another
// wrote the manifest meanwhile; the summary counts them all.
func TestManifestOfManyJobs(t *testing.T) {
	t.Parallel()
	window, err := fleet.ParseRunID(runA)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2001
	m := &manyJobs{run: fleet.Run{ID: runA, Window: window, Kind: fleet.Scheduled, State: fleet.RunRunning,
		Opening: fleet.Opening{Reason: fleet.BySchedule, At: window.To.Add(time.Minute)}}}
	for i := range n {
		j := queuedJob(runA, []string{"d", "e"}[2*i/n], 0)
		j.Sensor = fmt.Sprintf("%05d", i)
		j.State = fleet.Scored
		j.Outcome = fleet.Outcome{Result: fleet.Scored, Rows: 3, Anomalies: 1, EmptyBuckets: 2, Duration: time.Second,
			Model: []string{"d/own.pkl", "_fleet/m.zip", "default.pkl"}[i%3], ModelSHA256: []string{"a", "b"}[i/1000%2]}
		m.jobs = append(m.jobs, j)
	}
	var line bytes.Buffer
	files := &changedOnce{Memory: &blob.Memory{}}
	e := &ledger.Ender{Ledger: m, Files: files, Now: func() time.Time { return window.To.Add(3 * time.Minute) }}
	if err := e.End(t.Context(), slog.New(slog.NewJSONHandler(&line, nil)), runA); err != nil {
		t.Fatal(err)
	}
	content, _, err := files.Read(t.Context(), blob.Preds, ledger.ManifestName(runA), "", 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	var got ledger.Manifest
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Jobs) != n || got.Rows != 3*n || got.Anomalies != n || got.EmptyBuckets != 2*n {
		t.Errorf("the manifest has %d jobs, %d rows, %d anomalies, %d empty buckets; want %d, %d, %d, %d", len(got.Jobs), got.Rows, got.Anomalies, got.EmptyBuckets, n, 3*n, n, 2*n)
	}
	if want := fleet.PackSums([]fleet.DeviceSum{{Device: "d", Jobs: 1001, Scored: 1001, Rows: 3003, Anomalies: 1001}, {Device: "e", Jobs: 1000, Scored: 1000, Rows: 3000, Anomalies: 1000}}); !bytes.Equal(m.ended.Devices, want) {
		t.Errorf("ended with the sums %q, want %q", m.ended.Devices, want)
	}
	if want := (fleet.RunSum{Jobs: n, Rows: 3 * n, Anomalies: n}); m.ended.Run != want {
		t.Errorf("ended with %+v, want %+v", m.ended.Run, want)
	}
	models := []fleet.ModelSum{ // of the jobs 0 to 999 and 2000, and of the others, two of three
		{Model: "_fleet/m.zip", SHA256: "a", Jobs: 333, Rows: 999, Anomalies: 333}, {Model: "default.pkl", SHA256: "a", Jobs: 334, Rows: 1002, Anomalies: 334},
		{Model: "_fleet/m.zip", SHA256: "b", Jobs: 334, Rows: 1002, Anomalies: 334}, {Model: "default.pkl", SHA256: "b", Jobs: 333, Rows: 999, Anomalies: 333},
	}
	slices.SortFunc(m.ended.Models, func(a, b fleet.ModelSum) int {
		return cmp.Or(cmp.Compare(a.SHA256, b.SHA256), cmp.Compare(a.Model, b.Model))
	})
	if !slices.Equal(m.ended.Models, models) {
		t.Errorf("ended with the models %+v, want %+v", m.ended.Models, models)
	}
	var summary struct {
		Jobs     int     `json:"jobs"`
		Empty    int     `json:"empty_buckets"`
		Duration float64 `json:"duration_s"`
		Lag      float64 `json:"lag_s"`
		Busy     float64 `json:"job_s"`
	}
	if err := json.Unmarshal(line.Bytes(), &summary); err != nil {
		t.Fatal(err)
	}
	if summary.Jobs != n || summary.Empty != 2*n || summary.Duration != 120 || summary.Lag != 180 || summary.Busy != n {
		t.Errorf("summary %+v, want %d jobs, %d empty buckets, 120 s, a lag of 180 s and %d s of work", summary, n, 2*n, n)
	}
}

// goneRun is a ledger without a run, or with one that has ended.
type goneRun struct {
	manyJobs
	err error
}

func (g *goneRun) Run(context.Context, string) (fleet.Run, error) { return g.run, g.err }

// TestEndOfNoRun checks that End leaves a run alone that is gone or has ended.
func TestEndOfNoRun(t *testing.T) {
	t.Parallel()
	for _, g := range []*goneRun{{err: fmt.Errorf("run: %w", fleet.ErrNotFound)}, {manyJobs: manyJobs{run: fleet.Run{ID: runA, State: fleet.RunSucceeded}}}} {
		files := &blob.Memory{}
		e := &ledger.Ender{Ledger: g, Files: files, Now: time.Now}
		if err := e.End(t.Context(), slog.New(slog.DiscardHandler), runA); err != nil {
			t.Errorf("%+v: %v, want no error", g, err)
		}
		if _, err := files.Stat(t.Context(), blob.Preds, ledger.ManifestName(runA)); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%+v: its manifest: %v, want none", g, err)
		}
	}
	e := &ledger.Ender{Ledger: &goneRun{err: fleet.ErrUnavailable}, Files: &blob.Memory{}, Now: time.Now}
	if err := e.End(t.Context(), slog.New(slog.DiscardHandler), runA); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a ledger that is away: %v, want %v", err, fleet.ErrUnavailable)
	}
}

// failing is a ledger, files and an exporter that fail at one step.
type failing struct {
	manyJobs
	*blob.Memory
	step string
}

var errStep = errors.New("a step failed")

func (f *failing) at(step string) error {
	if f.step == step {
		return errStep
	}
	return nil
}

func (f *failing) Pending(context.Context, string) (bool, error) { return false, f.at("pending") }

func (f *failing) Run(context.Context, string) (fleet.Run, error) { return f.run, f.at("run") }

func (f *failing) EndRun(context.Context, string, int, fleet.RunState, fleet.RunSums, time.Time) (bool, error) {
	err := f.at("end")
	return err == nil, err
}

func (f *failing) JobsPage(context.Context, string, fleet.JobState, fleet.ID, int) ([]fleet.Job, error) {
	return nil, f.at("jobs")
}

func (f *failing) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	if err := f.at("stat"); err != nil {
		return blob.Info{}, err
	}
	return f.Memory.Stat(ctx, container, name)
}

func (f *failing) Export(context.Context, fleet.Run, iter.Seq2[fleet.Job, error]) error {
	return f.at("export")
}

func (f *failing) Latest(context.Context, fleet.Run, fleet.RunState) error { return f.at("latest") }

// TestEndFails has each step fail in turn. End returns the error, and does not log that the
// run has ended.
func TestEndFails(t *testing.T) {
	t.Parallel()
	window, err := fleet.ParseRunID(runA)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"", "pending", "run", "end", "jobs", "stat", "export", "latest"} {
		var log bytes.Buffer
		f := &failing{manyJobs: manyJobs{run: fleet.Run{ID: runA, Window: window, State: fleet.RunRunning}}, Memory: &blob.Memory{}, step: step}
		e := &ledger.Ender{Ledger: f, Files: f, Export: f, Now: time.Now}
		err := e.End(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), runA)
		if errors.Is(err, errStep) != (step != "") {
			t.Errorf("step %q fails, and End returns %v", step, err)
		}
		if said := log.Len() > 0; said != (step == "") {
			t.Errorf("step %q fails, and the log says %q", step, &log)
		}
	}
}

// ownAttempt is one attempt that met an error of the job's own.
type ownAttempt struct{}

func (ownAttempt) Attempts(context.Context, string, fleet.JobKey) ([]fleet.Attempt, error) {
	return []fleet.Attempt{{Own: true, Err: "panic"}}, nil
}

func TestErrorLogTellsOfAttempts(t *testing.T) {
	t.Parallel()
	files := &blob.Memory{}
	logs := ledger.ErrorLogs{Attempts: ownAttempt{}, Files: files}
	key := fleet.JobKey{ID: fleet.ID{Device: "1", Sensor: "2"}}
	if err := logs.Write(t.Context(), fleet.Run{ID: runA}, key, fleet.Outcome{Result: fleet.BadModel, ModelSHA256: "abc"}); err != nil {
		t.Fatal(err)
	}
	content, _, err := files.Read(t.Context(), blob.Logs, ledger.ErrorLogName(runA, key), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var got ledger.ErrorLog
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if got.ModelSHA256 != "abc" || len(got.Attempts) != 1 || !got.Attempts[0].Own {
		t.Errorf("the error log is %s, want the model's hash and one attempt of its own", content)
	}
}
