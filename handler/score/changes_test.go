package score

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// published are models and attributes that are replaced while a job is scored: the
// first requests find the registered versions gone.
type published struct {
	plantModels
	model, attributes error // of the first request
	renewed           []string
}

func (m *published) Model(ctx context.Context, v fleet.Model) (Model, error) {
	if err := m.model; err != nil {
		m.model = nil
		return nil, err
	}
	return m.plantModels.Model(ctx, v)
}

func (m *published) Attributes(ctx context.Context, v fleet.Model) (features.Attributes, error) {
	if err := m.attributes; err != nil {
		m.attributes = nil
		return nil, err
	}
	return m.plantModels.Attributes(ctx, v)
}

func (m *published) Renew(_ context.Context, _ *slog.Logger, gone fleet.Model) error {
	m.renewed = append(m.renewed, gone.Name)
	return nil
}

// TestVersionGone has the version of a model or of attributes gone. It is registered anew,
// and the job is scored with what is there then.
func TestVersionGone(t *testing.T) {
	t.Parallel()
	models := map[string]summed{"health": {names: []string{"t", "age"}, spec: parse(t, `{"columns": [{"name": "age", "attribute": "age"}]}`)}}
	attributes := features.Attributes{"d0": {"age": "6"}, "health": {"age": "5"}}
	for _, gone := range []error{blob.ErrChanged, blob.ErrNotFound} {
		for name, m := range map[string]*published{
			"_fleet/health.zip": {plantModels: plantModels{models, attributes}, model: fmt.Errorf("read: %w", gone)},
			"devices.csv":       {plantModels: plantModels{models, attributes}, attributes: fmt.Errorf("read: %w", gone)},
		} {
			p := newPlant(t, 1, models, attributes)
			p.Models = m
			j := p.score(t, health("d0"))[health("d0")]
			if j.State != fleet.Scored || j.Rows != 60 || fmt.Sprint(m.renewed) != "["+name+"]" {
				t.Errorf("%s is gone (%v): the job is %s %s with %d rows, renewed are %v; want 60 rows scored, and it renewed", name, gone, j.State, j.Error, j.Rows, m.renewed)
			}
			if got := p.csv(t, health("d0")); !strings.Contains(got, ",0,6\n") {
				t.Errorf("%s is gone (%v): the CSV is %.200s, want a row with t 0 and age 6", name, gone, got)
			}
		}
	}
	// A job without attributes among its features does not read them.
	m := &published{plantModels: plantModels{map[string]summed{"health": {names: []string{"t", "v"}}}, nil}, attributes: errors.New("asked for")}
	p := newPlant(t, 1, m.models, nil)
	p.Models = m
	if j := p.score(t, health("d0"))[health("d0")]; j.State != fleet.Scored || m.attributes == nil {
		t.Errorf("the job is %s %s, and attributes were read: %v; want it scored without them", j.State, j.Error, m.attributes == nil)
	}
}

// binding is a ledger in which another changes the job before it is bound.
type binding struct {
	Ledger
	others int
	bound  []time.Duration
}

func (b *binding) BindJob(ctx context.Context, run string, key fleet.JobKey, lookback time.Duration) (bool, error) {
	if b.others > 0 {
		b.others--
		return false, nil
	}
	b.bound = append(b.bound, lookback)
	return b.Ledger.BindJob(ctx, run, key, lookback)
}

// TestBind checks that a job whose rows look back further than the ledger knows is bound to
// that first. If the job has changed, it is read again.
func TestBind(t *testing.T) {
	t.Parallel()
	known := summed{names: []string{"t"}}
	further := summed{names: []string{"t"}, spec: parse(t, `{"rows": {"carried": ["t", "v"], "tolerance": "90min"}, "features": ["t"]}`)}
	p := newPlant(t, 1, map[string]summed{"health": known}, nil)
	b := &binding{Ledger: p.db, others: 1}
	p.Ledger, p.Models = b, plantModels{map[string]summed{"health": further}, nil}
	j := p.score(t, health("d0"))[health("d0")]
	if j.State != fleet.Scored || j.Rows != 60 || j.Lookback != 90*time.Minute || len(b.bound) != 1 {
		t.Errorf("the job is %s %s with %d rows, looking back %v, and was bound to %v; want 60 rows scored, bound once to 1h30m", j.State, j.Error, j.Rows, j.Lookback, b.bound)
	}
	if got := p.csv(t, health("d0")); !strings.HasPrefix(got, "TS,Device,Model,") {
		t.Errorf("the CSV is %.200s, want the header of a device model", got)
	}
	p = newPlant(t, 1, map[string]summed{"health": further}, nil)
	b = &binding{Ledger: p.db}
	p.Ledger, p.Models = b, plantModels{map[string]summed{"health": known}, nil}
	if j := p.score(t, health("d0"))[health("d0")]; j.State != fleet.Scored || len(b.bound) != 0 {
		t.Errorf("the job is %s %s, bound to %v; want it scored and not bound again, as it is bound to more", j.State, j.Error, b.bound)
	}
}

// TestBrokenReadOfDevice checks that device models are not scored if the reading of their
// sensors breaks off.
func TestBrokenReadOfDevice(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1, map[string]summed{"health": {names: []string{"t", "v"}}, "day": {names: []string{"t"}, spec: parse(t, `{"features": ["t"]}`)}}, nil)
	p.Scorer.Readings = readingsFunc(func(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
		return func(yield func(fleet.Reading, error) bool) {
			n := 0
			for r, err := range p.db.Readings(ctx, ids, w) {
				if n++; n == 30 {
					yield(fleet.Reading{}, fmt.Errorf("read: %w", fleet.ErrUnavailable))
					return
				}
				if !yield(r, err) {
					return
				}
			}
		}
	})
	m := fleet.NewMessage(p.run, []fleet.JobKey{{ID: fleet.ID{Device: "d0", DeviceModel: "day"}}, {ID: health("d0")}})
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Score(t.Context(), quiet, text); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("Score = %v, want %v, so that the message comes again", err, fleet.ErrUnavailable)
	}
	for _, key := range m.Jobs {
		work, err := p.db.Work(t.Context(), p.run, []fleet.ID{key.ID})
		if err != nil || work[0].State != fleet.Queued {
			t.Errorf("the job of %v is %+v, %v; want it queued", key.ID, work, err)
		}
		if _, err := p.Memory.Stat(t.Context(), blob.Preds, ledger.CSVName(p.run, key.ID)); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("the predictions of %v: %v, want none", key.ID, err)
		}
	}
}

type readingsFunc func(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error]

func (f readingsFunc) Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return f(ctx, ids, w)
}

// TestDenseSlices reads more in a second than a slice of time may hold: all of it
// comes, of each sensor in the order of time.
func TestDenseSlices(t *testing.T) {
	t.Parallel()
	const sensors, seconds = 530, 2
	read := deviceRead{window: fleet.Window{From: window.From, To: window.From.Add(seconds * time.Second)}}
	for i := range sensors {
		read.sensors = append(read.sensors, fleet.ID{Device: "d", Sensor: fmt.Sprintf("%03d", i)})
	}
	each := readingsFunc(func(_ context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
		return func(yield func(fleet.Reading, error) bool) {
			for _, id := range ids {
				for at := fleet.MillisOf(w.From); at < fleet.MillisOf(w.To); at++ {
					if !yield(fleet.Reading{ID: id, Time: at}, nil) {
						return
					}
				}
			}
		}
	})
	n := 0
	last := make([]fleet.Millis, sensors)
	for points, err := range read.slices(t.Context(), each) {
		if err != nil {
			t.Fatal(err)
		}
		for sensor, of := range points {
			for _, q := range of {
				if q.Time <= last[sensor] {
					t.Fatalf("sensor %d: the sample of %v follows that of %v, want them in the order of time", sensor, q.Time, last[sensor])
				}
				last[sensor] = q.Time
			}
			n += len(of)
		}
	}
	if n != sensors*seconds*1000 {
		t.Errorf("%d samples, want %d", n, sensors*seconds*1000)
	}
}

// TestFeedStops checks that sending to a worker that has stopped does not block.
func TestFeedStops(t *testing.T) {
	t.Parallel()
	f := newFeed[int]()
	f.stop()
	for i := range 10 {
		f.send(t.Context(), i)
	}
	f.close(nil)
}

// TestLines checks the lines of device models whose predictions are no anomalies, or whose
// numbers are missing.
func TestLines(t *testing.T) {
	t.Parallel()
	id := health("d")
	for _, c := range []struct {
		model   summed
		given   rows
		want    string
		anomaly bool
	}{
		{summed{kind: predict.Regressor, names: []string{"t"}}, rows{x: []float64{1}, result: predict.Result{Predictions: []float64{1}}}, "1,,1", false},
		{summed{names: []string{"t"}}, rows{x: []float64{math.NaN()}, result: predict.Result{Predictions: []float64{1}, Scores: []float64{math.NaN()}}}, "1,,", true},
		{summed{kind: predict.Regressor, names: []string{"t"}, spec: parse(t, `{"features": ["t"], "residual_of": "v", "limit": {"absolute": 2}}`)},
			rows{x: []float64{5}, actual: []float64{3}, result: predict.Result{Predictions: []float64{5}}}, "5,,3,-2,5", false},
		{summed{kind: predict.Regressor, names: []string{"t"}, spec: parse(t, `{"features": ["t"], "residual_of": "v", "limit": {"absolute": 2}}`)},
			rows{x: []float64{5}, actual: []float64{2.5}, result: predict.Result{Predictions: []float64{5}}}, "5,,2.5,-2.5,5", true},
	} {
		plan, err := Prepare(id, c.model, fleet.Aggregation{}, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := newModelLayout(id, c.model, plan)
		if err != nil {
			t.Fatal(err)
		}
		c.given.times = []fleet.Millis{0}
		line, anomaly := l.line(nil, &c.given, 0)
		if want := "1970-01-01T00:00:00.000Z,d,health," + c.want + "\n"; string(line) != want || anomaly != c.anomaly {
			t.Errorf("%q, anomaly %v; want %q, %v", line, anomaly, want, c.anomaly)
		}
	}
	for _, c := range []struct {
		class string
		value any
		is    bool
	}{{"True", true, true}, {"False", true, false}, {"true", "True", false}, {"1", 1.0, true}, {"1.0", 1.0, true}, {"2", 1.0, false}, {"one", 1.0, false}, {"a", "a", true}, {"a", nil, false}} {
		if isClass(c.class, c.value) != c.is {
			t.Errorf("class %s is %v: want %v", c.class, c.value, c.is)
		}
	}
}

// TestPrepare checks which models are refused for a job, and why.
func TestPrepare(t *testing.T) {
	t.Parallel()
	makes := summed{names: []string{"x"}, spec: parse(t, `{"rows": {"together": ["x"]}}`)}
	back := summed{names: []string{"m"}, spec: parse(t, `{"columns": [{"name": "m", "of": "t", "rolling": "90min", "aggregate": "mean"}], "features": ["m"]}`)}
	for _, c := range []struct {
		id    fleet.ID
		model Model
		most  time.Duration
		want  string
	}{
		{fleet.ID{Device: "d", Sensor: "s"}, makes, 0, "is a device model, and the device has a sensor named s too"},
		{fleet.ID{Device: "d", Sensor: "s"}, summed{names: []string{"x"}}, 0, ""},
		{fleet.ID{Device: "d", Sensor: "s"}, summed{names: []string{"x", "y"}}, 0, "takes 2 features, but the run makes raw readings, one feature"},
		{health("d"), makes, 0, ""},
		{health("d"), back, 0, ""},
		{health("d"), back, 90 * time.Minute, ""},
		{health("d"), back, 89 * time.Minute, "look back for 1h30m0s, which is more than the 1h29m0s"},
		{health("d"), undecided{summed{names: []string{"x"}}}, 0, "no limit"},
		{health("d"), undecided{summed{kind: predict.Regressor, names: []string{"x"}}}, 0, ""},
	} {
		_, err := Prepare(c.id, c.model, fleet.Aggregation{}, nil, c.most)
		if (err != nil) != (c.want != "") || err != nil && (!errors.Is(err, fleet.ErrBadModel) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.id, err, c.want)
		}
	}
}

// undecided is a model that does not tell anomalies.
type undecided struct{ summed }

func (undecided) Detects() error { return errors.New("no limit") }

// TestNoData checks what the error says where there is no row.
func TestNoData(t *testing.T) {
	t.Parallel()
	std, err := fleet.ParseAggregation("5m:std")
	if err != nil {
		t.Fatal(err)
	}
	m := summed{names: []string{"t", "v"}}
	plan, err := Prepare(health("d"), m, fleet.Aggregation{}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	one := summed{names: []string{"x"}}
	for _, c := range []struct {
		subject  Subject
		readings int
		want     string
	}{
		{Subject{ID: fleet.ID{Device: "d", Sensor: "s"}, Model: one}, 0, "no reading of d/s in the window"},
		{Subject{ID: fleet.ID{Device: "d", Sensor: "s"}, Model: one, Aggregation: std}, 1, "1 readings of d/s, but no bucket in which each of [std] has a value"},
		{Subject{ID: health("d"), Model: m, Plan: plan}, 0, "no reading of [t v] of d in the window"},
		{Subject{ID: health("d"), Model: m, Plan: plan}, 1, "1 readings of [t v] of d, but no row of the window in which each feature has a value"},
	} {
		c.subject.Window = window
		p, err := NewPredictions(t.Context(), io.Discard, c.subject, semaphore.NewWeighted(1))
		if err != nil {
			t.Fatal(err)
		}
		for range c.readings {
			if c.subject.Plan == nil {
				err = p.Point(fleet.MillisOf(window.From), 1)
			} else {
				err = p.Sample(0, fleet.MillisOf(window.From), 1)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var o fleet.Outcome
		if err := p.Close(t.Context(), &o); !errors.Is(err, fleet.ErrNoData) || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
		p.Release()
	}
}
