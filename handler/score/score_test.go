package score

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

func TestRawCSV(t *testing.T) {
	t.Parallel()
	id := fleet.ID{Device: "1", Sensor: "2"}
	b := newBench(t, "", map[fleet.ID][]float64{id: {0.1, 5, 1e-5, 1e16, 123456789.25}})
	if err := b.Score(t.Context(), quiet, b.message(t, id)); err != nil {
		t.Fatal(err)
	}
	const want = `TS,Device,Sensor,Val,Prediction,Score
2026-03-01T00:00:00.000Z,1,2,0.1,0,0.2
2026-03-01T00:00:10.000Z,1,2,5,1,10
2026-03-01T00:00:20.000Z,1,2,1e-05,0,2e-05
2026-03-01T00:00:30.000Z,1,2,1e+16,1,2e+16
2026-03-01T00:00:40.000Z,1,2,123456789.25,1,246913578.5
`
	if got := b.read(t, blob.Preds, ledger.CSVName(b.run, id)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if j := b.job(t, id); j.State != fleet.Scored || j.Rows != 5 || j.Anomalies != 3 || j.Model != "double.pkl" {
		t.Errorf("closed as %+v, want 5 rows scored with 3 anomalies by double.pkl", j.Outcome)
	}
	if run, err := b.db.Run(t.Context(), b.run); err != nil || run.State != fleet.RunSucceeded {
		t.Errorf("the run is %s, %v; want %s", run.State, err, fleet.RunSucceeded)
	}
}

// TestNamesInCSV checks that names that CSV has to quote are read back as they are.
func TestNamesInCSV(t *testing.T) {
	t.Parallel()
	readings := map[fleet.ID][]float64{}
	for _, name := range fleettest.Names {
		readings[fleet.ID{Device: name, Sensor: "s"}] = []float64{1, 2}
		readings[fleet.ID{Device: "d", Sensor: name}] = []float64{3}
	}
	b := newBench(t, "", readings)
	for id, values := range readings {
		if err := b.Score(t.Context(), quiet, b.message(t, id)); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(b.read(t, blob.Preds, ledger.CSVName(b.run, id)))).ReadAll()
		if err != nil || len(rows) != len(values)+1 {
			t.Fatalf("the CSV of %q has %d rows, %v; want %d and a header", id, len(rows), err, len(values))
		}
		for _, row := range rows[1:] {
			if len(row) != 6 || row[1] != id.Device || row[2] != id.Sensor {
				t.Errorf("the CSV of %q has the row %q, want its names in it", id, row)
			}
		}
	}
	manifest := b.read(t, blob.Preds, ledger.ManifestName(b.run))
	var m ledger.Manifest
	if err := json.Unmarshal([]byte(manifest), &m); err != nil || len(m.Jobs) != len(readings) {
		t.Fatalf("the manifest has %d jobs, %v; want %d", len(m.Jobs), err, len(readings))
	}
	for _, j := range m.Jobs {
		if _, ok := readings[j.ID]; !ok || j.File != ledger.CSVName(b.run, j.ID) {
			t.Errorf("the manifest has the file %q of %q, want %q", j.File, j.ID, ledger.CSVName(b.run, j.ID))
		}
	}
}

func TestAggregatedCSV(t *testing.T) {
	t.Parallel()
	id := fleet.ID{Device: "1", Sensor: "2"}
	b := newBench(t, "20s:std,mean,min,max,count,sum,first,last", map[fleet.ID][]float64{id: {4, 2, 7, 9, 5}})
	if err := b.Score(t.Context(), quiet, b.message(t, id)); err != nil {
		t.Fatal(err)
	}
	const want = `TS,Device,Sensor,Val,Prediction,Score,std,mean,min,max,count,sum,first,last
2026-03-01T00:00:00.000Z,1,2,1.4142135623730951,0,2.8284271247461903,1.4142135623730951,3,2,4,2,6,4,2
2026-03-01T00:00:20.000Z,1,2,1.4142135623730951,0,2.8284271247461903,1.4142135623730951,8,7,9,2,16,7,9
`
	if got := b.read(t, blob.Preds, ledger.CSVName(b.run, id)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if j := b.job(t, id); j.Rows != 2 || j.EmptyBuckets != 178 { // 180 buckets; std of one value is undefined
		t.Errorf("closed as %+v, want 2 rows and 178 empty buckets", j.Outcome)
	}
}

// TestGroup has one message with jobs that end in every way. None disturbs another.
func TestGroup(t *testing.T) {
	t.Parallel()
	name := func(s string) fleet.ID { return fleet.ID{Device: "d", Sensor: s} }
	long := make([]float64, 350)
	b := newBench(t, "10s:sum", map[fleet.ID][]float64{
		name("good"): long, name("wide"): {1}, name("none"): {1}, name("inf"): {math.MaxFloat64}, name("panic"): {-666}, name("zz"): {1, 2},
	})
	late := fleet.Reading{ID: name("inf"), Time: fleet.MillisOf(from) + 1, Value: math.MaxFloat64}
	if _, err := b.db.InsertReadings(t.Context(), []fleet.Reading{late}, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	b.Models = loads(func(_ context.Context, version fleet.Model) (Model, error) {
		switch version.Title {
		case "none":
			return nil, fmt.Errorf("%w: neither d/none.pkl nor default.pkl", fleet.ErrNoModel)
		case "wide":
			return double{3}, nil
		}
		return double{1}, nil
	})
	text := b.message(t, name("zz"), name("good"), name("wide"), name("none"), name("inf"), name("panic"))
	err := b.Score(t.Context(), quiet, text)
	if err == nil || !fleet.FailureOf(err).Retry || !strings.Contains(err.Error(), "1 of 6") {
		t.Fatalf("Score: %v; want another delivery for the one that panics", err)
	}
	for id, want := range map[string]fleet.JobState{"good": fleet.Scored, "zz": fleet.Scored, "wide": fleet.BadModel,
		"none": fleet.NoModel, "inf": fleet.BadData, "panic": fleet.Queued} {
		if j := b.job(t, name(id)); j.State != want {
			t.Errorf("%s: %s, want %s: %s", id, j.State, want, j.Error)
		}
	}
	attempts, err := b.db.Attempts(t.Context(), b.run, fleet.JobKey{ID: name("panic")})
	if err != nil || len(attempts) != 1 || !attempts[0].Own || !strings.Contains(attempts[0].Err, "sixty-six") {
		t.Fatalf("attempts %v, %v; want one of its own, the panic", attempts, err)
	}

	poison := &Poison{Ledger: b.db, Files: b.blobs, Ender: b.Ender, Now: b.Now, Pause: time.Microsecond}
	if err := poison.Poison(t.Context(), quiet, text); err != nil {
		t.Fatal(err)
	}
	var log ledger.ErrorLog
	content := b.read(t, blob.Logs, ledger.ErrorLogName(b.run, fleet.JobKey{ID: name("panic")}))
	if err := json.Unmarshal([]byte(content), &log); err != nil || log.State != fleet.Failed || len(log.Attempts) != 1 || log.Remedy == "" {
		t.Errorf("the error log is %s, %v; want state failed, one attempt and a remedy", content, err)
	}
	if run, err := b.db.Run(t.Context(), b.run); err != nil || run.State != fleet.RunDegraded {
		t.Errorf("the run is %s, %v; want %s", run.State, err, fleet.RunDegraded)
	}
}

// sender records the jobs that were sent alone.
type sender []fleet.JobKey

func (s *sender) Send(context.Context, string) (int, error) { panic("jobs are sent alone") }

func (s *sender) SendAlone(_ context.Context, _ string, jobs ...fleet.JobKey) error {
	*s = append(*s, jobs...)
	return nil
}

// TestUnluckyNeighbour tests that poison sends a job once more, alone, if the job has
// no error of its own.
func TestUnluckyNeighbour(t *testing.T) {
	t.Parallel()
	id := fleet.ID{Device: "1", Sensor: "2"}
	b := newBench(t, "", map[fleet.ID][]float64{id: {1}})
	var sent sender
	poison := &Poison{Ledger: b.db, Files: b.blobs, Ender: b.Ender, Sender: &sent, Now: b.Now, Pause: time.Microsecond}
	for i, want := range []fleet.JobState{fleet.Queued, fleet.Failed, fleet.Failed} {
		if err := poison.Poison(t.Context(), quiet, b.message(t, id)); err != nil {
			t.Fatal(err)
		}
		if j := b.job(t, id); j.State != want || len(sent) != 1 {
			t.Fatalf("after poison %d: %s, sent %v; want %s, sent once", i, j.State, sent, want)
		}
	}
	if err := b.Score(t.Context(), quiet, b.message(t, id)); err != nil {
		t.Fatal(err)
	}
	if j := b.job(t, id); j.State != fleet.Failed { // only one that was under way may still succeed
		t.Errorf("after a late message the job is %s, want it failed still", j.State)
	}
}

func TestNoMessage(t *testing.T) {
	t.Parallel()
	b := newBench(t, "", map[fleet.ID][]float64{{Device: "1", Sensor: "2"}: {1}})
	for range 2 {
		if err := b.Score(t.Context(), quiet, "{\"v\":\xff"); err != nil {
			t.Fatal(err)
		}
	}
	var letters []string
	for info, err := range b.blobs.List(t.Context(), blob.DeadLetter, "queue/") {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, info.Name)
	}
	if len(letters) != 1 {
		t.Fatalf("dead letters %q, want one", letters)
	}
	var l Letter
	if err := json.Unmarshal([]byte(b.read(t, blob.DeadLetter, letters[0])), &l); err != nil || string(l.Raw) != "{\"v\":\xff" || l.Reason == "" {
		t.Errorf("the dead letter is %+v, %v; want the message and a reason", l, err)
	}
}

// batches is a model that records the number of rows of each call.
type batches struct {
	double
	rows *[]int
}

func (m batches) Predict(r *predict.Result, x []float64) error {
	*m.rows = append(*m.rows, len(x))
	return m.double.Predict(r, x)
}

// TestLongWindow scores more rows than fit in a chunk. The ledger keeps the first
// [fleet.MaxAnomalies] anomalies.
func TestLongWindow(t *testing.T) {
	t.Parallel()
	id := fleet.ID{Device: "1", Sensor: "2"}
	b := newBench(t, "", nil)
	var rows []int
	b.Models = loads(func(context.Context, fleet.Model) (Model, error) { return batches{double{1}, &rows}, nil })
	n := 2*chunkPoints + 17
	batch := make([]fleet.Reading, n)
	for i := range batch {
		batch[i] = fleet.Reading{ID: id, Time: fleet.MillisOf(from) + fleet.Millis(i), Value: float64(i)}
	}
	b.rescore(t, id, batch)
	lines := strings.Split(strings.TrimSuffix(b.read(t, blob.Preds, ledger.CSVName(b.run, id)), "\n"), "\n")
	if len(lines) != n+1 {
		t.Fatalf("%d lines, want %d", len(lines), n+1)
	}
	for i, line := range lines[1:] {
		if want := fmt.Sprintf(",%d,%d,%d", i, min(i/5, 1), 2*i); !strings.HasSuffix(line, want) {
			t.Fatalf("line %d is %q, want it to end in %q", i+1, line, want)
		}
	}
	if len(rows) != (n+batchRows-1)/batchRows || rows[0] != batchRows {
		t.Errorf("rows predicted at a time: %v, want %d", rows, batchRows)
	}
	jobs, err := b.db.Anomalies(t.Context(), b.run, []fleet.ID{id})
	if err != nil || len(jobs) != 1 {
		t.Fatalf("anomalies of %v, %v; want those of one job", jobs, err)
	}
	kept, err := jobs[0].Kept.List()
	if err != nil || len(kept) != fleet.MaxAnomalies || kept[0].Time != fleet.MillisOf(from)+5 {
		t.Errorf("%d anomalies kept, %v; want %d, the first of row 5: %v", len(kept), err, fleet.MaxAnomalies, kept[:min(len(kept), 1)])
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		from, to, every string
		want            int
	}{
		{"2026-03-01 00:00:00", "2026-03-01 01:00:00", "5m", 12},
		{"2026-03-01 00:01:00", "2026-03-01 01:01:00", "5m", 13}, // cut at both ends
		{"2026-03-01 00:01:00", "2026-03-01 00:02:00", "5m", 1},
		{"1969-12-31 23:59:59", "1970-01-01 00:00:01", "5m", 2}, // around the epoch
		{"1969-12-31 23:55:00", "1970-01-01 00:00:00", "5m", 1},
	} {
		a, err := fleet.ParseAggregation(c.every + ":mean")
		if err != nil {
			t.Fatal(err)
		}
		buckets := aggregator{Aggregation: a, window: fleet.Window{From: at(c.from), To: at(c.to)}}
		if got := buckets.buckets(); got != c.want {
			t.Errorf("[%s, %s) touches %d buckets of %s, want %d", c.from, c.to, got, c.every, c.want)
		}
	}
}
