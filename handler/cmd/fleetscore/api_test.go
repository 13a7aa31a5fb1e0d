package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/app"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// scorer stands for the function score: it closes each job that is sent, with one
// anomaly at the window's begin.
type scorer struct{ db *store.DB }

func (s scorer) Send(ctx context.Context, text string) error {
	m, err := fleet.ParseMessage(text)
	if err != nil {
		return err
	}
	run, err := s.db.Run(ctx, m.Run)
	for _, j := range m.Jobs {
		rows := fleet.Anomaly{Time: fleet.MillisOf(run.Window.From), Score: -0.25}.Append(nil)
		o := fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: 1, Anomalous: fleet.AnomalousRows(rows) + "]", CSVSHA256: "aa"}
		_, _, closing := s.db.CloseJob(ctx, m.Run, j, o, noon)
		err = errors.Join(err, closing)
	}
	return err
}

// servedAPI returns the address of the API over a new database of three sensors, whose
// schedule began two hours ago.
func servedAPI(t *testing.T) string {
	t.Helper()
	db := storetest.Open(t, storetest.SQLite)
	for _, id := range []fleet.ID{{Device: "pump/1", Sensor: "t"}, {Device: "pump/1", Sensor: "p"}, {Device: "..", Sensor: "t"}} {
		if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id, Time: fleet.MillisOf(noon), Value: 1}}, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.InitWatermark(t.Context(), noon.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	hourly, err := ncrontab.Parse("0 0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	clock, files := func() time.Time { return noon }, &blob.Memory{}
	server := protocol.New(protocol.Options{Stdout: io.Discard})
	app.MountAPI(server, func(context.Context) error { return nil }, &runs.API{
		Ledger: db, Overview: db, Readings: db, Figures: db, Published: db, Files: files,
		Models: &registry.Registry{Blobs: files, Ledger: db, Columns: 1, Now: clock},
		Sender: &ledger.Sender{Outbox: db, Queue: scorer{db}, Now: clock},
		Ender:  &ledger.Ender{Ledger: db, Files: files, Now: clock},
		Later:  func(f func(context.Context)) { f(context.Background()) },
		Log:    slog.New(slog.DiscardHandler), Now: clock, Schedule: hourly, Delay: time.Minute,
	})
	served := httptest.NewServer(server)
	t.Cleanup(served.Close)
	return served.URL
}

// TestTerminalAndAPI uses the API from the terminal. It backfills the windows before the
// schedule began, and lists their runs, jobs and anomalies.
func TestTerminalAndAPI(t *testing.T) {
	t.Parallel()
	url := servedAPI(t)
	call := func(args ...string) (string, string, int) {
		t.Helper()
		var out, errs strings.Builder
		code := run(t.Context(), append(args, "--url", url), func(string) string { return "" }, strings.NewReader(""), &out, &errs)
		return out.String(), errs.String(), code
	}
	says := func(want string, args ...string) {
		t.Helper()
		out, errs, code := call(args...)
		if code != 0 || !strings.Contains(out+errs, want) {
			t.Errorf("%v: exit %d\n%s%s\nwant %q", args, code, out, errs, want)
		}
	}
	records := func(args ...string) [][]string {
		t.Helper()
		out, errs, code := call(append(args, "--csv")...)
		all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || code != 0 {
			t.Errorf("%v: exit %d, %v\n%s%s", args, code, err, out, errs)
		}
		return all
	}
	span := []string{"--from", "2026-03-01T06:00:00Z", "--to", "2026-03-01T12:00:00Z"}
	with := func(args ...string) []string { return append(args, span...) }

	says("there is nothing to list", "runs", "list")
	says("2026-03-01T12:00:00Z", "sensors", "list")
	says("6 windows, 4 of them without a run", with("backfill", "--dry-run")...)
	if got := records(with("backfill", "--dry-run")...); len(got) != 7 || got[1][3] != "missing" || got[6][3] != "to_come" {
		t.Errorf("the windows are %v, want six, from missing to to_come", got)
	}
	says("4 windows scored; 2 others have a run, or the schedule opens them", with("backfill", "--sensors", "pump/1")...)
	says("0 windows scored; 6 others have a run", with("backfill")...)
	if got := records("runs", "list"); len(got) != 5 || got[1][2] != "succeeded" || got[1][1] != "requested" {
		t.Errorf("the runs are %v, want four, requested and succeeded", got)
	}
	const last = "20260301T090000Z-20260301T100000Z"
	if got := records("runs", "show", last); len(got) != 3 || got[1][0] != "pump/1" || got[1][1] != "p" || got[1][3] != "scored" {
		t.Errorf("the jobs are %v, want the two of pump/1, scored", got)
	}
	says("2 of 2 jobs done, 2 scored", "runs", "watch", last)
	if got := records("runs", "rescore", last, "--sensors", ".."); len(got) != 2 || got[1][0] != last || got[1][3] != "1" || got[1][4] != "3" {
		t.Errorf("rescore says %v, want run %s with one job re-opened or added", got, last)
	}
	if got := records("runs", "open", "--from", "2026-03-01T09:00:00Z", "--to", "2026-03-01T10:00:00Z"); len(got) != 2 || got[1][0] != last || got[1][2] != "requested" {
		t.Errorf("open says %v, want the requested run %s", got, last)
	}
	if got := records(with("anomalies", "--device", "..")...); len(got) != 2 || got[1][0] != "2026-03-01T09:00:00.000Z" || got[1][1] != ".." || got[1][4] != "-0.25" || got[1][5] != last {
		t.Errorf("the anomalies are %v, want one of device .. with the score -0.25", got)
	}
	if got := records(with("anomalies", "--limit", "0")...); len(got) != 10 {
		t.Errorf("%d lines of anomalies, want 9 and a header", len(got))
	}
	says("there are more: raise --limit", with("anomalies", "--limit", "3")...)
	if got := records(with("anomalies", "--top", "2")...); len(got) != 3 || got[1][0] != "pump/1" || got[1][3] != "4" || got[1][4] != "40" {
		t.Errorf("the ranking is %v, want two sensors of pump/1", got)
	}
	if out, _, _ := call(with("anomalies", "--top", "2")...); strings.Contains(out, "reach beyond") {
		t.Errorf("all windows lie in the span, but it says\n%s", out)
	}
	says("windows of runs reach beyond this time: their jobs count as a whole", "anomalies", "--top", "2", "--from", "2026-03-01T09:00:00Z", "--to", "2026-03-01T09:30:00Z")
	if got := records("devices"); len(got) != 3 || got[1][0] != ".." || got[2][1] != "2" || got[2][4] != "2026-03-01T12:00:00Z" {
		t.Errorf("the devices are %v, want .. and pump/1", got)
	}
	says("../t        enabled", "sensors", "list")
	says("disabled", "sensors", "disable", "../t")
	says("../t  disabled, last reading 2026-03-01T12:00:00Z", with("sensors", "show", "../t")...)
	says("pump%2F1/p  enabled", with("sensors", "show", "pump%2F1/p")...)
	says("0 duplicate, 0 conflict, 0 rejected", with("sensors", "show", "pump%2F1/p")...)
	says(url+"/api/", "open", "--print")
	for want, args := range map[string][]string{
		"--from and --to are missing": {"backfill"}, "--at-once 0": with("backfill", "--at-once", "0"), "--sort goes with --top": {"anomalies", "--sort", "share"},
		"negative": with("anomalies", "--limit", "-1"), "none of the others can be": with("anomalies", "--json", "--csv"), "SENSOR is missing": {"sensors", "show"},
		"is not of the form": {"sensors", "show", "x"},
	} {
		if out, errs, code := call(args...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d\n%s%s\nwant %q", args, code, out, errs, want)
		}
	}
	if _, errs, code := call(with("sensors", "show", "../x")...); code != 1 || !strings.Contains(errs, "no sensor or device model of that name") {
		t.Errorf("a sensor that does not exist: exit %d, %s; want 1", code, errs)
	}
	out, _, _ := call(with("anomalies", "--json", "--device", "..")...)
	var list runs.AnomalyList
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Anomalies) != 1 || *list.Anomalies[0].Score != -0.25 {
		t.Errorf("%v, %s", err, out)
	}
}

// TestKeyOfPage checks that the page's address has the key in it.
func TestKeyOfPage(t *testing.T) {
	t.Parallel()
	api := client{url: "https://app.example/", key: "a b&c="}
	if got, err := api.page(t.Context()); err != nil || got != "https://app.example/api/?code=a+b%26c%3D" {
		t.Errorf("%s, %v", got, err)
	}
	for system, want := range map[string]string{"linux": "xdg-open", "darwin": "open", "windows": "rundll32"} {
		if got, _ := browser(system); got != want {
			t.Errorf("%s: %s", system, got)
		}
	}
}

// TestOpenSaysWhatItCannot runs open on a machine without a browser. The error says how to
// get the address.
func TestOpenSaysWhatItCannot(t *testing.T) {
	t.Setenv("PATH", filepath.Join(t.TempDir(), "nothing"))
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"open", "--url", "http://localhost:1"}, func(string) string { return "" }, strings.NewReader(""), &out, &errs); code != 1 || out.String() != "http://localhost:1/api/\n" || !strings.Contains(errs.String(), "the address above") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}
