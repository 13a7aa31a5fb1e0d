package score

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// summed is a model whose prediction is of the sum of a row's features: above ten
// is an anomaly, or the second class, or the value itself.
type summed struct {
	kind  predict.Kind
	names []string
	spec  *features.Spec
}

func (m summed) Kind() predict.Kind     { return m.kind }
func (m summed) Features() int          { return len(m.names) }
func (m summed) FeatureNames() []string { return m.names }
func (m summed) Size() int              { return 0 }
func (m summed) Name() string           { return "_fleet/health.zip" }
func (m summed) SHA256() string         { return strings.Repeat("e", 64) }
func (m summed) Spec() *features.Spec   { return m.spec }
func (m summed) Detects() error         { return nil }

func (m summed) Classes() []string {
	if m.kind != predict.Classifier {
		return nil
	}
	return []string{"ok", `bro"ken`}
}

func (m summed) Predict(r *predict.Result, x []float64) error {
	n := len(x) / len(m.names)
	switch m.kind {
	case predict.Detector:
		r.Resize(n, 1, 0)
	case predict.Classifier:
		r.Resize(n, 0, 2)
	case predict.Regressor:
		r.Resize(n, 0, 0)
	}
	for i := range n {
		sum := 0.0
		for _, v := range x[i*len(m.names) : (i+1)*len(m.names)] {
			sum += v
		}
		r.Predictions[i] = sum
		if m.kind == predict.Regressor {
			continue
		}
		r.Predictions[i] = 0
		if sum > 10 {
			r.Predictions[i] = 1
		}
		if m.kind == predict.Detector {
			r.Scores[i] = sum
		} else {
			r.Probabilities[2*i], r.Probabilities[2*i+1] = 1-sum/100, sum/100
		}
	}
	return nil
}

func parse(t testing.TB, text string) *features.Spec {
	t.Helper()
	if text == "" {
		return nil
	}
	spec, err := features.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// counted counts requests, of storage and for readings.
type counted struct {
	blob.Memory
	db       *store.DB
	requests atomic.Int32
	reads    atomic.Int32
}

func (c *counted) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	c.requests.Add(1)
	return c.Memory.Stat(ctx, container, name)
}

func (c *counted) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	c.requests.Add(1)
	return c.Memory.Write(ctx, container, name, cond, contentType, fill)
}

func (c *counted) Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	c.reads.Add(1)
	return c.db.Readings(ctx, ids, w)
}

// plant is a scorer over devices with the sensors t and v, a reading of each every
// minute from two hours before the window to its end.
type plant struct {
	*Scorer
	*counted
	run string
}

// newPlant registers models by their titles, for every device.
func newPlant(t *testing.T, devices int, models map[string]summed, attributes features.Attributes) *plant {
	t.Helper()
	p := &plant{counted: &counted{db: storetest.Open(t, storetest.SQLite)}}
	var batch []fleet.Reading
	for d := range devices {
		for i := -120; i < 60; i++ {
			ts := fleet.MillisOf(window.From) + fleet.Millis(i*60_000)
			device := fmt.Sprint("d", d)
			batch = append(batch, fleet.Reading{ID: fleet.ID{Device: device, Sensor: "t"}, Time: ts, Value: float64(i)},
				fleet.Reading{ID: fleet.ID{Device: device, Sensor: "v"}, Time: ts, Value: float64(d)})
		}
	}
	if _, err := p.db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	change := fleet.Registration{Added: []fleet.Model{{Name: features.AttributesFile, ETag: "1", Place: fleet.Place{Scope: fleet.Attributes}}}}
	for title, m := range models {
		spec := m.spec
		if spec == nil {
			spec = &features.Spec{}
		}
		plan, err := spec.Plan(features.Model{Names: m.names, Count: len(m.names)}, features.Device{Attributes: map[string]string{"age": "1"}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		change.Added = append(change.Added, fleet.Model{Name: "_fleet/" + title + ".zip", ETag: "1", Place: fleet.Place{Scope: fleet.OfFleet, Title: title},
			Facts: &fleet.Facts{Features: m.Features(), Names: m.names, Sensors: plan.Sensors(), LookbackMS: plan.Lookback().Milliseconds()}})
	}
	if err := p.db.Register(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	run, _, err := p.db.OpenRequested(t.Context(), window, nil, fleet.Settings{}, window.To)
	if err != nil {
		t.Fatal(err)
	}
	p.run = run.ID
	clock := func() time.Time { return window.To }
	p.Scorer = &Scorer{Ledger: p.db, Readings: p.counted, Files: p.counted, CPU: semaphore.NewWeighted(2), Now: clock, Pause: time.Microsecond,
		Models: plantModels{models, attributes}, Ender: noEnd{}}
	return p
}

type noEnd struct{}

func (noEnd) End(context.Context, *slog.Logger, string) error { return nil }

type plantModels struct {
	models     map[string]summed
	attributes features.Attributes
}

func (m plantModels) Model(_ context.Context, v fleet.Model) (Model, error) {
	return m.models[v.Title], nil
}
func (m plantModels) Attributes(context.Context, fleet.Model) (features.Attributes, error) {
	return m.attributes, nil
}
func (m plantModels) Renew(context.Context, *slog.Logger, fleet.Model) error { return nil }

// score scores the jobs of these names and returns their rows.
func (p *plant) score(t *testing.T, ids ...fleet.ID) map[fleet.ID]fleet.Work {
	t.Helper()
	m := fleet.NewMessage(p.run, nil)
	for _, id := range ids {
		m.Jobs = append(m.Jobs, fleet.JobKey{ID: id})
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Score(t.Context(), quiet, text); err != nil {
		t.Fatal(err)
	}
	jobs, err := p.db.Work(t.Context(), p.run, ids)
	if err != nil {
		t.Fatal(err)
	}
	all := map[fleet.ID]fleet.Work{}
	for _, j := range jobs {
		all[j.ID] = j
	}
	return all
}

func (p *plant) csv(t *testing.T, id fleet.ID) string {
	t.Helper()
	content, _, err := p.Read(t.Context(), blob.Preds, ledger.CSVName(p.run, id), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func health(device string) fleet.ID { return fleet.ID{Device: device, DeviceModel: "health"} }

// TestDeviceModel scores device models of each kind, and holds the first rows.
func TestDeviceModel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		model     summed
		want      string // the first lines
		rows      int
		anomalies int
		lookback  time.Duration
	}{
		"together": {
			summed{names: []string{"v", "t"}},
			"TS,Device,Model,Prediction,Score,v,t\n2026-03-01T00:00:00.000Z,d1,health,0,1,1,0\n2026-03-01T00:01:00.000Z,d1,health,0,2,1,1\n",
			60, 50, 0,
		},
		"rolling from before the window": {
			summed{names: []string{"t", "day"}, spec: parse(t, `{"columns": [{"name": "day", "of": "t", "rolling": "90min", "aggregate": "min"}]}`)},
			"TS,Device,Model,Prediction,Score,t,day\n2026-03-01T00:00:00.000Z,d1,health,0,-89,0,-89\n",
			60, 10, 90 * time.Minute,
		},
		"grid": {
			summed{names: []string{"t_mean"}, spec: parse(t, `{"rows": {"grid": "30min", "columns": [{"sensor": "t", "aggregate": "mean"}]}}`)},
			"TS,Device,Model,Prediction,Score,t_mean\n2026-03-01T00:00:00.000Z,d1,health,1,14.5,14.5\n2026-03-01T00:30:00.000Z,d1,health,1,44.5,44.5\n",
			2, 2, 30 * time.Minute,
		},
		"attribute": {
			summed{names: []string{"t", "age"}, spec: parse(t, `{"columns": [{"name": "age", "attribute": "age"}]}`)},
			"TS,Device,Model,Prediction,Score,t,age\n2026-03-01T00:00:00.000Z,d1,health,0,7,0,7\n",
			60, 56, 0,
		},
		"classifier": {
			summed{kind: predict.Classifier, names: []string{"t", "v"}},
			"TS,Device,Model,Prediction,Score,P(ok),\"P(bro\"\"ken)\",t,v\n2026-03-01T00:00:00.000Z,d1,health,ok,,0.99,0.01,0,1\n",
			60, 50, 0,
		},
		"classifier with anomalies": {
			summed{kind: predict.Classifier, names: []string{"t", "v"}, spec: parse(t, `{"anomalies": ["ok"]}`)},
			"TS,Device,Model,Prediction,Score,P(ok)", 60, 10, 0,
		},
		"regressor": {
			summed{kind: predict.Regressor, names: []string{"t"}, spec: parse(t, `{"features": ["t"], "residual_of": "v", "limit": {"absolute": 30}}`)},
			"TS,Device,Model,Prediction,Score,Actual,Residual,t\n2026-03-01T00:00:00.000Z,d1,health,0,,1,1,0\n2026-03-01T00:01:00.000Z,d1,health,1,,1,0,1\n",
			60, 28, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, 2, map[string]summed{"health": test.model}, features.Attributes{"d1": {"age": "7"}, "d0": {"age": "6"}})
			j := p.score(t, health("d1"))[health("d1")]
			if j.State != fleet.Scored || j.Rows != test.rows || j.Anomalies != test.anomalies || j.Lookback != test.lookback {
				t.Errorf("%s %s: %d rows, %d anomalies, looking back %v; want %d, %d, %v", j.State, j.Error, j.Rows, j.Anomalies, j.Lookback, test.rows, test.anomalies, test.lookback)
			}
			if (j.AttributesSHA256 != "") != (name == "attribute") {
				t.Errorf("the hash of the attributes is %q, want one only if attributes are features", j.AttributesSHA256)
			}
			if got := p.csv(t, health("d1")); !strings.HasPrefix(got, test.want) {
				t.Errorf("got\n%.500s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestDeviceModelsShare has the models of one device in one message share one read,
// and each job ask storage for nothing but the writing of its CSV.
func TestDeviceModelsShare(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 2, map[string]summed{
		"health": {names: []string{"v", "t"}},
		"day":    {names: []string{"day"}, spec: parse(t, `{"columns": [{"name": "day", "of": "t", "rolling": "20min", "aggregate": "mean"}], "features": ["day"]}`)},
		"v2":     {names: []string{"v"}, spec: parse(t, `{"features": ["v"]}`)},
	}, nil)
	of := func(device, name string) fleet.ID { return fleet.ID{Device: device, DeviceModel: name} }
	ids := []fleet.ID{of("d0", "day"), of("d0", "health"), of("d0", "v2"), of("d1", "day")}
	for id, j := range p.score(t, ids...) {
		if j.State != fleet.Scored || j.Rows != 60 {
			t.Errorf("%s is %s %s with %d rows, want 60 rows scored", id, j.State, j.Error, j.Rows)
		}
	}
	if n := p.requests.Load(); int(n) != len(ids) {
		t.Errorf("%d requests to storage for %d jobs, want one a job", n, len(ids))
	}
	// An hour and twenty minutes before it are two slices of time.
	if n := p.reads.Load(); n != 4 {
		t.Errorf("%d reads for two devices, want 4", n)
	}
}

// TestSlices reads a device slice by slice: whatever their lengths, the samples
// come whole and, of each sensor, in the order of time.
func TestSlices(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1, nil, nil)
	read := deviceRead{sensors: []fleet.ID{{Device: "d0", Sensor: "t"}, {Device: "d0", Sensor: "v"}}, window: fleet.Window{From: window.From.Add(-2 * time.Hour), To: window.To}}
	last := []fleet.Millis{0, 0}
	counts := []int{0, 0}
	n := 0
	for points, err := range read.slices(t.Context(), p.db) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		for sensor, of := range points {
			counts[sensor] += len(of)
			for _, q := range of {
				if q.Time <= last[sensor] {
					t.Errorf("slice %d, sensor %d: the sample of %v follows that of %v, want them in the order of time", n, sensor, q.Time, last[sensor])
				}
				last[sensor] = q.Time
			}
		}
	}
	if n < 2 || counts[0] != 180 || counts[1] != 180 {
		t.Errorf("%d slices with %v samples, want two slices or more with 180 of each sensor", n, counts)
	}
}

// TestBadDeviceModels tells what is wrong with device models that cannot be scored.
func TestBadDeviceModels(t *testing.T) {
	t.Parallel()
	for want, model := range map[string]summed{
		`has no class broken, which the features file calls an anomaly; it has ok, bro"ken`: {kind: predict.Classifier, names: []string{"t"}, spec: parse(t, `{"features": ["t"], "anomalies": ["broken"]}`)},
		`the attribute "age" of the device is missing in devices.csv`:                       {names: []string{"age"}, spec: parse(t, `{"rows": {"together": ["t"]}, "columns": [{"name": "age", "attribute": "age"}], "features": ["age"]}`)},
		`need the sensor "x", which the device does not have; it has t, v`:                  {names: []string{"t", "x"}},
	} {
		p := newPlant(t, 1, map[string]summed{"health": model}, nil)
		j := p.score(t, health("d0"))[health("d0")]
		if j.State != fleet.BadModel || !strings.Contains(j.Error, want) {
			t.Errorf("%s: %s, want %s", j.State, j.Error, want)
		}
	}
}
