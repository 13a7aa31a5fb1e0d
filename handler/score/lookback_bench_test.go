package score

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// BenchmarkLookback scores an hour of a device with six sensors, a reading of each in
// 10 s, by device models whose own cost is small: without lookback, on means of 24
// hours, and by four models on such means, which come in one message and share a
// read. SQL is what each dialect has; storage takes the hash of each CSV. Metrics:
//
//	read/job   readings that come from SQL
//	cpu-ms/job, ms/job
func BenchmarkLookback(b *testing.B) {
	for _, d := range []storetest.Dialect{storetest.SQLite, storetest.SQLServer} {
		b.Run(d.Name, func(b *testing.B) {
			if d.Name == storetest.SQLServer.Name {
				needs.SQLServer(b)
			}
			sensors := []string{"current", "flow", "pressure", "speed", "temperature", "vibration"}
			db := storetest.Open(b, d)
			for _, s := range sensors {
				var batch []fleet.Reading
				for ts := window.From.Add(-48 * time.Hour); ts.Before(window.To); ts = ts.Add(10 * time.Second) {
					batch = append(batch, fleet.Reading{ID: fleet.ID{Device: "pump", Sensor: s}, Time: fleet.MillisOf(ts), Value: float64(ts.Unix() % 977)})
				}
				for piece := range slices.Chunk(batch, 1000) {
					if _, err := db.InsertReadings(b.Context(), piece, fleet.Delivery{}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.Run("none", func(b *testing.B) { lookBack(b, db, sensors, "", 1) })
			b.Run("24h", func(b *testing.B) { lookBack(b, db, sensors, "24h", 1) })
			b.Run("24h-four-models", func(b *testing.B) { lookBack(b, db, sensors, "24h", 4) })
		})
	}
}

func lookBack(b *testing.B, db *store.DB, sensors []string, rolling string, models int) {
	m := summed{names: slices.Clone(sensors)}
	var columns []string
	for _, s := range sensors {
		way := `"product": ["` + s + `", "` + s + `"]`
		if rolling != "" {
			way = `"of": "` + s + `", "rolling": "` + rolling + `", "aggregate": "mean"`
		}
		columns = append(columns, `{"name": "`+s+`_2", `+way+`}`)
		m.names = append(m.names, s+"_2")
	}
	m.spec = parse(b, `{"rows": {"together": ["`+strings.Join(sensors, `", "`)+`"]}, "columns": [`+strings.Join(columns, ", ")+`]}`)
	j := &open{db: db, run: fleet.Run{ID: window.RunID(), Window: window, State: fleet.RunRunning}}
	s := &Scorer{Ledger: j, Readings: j, Files: hashing{}, Ender: noEnd{}, CPU: semaphore.NewWeighted(2), Now: time.Now, Models: plantModels{models: map[string]summed{"": m}}}
	message := fleet.NewMessage(j.run.ID, nil)
	for i := range models {
		message.Jobs = append(message.Jobs, fleet.JobKey{ID: fleet.ID{Device: "pump", DeviceModel: fmt.Sprint("m", i)}})
	}
	text, err := message.Encode()
	if err != nil {
		b.Fatal(err)
	}
	cpu := measure.CPU()
	for b.Loop() {
		if err := s.Score(b.Context(), quiet, text); err != nil {
			b.Fatal(err)
		}
	}
	jobs := float64(b.N * models)
	if j.rows != b.N*models*360 {
		b.Fatalf("%d rows", j.rows)
	}
	b.ReportMetric(float64(measure.CPU()-cpu)/jobs/1e6, "cpu-ms/job")
	b.ReportMetric(b.Elapsed().Seconds()*1000/jobs, "ms/job")
	b.ReportMetric(float64(j.read)/jobs, "read/job")
	b.ReportMetric(0, "ns/op")
}

// open is a ledger whose jobs are open for ever. It counts what is read and written.
type open struct {
	Ledger // what is not called here
	db     *store.DB
	run    fleet.Run
	read   int
	rows   int
}

func (o *open) Run(context.Context, string) (fleet.Run, error) { return o.run, nil }

func (o *open) Work(_ context.Context, _ string, ids []fleet.ID) (all []fleet.Work, err error) {
	for _, id := range ids {
		all = append(all, fleet.Work{Job: fleet.Job{Run: o.run.ID, JobKey: fleet.JobKey{ID: id}, State: fleet.Queued, Lookback: 1000 * time.Hour}, Model: &fleet.Model{Key: 1}})
	}
	return all, nil
}

func (o *open) CloseJob(_ context.Context, _ string, _ fleet.JobKey, out fleet.Outcome, _ time.Time) (fleet.JobState, bool, error) {
	o.rows += out.Rows
	return fleet.Queued, true, nil
}

func (o *open) Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		for r, err := range o.db.Readings(ctx, ids, w) {
			o.read++
			if !yield(r, err) {
				return
			}
		}
	}
}
