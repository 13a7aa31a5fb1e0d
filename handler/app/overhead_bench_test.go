package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// BenchmarkOverhead is what a job of 1,000 readings costs the handler besides
// scoring and the I/O with SQL and storage: over a bare net/http server that
// answers the same requests with the same bytes, and the model by itself.
func BenchmarkOverhead(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as the binary sets it
	const jobs = 100                                  // in a round
	job := newJob(b, 1000)
	s := protocol.New(protocol.Options{Stdout: b.Output()})
	scorer := &score.Scorer{
		Ledger: job, Readings: job, Files: job, Ender: job, CPU: semaphore.NewWeighted(2), Now: time.Now,
		Models: jobModel{model: job.serves},
	}
	s.Queue("score", "message", time.Minute, scorer.Score)
	text, err := fleet.NewMessage(job.run.ID, []fleet.JobKey{job.key}).Encode()
	if err != nil {
		b.Fatal(err)
	}
	body := envelope(b, "message", text)
	rounds := func(h http.Handler) func() {
		server := httptest.NewServer(h)
		b.Cleanup(server.Close)
		return func() {
			for range jobs {
				post(b, server.URL+"/score", body)
			}
		}
	}
	n := len(job.readings)
	x := make([]float64, n)
	var result predict.Result
	for i, r := range job.readings {
		x[i] = r.Value
	}
	costs := measure.Turns(b, rounds(s), rounds(http.HandlerFunc(bare)), func() {
		for range jobs {
			if err := job.serves.Predict(&result, x); err != nil {
				b.Fatal(err)
			}
		}
	})
	if want := b.N * jobs * n; job.rows != want {
		b.Fatalf("%d rows were written, not %d", job.rows, want)
	}
	measure.Report(b, "cpu-ms/job", func(of func(measure.Costs) time.Duration) float64 {
		return (of(costs[0]) - of(costs[1]) - of(costs[2])).Seconds() * 1000 / jobs
	})
	b.ReportMetric(costs[1].Min().Seconds()*1000/jobs, "bare-cpu-ms")
	b.ReportMetric(costs[2].Min().Seconds()*1000/jobs, "predict-cpu-ms")
}

// bare answers the host as briefly as can be.
func bare(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{}")
}

// job stands in for SQL and storage: it is open for ever and has its model and
// readings at hand. Of its CSV it takes only the hash.
type job struct {
	score.Ledger              // what is not called here
	blob.Store                // likewise
	serves       *model.Model // it has no name
	run          fleet.Run
	key          fleet.JobKey
	readings     []fleet.Reading

	rows int // of all CSVs
}

func newJob(b *testing.B, readings int) *job {
	detector, err := loader(true)(simulate.Kinds[0].Model())
	if err != nil {
		b.Fatal(err)
	}
	w := fleet.Window{From: time.Unix(0, 0).UTC(), To: time.Unix(3600, 0).UTC()}
	j := &job{
		serves: &model.Model{Loaded: detector}, run: fleet.Run{ID: w.RunID(), Window: w, State: fleet.RunRunning},
		key: fleet.JobKey{ID: fleet.ID{Device: "pump-1", Sensor: "temperature"}},
	}
	for i := range readings {
		at := fleet.MillisOf(w.From) + fleet.Millis(i*3600)
		j.readings = append(j.readings, fleet.Reading{ID: j.key.ID, Time: at, Value: float64(i%1000) / 70})
	}
	return j
}

func (j *job) Run(context.Context, string) (fleet.Run, error) { return j.run, nil }

func (j *job) Work(context.Context, string, []fleet.ID) ([]fleet.Work, error) {
	return []fleet.Work{{Job: fleet.Job{Run: j.run.ID, JobKey: j.key, State: fleet.Queued}, Model: &fleet.Model{Key: 1}}}, nil
}

// jobModel is a model at hand.
type jobModel struct {
	score.Models // what is not called here
	model        *model.Model
}

func (m jobModel) Model(context.Context, fleet.Model) (score.Model, error) { return m.model, nil }

func (j *job) CloseJob(_ context.Context, _ string, _ fleet.JobKey, o fleet.Outcome, _ time.Time) (fleet.JobState, bool, error) {
	j.rows += o.Rows
	return fleet.Queued, true, nil
}

func (j *job) Readings(context.Context, []fleet.ID, fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		for _, r := range j.readings {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (j *job) Stat(context.Context, string, string) (blob.Info, error) {
	return blob.Info{}, blob.ErrNotFound
}

func (j *job) Write(_ context.Context, _, name string, _ blob.Condition, _ string, fill func(io.Writer) error) (blob.Info, error) {
	sum := sha256.New()
	err := fill(sum)
	return blob.Info{Name: name, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

func (j *job) End(context.Context, *slog.Logger, string) error { return nil }

var _ blob.Store = (*job)(nil)
