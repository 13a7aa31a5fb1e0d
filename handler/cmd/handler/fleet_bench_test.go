//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/store"
)

// BenchmarkMessage takes the CPU time that a job of 360 readings costs the binary, from
// the host's request for its queue message to the reply: on SQLite, a model for each
// sensor, 24 messages in flight, with storage as in BenchmarkFleet. Start and tick are
// not in it: a run whose messages are never delivered is subtracted.
func BenchmarkMessage(b *testing.B) {
	const sensors = 2000
	for _, c := range []struct{ readings, group int }{{360, 1}, {180, 1}, {360, 50}, {360, 200}} {
		b.Run(fmt.Sprintf("readings=%d/sensors-per-message=%d", c.readings, c.group), func(b *testing.B) {
			var costs []float64
			for b.Loop() {
				f := benchFleet{sensors: sensors, readings: c.readings, group: c.group}
				all := f.score(b)
				f.undelivered = true
				costs = append(costs, (all.cpu-f.score(b).cpu).Seconds()*1000/sensors)
			}
			measure.ReportRounds(b, "cpu-ms/job", costs)
			b.ReportMetric(0, "ns/op")
		})
	}
}

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
				cost = benchFleet{sensors: sensors, readings: 1000, group: 1}.score(b)
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

// benchFleet is the fleet of a benchmark, whose one window is scored.
type benchFleet struct {
	sensors, readings int
	group             int  // sensors a message
	undelivered       bool // messages are sent, and that is all
}

func (f benchFleet) score(b *testing.B) (cost fleetCost) {
	// The schedule fires once a year: one window is due, the year before this one.
	to := time.Date(time.Now().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	w := fleet.Window{From: to.AddDate(-1, 0, 0), To: to}
	dsn := "file:" + filepath.ToSlash(filepath.Join(b.TempDir(), "fleet.db"))
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, db, w, f.sensors, f.readings)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	storage := newStorage(b, f.sensors, "preds/"+w.RunID()+"/manifest.json")
	port := freePort(b)
	cmd := start(b, port, "SQL_DSN="+dsn, "DataStorage="+storage.connection(), "SCORE_SCHEDULE=0 0 0 1 1 *", fmt.Sprint("SCORE_SENSORS_PER_MESSAGE=", f.group))
	awaitReady(b, port)

	host := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight + 1}}
	defer host.CloseIdleConnections()
	var workers sync.WaitGroup
	begin := time.Now()
	if !f.undelivered {
		for range inFlight {
			workers.Go(func() {
				for text := range storage.messages {
					invoke(b, host, port, "score", "message", text)
				}
			})
		}
	}
	invoke(b, host, port, "schedule", "tick", map[string]any{"IsPastDue": false})
	close(storage.messages)
	if !f.undelivered {
		manifest := <-storage.written
		cost.wall = time.Since(begin)
		workers.Wait()
		f.check(b, manifest)
	}
	cost.peak = end(cmd)
	cost.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return cost
}

// end kills a process and returns the bytes of memory that it took at most. Linux tells
// that of a living process only: for one that has ended it may be what the process
// took that started it, this one.
func end(cmd *exec.Cmd) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	cmd.Process.Kill()
	cmd.Wait()
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// check checks that every reading was scored.
func (f benchFleet) check(b *testing.B, manifest []byte) {
	var run struct {
		State  fleet.RunState `json:"state"`
		Rows   int            `json:"rows"`
		Counts fleet.Counts   `json:"counts"`
	}
	if err := json.Unmarshal(manifest, &run); err != nil || run.State != fleet.RunSucceeded || run.Counts[fleet.Scored] != f.sensors || run.Rows != f.sensors*f.readings {
		b.Fatalf("the run ended as %+v, %v", run, err)
	}
}

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
		if _, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
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

// invoke has a function run as the host does, with what it sends beside the data of a
// queue message, and in chunks.
func invoke(b testing.TB, host *http.Client, port, function, binding string, data any) {
	inner, err := json.Marshal(data)
	if err != nil {
		b.Error(err)
		return
	}
	const id = "4798c8d5-5d0a-433a-9727-c97eea9cc487"
	body, err := json.Marshal(map[string]any{"Data": map[string]string{binding: string(inner)}, "Metadata": map[string]any{
		"DequeueCount": "1", "ExpirationTime": "2026-11-30T20:20:24+00:00", "Id": `"c1f64057-2e38-42db-b707-cfee96084a87"`, "InsertionTime": "2026-11-23T20:20:24+00:00",
		"NextVisibleTime": "2026-11-23T20:30:24+00:00", "PopReceipt": `"MjNOb3YyMDI2MjA6MjA6MjQ1MjFl"`,
		"sys": map[string]string{"MethodName": function, "UtcNow": "2026-11-23T20:20:24.8472477Z", "RandGuid": "bbca0616-f602-4279-9f0a-e2c267136a96"},
	}})
	if err != nil {
		b.Error(err)
		return
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1:"+port+"/"+function, io.MultiReader(bytes.NewReader(body)))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header = http.Header{"X-Azure-Functions-Hostversion": {"4.1037.0.0"}, "X-Azure-Functions-Invocationid": {id}, "User-Agent": {"Azure-Functions-Host/4.1037.0.0"},
		"Content-Type": {"application/json; charset=utf-8"}}
	resp, err := host.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Errorf("%s: %s %s %v", function, resp.Status, text, err)
	}
}
