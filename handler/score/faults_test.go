package score

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// TestFailedOutcomeHasNoFigures checks that a failed outcome has no figures of what was
// counted before the error.
func TestFailedOutcomeHasNoFigures(t *testing.T) {
	t.Parallel()
	job := &task{err: fmt.Errorf("%w: infinity", fleet.ErrBadData),
		result: fleet.Outcome{Rows: 7, Anomalies: 3, CSVSHA256: "ab", Model: "m.pkl"}}
	got, ok := job.outcome()
	want := fleet.Outcome{Result: fleet.BadData, Model: "m.pkl", Error: job.err.Error()}
	if !ok || got != want {
		t.Errorf("outcome %+v, %v; want %+v", got, ok, want)
	}
}

// TestFeedAfterDeadline checks that points dropped at the deadline give an error, although
// the reader has closed the feed without one.
func TestFeedAfterDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := newFeed[*chunk]()
	f.send(ctx, &chunk{{1, 1}}) // there is room for one
	cancel()
	f.send(ctx, &chunk{{2, 2}})
	f.close(nil)
	points := 0
	var last error
	for c, err := range f.each(ctx) {
		if last = err; err == nil {
			points += len(*c)
		}
	}
	if points != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d points, then %v", points, last)
	}
}

// TestFirstBucketIsCut checks that the row of a first bucket that is cut has the window's
// start.
func TestFirstBucketIsCut(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 3, 0, 0, time.UTC)
	mean, err := fleet.ParseAggregation("5m:mean")
	if err != nil {
		t.Fatal(err)
	}
	a := aggregator{Aggregation: mean, window: fleet.Window{From: start, To: start.Add(10 * time.Minute)}}
	var got []time.Duration
	row := func(ts fleet.Millis, _ ...float64) error {
		got = append(got, ts.Time().Sub(start))
		return nil
	}
	for _, after := range []time.Duration{0, time.Minute, 2 * time.Minute, 7 * time.Minute} {
		if err := a.add(point{fleet.MillisOf(start.Add(after)), 1}, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.flush(row); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[0s 2m0s 7m0s]" {
		t.Errorf("rows at %v after the window's start", got)
	}
}

// TestTriesAreBounded checks that an error that may pass is tried four times in an
// invocation, and then left to the next delivery.
func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	id := fleet.ID{Device: "1", Sensor: "1"}
	b := newBench(t, "", map[fleet.ID][]float64{id: {1}})
	tries := 0
	b.Models = loads(func(context.Context, fleet.Model) (Model, error) {
		tries++
		return nil, fmt.Errorf("read model: %w", fleet.ErrUnavailable)
	})
	err := b.Score(t.Context(), quiet, b.message(t, id))
	if !errors.Is(err, fleet.ErrUnavailable) || tries != maxFailures {
		t.Errorf("tried %d times, %v; want %d times", tries, err, maxFailures)
	}
}

// busy is a model that looks whether it has the processor to itself.
type busy struct {
	double
	cpu  *semaphore.Weighted
	free bool
}

func (b *busy) Predict(r *predict.Result, x []float64) error {
	if b.cpu.TryAcquire(1) {
		b.free = true
		b.cpu.Release(1)
	}
	return b.double.Predict(r, x)
}

// TestPredictingHoldsItsShare checks that a share of the processor is taken while rows are
// predicted, and given back afterwards.
func TestPredictingHoldsItsShare(t *testing.T) {
	t.Parallel()
	cpu := semaphore.NewWeighted(1)
	model := &busy{double: double{1}, cpu: cpu}
	w := csvWriter{w: io.Discard, model: model, width: 1, layout: newSensorLayout(fleet.ID{Device: "1", Sensor: "1"}, []string{rawFeature}), cpu: cpu, rows: new(rows)}
	if err := w.row(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(t.Context()); err != nil || model.free || w.written != 1 {
		t.Errorf("%v; free while predicting: %v", err, model.free)
	}
	if !cpu.TryAcquire(1) {
		t.Error("the share was not given back")
	}
}

// TestTimeoutNamesTheFile checks that the error of an attempt that met its deadline names
// the file.
func TestTimeoutNamesTheFile(t *testing.T) {
	t.Parallel()
	id := fleet.ID{Device: "1", Sensor: "1"}
	b := newBench(t, "", map[fleet.ID][]float64{id: {1}})
	ctx, cancel := context.WithCancel(t.Context())
	b.Models = loads(func(context.Context, fleet.Model) (Model, error) {
		cancel() // before anything is read or written
		return double{1}, nil
	})
	if err := b.Score(ctx, quiet, b.message(t, id)); err == nil {
		t.Fatal("scored after the deadline")
	}
	attempts, err := b.db.Attempts(t.Context(), b.run, fleet.JobKey{ID: id})
	if err != nil || len(attempts) == 0 {
		t.Fatalf("%v, %v", attempts, err)
	}
	if got := attempts[len(attempts)-1].Err; !strings.Contains(got, b.run+"/1/1.csv") || !strings.Contains(got, "double.pkl") {
		t.Errorf("the attempt says %q", got)
	}
}
