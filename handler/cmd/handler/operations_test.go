package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/store"
)

// TestStorageOperations counts the requests that the binary sends to storage. The jobs are of
// sensors and of device models, and the models are in memory. Each job writes its CSV. The run
// asks whether there is a manifest, and writes it.
func TestStorageOperations(t *testing.T) {
	t.Parallel()
	const sensors, devices = 4, 3
	// The schedule fires once a year, last about half a year ago: not while the test runs.
	now := time.Now().UTC()
	to := time.Date(now.Year(), now.Month()-6, 1, 0, 0, 0, 0, time.UTC)
	w := fleet.Window{From: to.AddDate(-1, 0, 0), To: to}
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "fleet.db"))
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db, w, sensors, 100)
	for d := range devices {
		var batch []fleet.Reading
		for _, k := range simulate.Kinds {
			for i := range 60 {
				batch = append(batch, fleet.Reading{ID: fleet.ID{Device: fmt.Sprint("machine-", d), Sensor: k.Name}, Time: fleet.MillisOf(w.From) + fleet.Millis(i*10_000), Value: float64(i)})
			}
		}
		if _, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	storage := newStorage(t, sensors, "")
	machine, err := artifact.Pack(simulate.MachineFiles())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.blobs.Write(t.Context(), blob.Models, "_fleet/machine.zip", "", "", func(w io.Writer) error {
		_, err := w.Write(machine.Data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	start(t, port, "SQL_DSN="+dsn, "DataStorage="+storage.connection(), fmt.Sprintf("SCORE_SCHEDULE=0 0 0 1 %d *", to.Month()))
	awaitReady(t, port)
	host := &http.Client{}
	defer host.CloseIdleConnections()

	// The first run reads the models.
	invoke(t, host, port, "schedule", "tick", map[string]any{"IsPastDue": false})
	for range len(storage.messages) {
		invoke(t, host, port, "score", "message", <-storage.messages)
	}
	if run, err := db.Run(t.Context(), w.RunID()); err != nil || run.State != fleet.RunSucceeded {
		t.Fatalf("the first run is %q, %v; want %s", run.State, err, fleet.RunSucceeded)
	}
	storage.asked()

	run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: w.From, To: w.To.Add(-time.Hour)}, nil, fleet.Settings{}, to)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := db.JobsPage(t.Context(), run.ID, "", fleet.ID{}, 100)
	if err != nil || len(jobs) != sensors+devices {
		t.Fatalf("jobs %v, %v; want %d", jobs, err, sensors+devices)
	}
	manifest := "preds/" + ledger.ManifestName(run.ID)
	want := []string{"HEAD " + manifest, "PUT " + manifest}
	for _, j := range jobs {
		text, err := fleet.NewMessage(run.ID, []fleet.JobKey{j.JobKey}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		invoke(t, host, port, "score", "message", text)
		want = append(want, "PUT preds/"+ledger.CSVName(run.ID, j.ID))
	}
	if run, err := db.Run(t.Context(), run.ID); err != nil || run.State != fleet.RunSucceeded {
		t.Errorf("the second run is %q, %v; want %s", run.State, err, fleet.RunSucceeded)
	}
	got := storage.asked()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("asked of storage:\n%q, want\n%q", got, want)
	}
}
