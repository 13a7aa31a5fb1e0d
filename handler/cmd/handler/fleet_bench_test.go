//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/store"
)

// BenchmarkFleet has the binary score a window of 1,000 readings a sensor, from
// the tick to the manifest, for 1,000 sensors, each with a model of its own, and
// for 10 times as many. SQL is a SQLite file. What stands in is the host, as
// this process with 24 invocations in flight, and storage, as a server in this
// process that keeps blobs in memory. Metrics:
//
//	jobs/s, jobs/core-s     by the clock, and in a second of CPU time of the binary
//	peak-MB                 of memory of the binary
//	x10-sensors, x10-cpu    times the time, and the CPU time, of a tenth of the sensors
func BenchmarkFleet(b *testing.B) {
	var tenth fleetCost
	for _, sensors := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("sensors=%d", sensors), func(b *testing.B) {
			if testing.Short() && sensors > 1000 {
				b.Skip("short")
			}
			var cost fleetCost
			for b.Loop() {
				cost = scoreFleet(b, sensors)
			}
			b.ReportMetric(float64(sensors)/cost.wall.Seconds(), "jobs/s")
			b.ReportMetric(float64(sensors)/cost.cpu.Seconds(), "jobs/core-s")
			b.ReportMetric(float64(cost.peak)/1e6, "peak-MB")
			b.ReportMetric(0, "ns/op")
			if tenth.wall > 0 {
				b.ReportMetric(cost.wall.Seconds()/tenth.wall.Seconds(), "x10-sensors")
				b.ReportMetric(cost.cpu.Seconds()/tenth.cpu.Seconds(), "x10-cpu")
			}
			tenth = cost
		})
	}
}

type fleetCost struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

// inFlight is how many messages the host gives an instance at a time.
const inFlight = 24

func scoreFleet(b *testing.B, sensors int) (cost fleetCost) {
	// The schedule fires once a year: one window is due, the year before this one.
	to := time.Date(time.Now().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	w := fleet.Window{From: to.AddDate(-1, 0, 0), To: to}
	dsn := "file:" + filepath.ToSlash(filepath.Join(b.TempDir(), "fleet.db"))
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, db, w, sensors, readingsOfSensor)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	storage := newStorage(b, sensors, "preds/"+w.RunID()+"/manifest.json")
	port := freePort(b)
	cmd := start(b, port, "SQL_DSN="+dsn, "DataStorage="+storage.connection(), "SCORE_SCHEDULE=0 0 0 1 1 *")
	awaitReady(b, port)

	host := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight + 1}}
	defer host.CloseIdleConnections()
	var workers sync.WaitGroup
	for range inFlight {
		workers.Go(func() {
			for text := range storage.messages {
				invoke(b, host, port, "score", map[string]string{"message": text})
			}
		})
	}
	begin := time.Now()
	invoke(b, host, port, "schedule", map[string]any{"tick": map[string]any{"IsPastDue": false}})
	close(storage.messages)
	manifest := <-storage.written
	cost.wall = time.Since(begin)
	workers.Wait()
	var run struct {
		State  fleet.RunState `json:"state"`
		Rows   int            `json:"rows"`
		Counts fleet.Counts   `json:"counts"`
	}
	if err := json.Unmarshal(manifest, &run); err != nil || run.State != fleet.RunSucceeded || run.Counts[fleet.Scored] != sensors || run.Rows != sensors*readingsOfSensor {
		b.Fatalf("the run ended as %+v, %v", run, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	cost.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	cost.peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	return cost
}

const readingsOfSensor = 1000

func sensorID(i int) fleet.ID {
	return fleet.ID{Device: fmt.Sprintf("device-%04d", i/4), Sensor: fmt.Sprintf("sensor-%d", i%4)}
}

// fill makes the tables of a database, with the watermark at the window's
// beginning and a reading of each sensor in each of its first seconds, and registers
// the models that storage has.
func fill(t testing.TB, db *store.DB, w fleet.Window, sensors, readings int) {
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	batch := make([]fleet.Reading, readings)
	var models fleet.Registration
	for s := range sensors {
		id := sensorID(s)
		models.Added = append(models.Added, fleet.Model{Name: id.Path() + ".pkl", ETag: `"1"`, Size: int64(len(simulate.Kinds[0].Model())),
			Place: fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}})
		for i := range batch {
			batch[i] = fleet.Reading{ID: id, Time: fleet.MillisOf(w.From) + fleet.Millis(i*1000), Value: float64((s+i)%1000) / 70}
		}
		if _, err := db.InsertReadings(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Register(t.Context(), models); err != nil {
		t.Fatal(err)
	}
	if err := db.InitWatermark(t.Context(), w.From); err != nil {
		t.Fatal(err)
	}
}

// invoke has a function run as the host does.
func invoke[T any](b testing.TB, host *http.Client, port, function string, data map[string]T) {
	quoted := map[string]any{}
	for name, v := range data {
		inner, err := json.Marshal(v)
		if err != nil {
			b.Error(err)
			return
		}
		quoted[name] = string(inner)
	}
	body, err := json.Marshal(map[string]any{"Data": quoted, "Metadata": map[string]any{}})
	if err != nil {
		b.Error(err)
		return
	}
	resp, err := host.Post("http://127.0.0.1:"+port+"/"+function, "application/json", io.MultiReader(bytes.NewReader(body)))
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Errorf("%s: %s %s %v", function, resp.Status, text, err)
	}
}
