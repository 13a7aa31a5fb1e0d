//go:build linux

package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// TestMemoryInAStorm has the binary score 48 jobs of 20,000 readings, 24 messages at a time,
// with a GOMEMLIMIT of 64 MiB. Besides the Go heap the process has its own text and the caches
// of SQLite. All of it is less than twice the limit.
func TestMemoryInAStorm(t *testing.T) {
	const sensors, readings, runs, limit = 12, 20_000, 4, 64 << 20
	w := fleet.Window{From: time.Unix(0, 0).UTC(), To: time.Unix(readings, 0).UTC()}
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "fleet.db"))
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db, w, sensors, readings)
	storage := newStorage(t, sensors, "")
	port := freePort(t)
	cmd := start(t, port, "SQL_DSN="+dsn, "DataStorage="+storage.connection(), fmt.Sprint("GOMEMLIMIT=", limit))
	awaitReady(t, port)
	host := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight + 1}}
	defer host.CloseIdleConnections()
	var ids []string
	for i := range runs {
		run, _, err := db.OpenRequested(t.Context(), fleet.Window{From: w.From, To: w.To.Add(time.Duration(i) * time.Second)}, nil, fleet.Settings{}, w.To)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, run.ID)
		jobs, err := db.JobsPage(t.Context(), run.ID, "", fleet.ID{}, sensors)
		if err != nil || len(jobs) != sensors {
			t.Fatalf("jobs %v, %v; want %d", jobs, err, sensors)
		}
		for _, j := range jobs {
			text, err := fleet.NewMessage(run.ID, []fleet.JobKey{j.JobKey}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			storage.messages <- text
		}
	}
	close(storage.messages)
	var workers sync.WaitGroup
	for range inFlight {
		workers.Go(func() {
			for text := range storage.messages {
				invoke(t, host, port, "score", "message", text)
			}
		})
	}
	workers.Wait()
	for _, id := range ids {
		if run, err := db.Run(t.Context(), id); err != nil || run.State != fleet.RunSucceeded {
			t.Errorf("run %s is %q, %v; want %s", id, run.State, err, fleet.RunSucceeded)
		}
	}
	peak := end(cmd)
	t.Logf("%d MiB at most", peak>>20)
	if peak > 2*limit {
		t.Errorf("the process took %d MiB, want at most %d", peak>>20, 2*limit>>20)
	}
}
