package score

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/store"
)

// kept returns the anomalous rows that the ledger keeps of a job, with the job's count.
func kept(t *testing.T, db *store.DB, run string, id fleet.ID) ([]fleet.Anomaly, int) {
	t.Helper()
	jobs, err := db.Anomalies(t.Context(), run, []fleet.ID{id})
	if err != nil || len(jobs) > 1 {
		t.Fatalf("anomalies of %s: %v, %v; want those of one job at most", id, jobs, err)
	}
	if len(jobs) == 0 {
		return nil, 0
	}
	rows, err := jobs[0].Kept.List()
	if err != nil {
		t.Fatal(err)
	}
	return rows, jobs[0].Anomalies
}

// TestAnomaliesKept checks that the ledger keeps the first [fleet.MaxAnomalies] anomalous
// rows of a job, in the order of time and with their scores. It counts all of them, and the
// CSV has all.
func TestAnomaliesKept(t *testing.T) {
	t.Parallel()
	for found, keep := range map[int]int{0: 0, 1: 1, fleet.MaxAnomalies - 1: fleet.MaxAnomalies - 1, fleet.MaxAnomalies: fleet.MaxAnomalies, fleet.MaxAnomalies + 1: fleet.MaxAnomalies, 3 * fleet.MaxAnomalies: fleet.MaxAnomalies} {
		id := fleet.ID{Device: "d", Sensor: "s"}
		b := newBench(t, "", nil)
		readings := make([]fleet.Reading, 2*found+3) // every second one is an anomaly
		for i := range readings {
			readings[i] = fleet.Reading{ID: id, Time: fleet.MillisOf(from) + fleet.Millis(i), Value: 1}
			if i%2 == 1 && i/2 < found {
				readings[i].Value = 5 + float64(i)/10_000 // twice that is the score, 10 or more
			}
		}
		b.rescore(t, id, readings)
		job := b.job(t, id)
		if job.State != fleet.Scored || job.Rows != len(readings) || job.Anomalies != found {
			t.Errorf("%d anomalies: the job is %s with %d anomalies in %d rows, want %s with %d in %d", found, job.State, job.Anomalies, job.Rows, fleet.Scored, found, len(readings))
		}
		rows, counted := kept(t, b.db, b.run, id)
		if len(rows) != keep || counted != found {
			t.Errorf("%d anomalies: %d are kept of %d, want %d", found, len(rows), counted, keep)
		}
		for i, row := range rows {
			want := readings[2*i+1]
			if row.Time != want.Time || math.Abs(row.Score-2*want.Value) > 1e-9 {
				t.Fatalf("%d anomalies: row %d is %+v, want the one of %d with score %v", found, i, row, want.Time, 2*want.Value)
			}
		}
		if n := strings.Count(b.read(t, blob.Preds, ledger.CSVName(b.run, id)), ",1,1"); n != found {
			t.Errorf("the CSV has %d anomalies, want %d", n, found)
		}
	}
}

// rescore stores readings of a sensor that has its own model, and scores the run again.
func (b *bench) rescore(t *testing.T, id fleet.ID, readings []fleet.Reading) {
	t.Helper()
	if _, err := b.db.InsertReadings(t.Context(), readings, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{ownModel(id)}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.db.Rescore(t.Context(), b.run, func(fleet.ID) bool { return true }, nil, nil, b.Now()); err != nil {
		t.Fatal(err)
	}
	if err := b.Score(t.Context(), quiet, b.message(t, id)); err != nil {
		t.Fatal(err)
	}
}

// TestAnomaliesOfDeviceModels checks that a device model's anomalous rows are kept under
// its name. Those of a detector have a score, and those of a classifier have none. A
// regressor's rows are no anomalies.
func TestAnomaliesOfDeviceModels(t *testing.T) {
	t.Parallel()
	names := []string{"t", "v"}
	p := newPlant(t, 2, map[string]summed{
		"health": {names: names},
		"class":  {kind: predict.Classifier, names: names},
		"number": {kind: predict.Regressor, names: names},
	}, nil)
	of := func(device, model string) fleet.ID { return fleet.ID{Device: device, DeviceModel: model} }
	jobs := p.score(t, of("d0", "health"), of("d1", "health"), of("d0", "class"), of("d0", "number"))
	for id, want := range map[fleet.ID]struct {
		first  int // the minute of the first anomalous row: the features' sum exceeds ten
		scored bool
	}{
		of("d0", "health"): {11, true}, // t + 0
		of("d1", "health"): {10, true}, // t + 1
		of("d0", "class"):  {11, false},
		of("d0", "number"): {60, false},
	} {
		rows, counted := kept(t, p.db, p.run, id)
		n := 60 - want.first
		if job := jobs[id]; job.State != fleet.Scored || job.Rows != 60 || job.Anomalies != n || counted != n || len(rows) != n {
			t.Errorf("%v: %s %s, %d rows, %d anomalies, %d counted, %d kept; want %d", id, job.State, job.Error, job.Rows, job.Anomalies, counted, len(rows), n)
			continue
		}
		for i, row := range rows {
			minute := want.first + i
			sum := float64(minute)
			if id.Device == "d1" {
				sum++
			}
			if row.Time != fleet.MillisOf(from)+fleet.Millis(minute*60_000) || want.scored && row.Score != sum || !want.scored && !math.IsNaN(row.Score) {
				t.Errorf("%v: row %d is %+v, want minute %d with score %v (%v)", id, i, row, minute, sum, want.scored)
			}
		}
	}
	if rows, counted := kept(t, p.db, p.run, fleet.ID{Device: "d0", Sensor: "t"}); len(rows) != 0 || counted != 0 {
		t.Errorf("the sensor has anomalies, %v, %d; want those of the model to be the model's alone", rows, counted)
	}
	if got := fmt.Sprint(kept(t, p.db, p.run, of("d0", "none"))); got != "[] 0" {
		t.Errorf("a model without a job has the anomalies %s, want none", got)
	}
}
