package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// closedJob is a job of runA that came to a state, with everything that an outcome may have.
func closedJob(sensor, model string, state fleet.JobState) fleet.Job {
	return fleet.Job{Run: runA, JobKey: fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: sensor, DeviceModel: model}, Revision: 2}, State: state, Epoch: 3,
		Outcome: fleet.Outcome{Result: state, Rows: 7, Anomalies: 2, EmptyBuckets: 1, CSVSHA256: "csv", Model: "m.pkl", ModelSHA256: "model", AttributesSHA256: "attributes", Duration: time.Second}}
}

// TestWriteManifest checks that the manifest lists a file for each scored job alone, and
// counts device models among the jobs.
func TestWriteManifest(t *testing.T) {
	t.Parallel()
	run := fleet.Run{ID: runA, Kind: fleet.Requested, State: fleet.RunRunning, Epoch: 3, Reason: fleet.ByRescore, Opening: fleet.Opening{Epoch: 3}}
	jobs := []fleet.Job{closedJob("a", "", fleet.Scored), closedJob("", "b", fleet.Scored), closedJob("", "c", fleet.BadModel), closedJob("d", "", fleet.Failed)}
	jobs[3].Epoch = 2 // of an earlier opening
	each := func(all []fleet.Job) func(func(fleet.Job, error) bool) {
		return func(yield func(fleet.Job, error) bool) {
			for _, j := range all {
				if !yield(j, nil) {
					return
				}
			}
		}
	}
	var text bytes.Buffer
	totals, err := ledger.WriteManifest(&text, run, each(jobs))
	var m ledger.Manifest
	if err := errors.Join(err, json.Unmarshal(text.Bytes(), &m)); err != nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	if totals.DeviceModels != 2 || m.DeviceModels != 2 || totals.Busy != 3*time.Second || m.State != fleet.RunDegraded || m.Rows != 28 || m.Anomalies != 8 || m.EmptyBuckets != 4 ||
		m.Counts[fleet.Scored] != 2 || m.Counts.Total() != 4 || m.Epoch != 3 || m.Reason != fleet.ByRescore || m.Kind != fleet.Requested {
		t.Errorf("%+v, %+v", totals, m)
	}
	for i, e := range m.Jobs {
		scored := jobs[i].State == fleet.Scored
		if e.JobKey != jobs[i].JobKey || (e.File != "") != scored || (e.SHA256 == "csv") != scored || e.Model != "m.pkl" || e.ModelSHA256 != "model" || e.AttributesSHA256 != "attributes" {
			t.Errorf("the manifest says %+v of the job %+v", e, jobs[i])
		}
	}
	// Nothing is written where a job is queued, though the ledger said that none is.
	files := &blob.Memory{}
	e := &ledger.Ender{Ledger: &manyJobs{run: run, jobs: append(slices.Clone(jobs), closedJob("e", "", fleet.Queued))}, Files: files, Now: time.Now}
	if err := e.End(t.Context(), slog.New(slog.DiscardHandler), runA); err != nil {
		t.Error(err)
	}
	if _, err := files.Stat(t.Context(), blob.Preds, ledger.ManifestName(runA)); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("with a queued job there is a manifest: %v, want none", err)
	}
}

// TestSummaryCounts checks that the line of a run's end has a number for each state that a
// job may end in.
func TestSummaryCounts(t *testing.T) {
	t.Parallel()
	m := &manyJobs{run: fleet.Run{ID: runA, State: fleet.RunRunning}}
	want := map[fleet.JobState]int{}
	for n, state := range fleet.JobStates {
		if state == fleet.Queued {
			continue
		}
		want[state] = n + 1
		for range n + 1 {
			m.jobs = append(m.jobs, closedJob(string(rune('a'+len(m.jobs))), "", state))
		}
	}
	var line bytes.Buffer
	e := &ledger.Ender{Ledger: m, Files: &blob.Memory{}, Now: time.Now}
	if err := e.End(t.Context(), slog.New(slog.NewJSONHandler(&line, nil)), runA); err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(line.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	for state, n := range want {
		if said[string(state)] != float64(n) {
			t.Errorf("the line says %v jobs are %s, want %d", said[string(state)], state, n)
		}
	}
	if _, ok := said[string(fleet.Queued)]; ok || said["device_models"] != 0. {
		t.Errorf("the line is %v, want no queued jobs and 0 device models", said)
	}
}

// TestErrorLogText checks that an error log has the window's beginning and end, and names
// unescaped.
func TestErrorLogText(t *testing.T) {
	t.Parallel()
	window, err := fleet.ParseRunID(runA)
	if err != nil {
		t.Fatal(err)
	}
	files := &blob.Memory{}
	logs := ledger.ErrorLogs{Attempts: ownAttempt{}, Files: files}
	key := fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: "s"}, Revision: 4}
	if err := logs.Write(t.Context(), fleet.Run{ID: runA, Window: window}, key, fleet.Outcome{Result: fleet.Failed, Error: "a < b && c"}); err != nil {
		t.Fatal(err)
	}
	content, _, err := files.Read(t.Context(), blob.Logs, ledger.ErrorLogName(runA, key), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var log ledger.ErrorLog
	if err := json.Unmarshal(content, &log); err != nil || !log.From.Equal(window.From) || !log.To.Equal(window.To) || log.JobKey != key || log.Run != runA || !strings.Contains(string(content), "a < b && c") {
		t.Errorf("%v, the error log is %s; want the window, the job, the run and an error that is not escaped", err, content)
	}
}
