package main

import (
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// TestShowReopenedRun shows each opening of a run in a table. A run that was opened once has
// no table.
func TestShowReopenedRun(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	run := runs.Run{ID: "r", State: fleet.RunSucceeded, OpenedAt: at, EndedAt: at.AddDate(0, 1, 0).Add(5 * time.Second), ReopenedAt: at.AddDate(0, 1, 0), Progress: &runs.Progress{},
		Epochs: []runs.Epoch{
			{Epoch: 1, Reason: fleet.ByLateReading, OpenedAt: at.AddDate(0, 1, 0), EndedAt: at.AddDate(0, 1, 0).Add(5 * time.Second), Jobs: 1},
			{Epoch: 0, Reason: fleet.BySchedule, OpenedAt: at, Jobs: 800},
		}}
	if got := took(run); got != "5s" {
		t.Errorf("took %s, want the 5s of its last opening", got)
	}
	var out strings.Builder
	if err := writeRun(&out, run, nil); err != nil {
		t.Fatal(err)
	}
	want := `
EPOCH  REASON         JOBS  OPENED               ENDED
0      schedule       800   2026-03-01 12:00:00  -
1      late_readings  1     2026-04-01 12:00:00  2026-04-01 12:00:05
`
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("shown as\n%s\nwant the end\n%s", &out, want)
	}
	run.Epochs = run.Epochs[1:]
	out.Reset()
	if err := writeRun(&out, run, nil); err != nil || strings.Contains(out.String(), "EPOCH") {
		t.Errorf("a run that was opened once: %v, want no table of epochs in\n%s", err, &out)
	}
}

// TestUnscored says how many jobs had no model and how many no readings.
func TestUnscored(t *testing.T) {
	t.Parallel()
	var jobs []runs.Job
	for state, n := range map[fleet.JobState]int{fleet.Scored: 4, fleet.NoModel: 797, fleet.NoData: 3, fleet.BadModel: 1} {
		for range n {
			jobs = append(jobs, runs.Job{State: state})
		}
	}
	if got, want := unscored(jobs), ", 3 without readings, 797 without a model, 1 bad_model"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := unscored(jobs[:0]); got != "" {
		t.Errorf("of no jobs: %q, want nothing", got)
	}
}
