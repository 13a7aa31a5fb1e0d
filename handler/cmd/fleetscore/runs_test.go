package main

import (
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// TestShowReopenedRun shows each opening of a run; one that was opened once is
// not bothered with a table.
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
		t.Errorf("opened once: %v\n%s", err, &out)
	}
}
