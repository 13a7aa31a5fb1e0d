package score

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Subject is a sensor or device model, with its model and the settings of its rows.
type Subject struct {
	ID     fleet.ID
	Model  Model
	Window fleet.Window
	// Aggregation is how the readings of a sensor are aggregated.
	Aggregation fleet.Aggregation
	// Plan computes the rows of a device model. It is nil for a sensor.
	Plan *features.Plan
}

// Prepare returns the plan for the rows of a device model, or nil for a sensor. The error
// wraps [fleet.ErrBadModel] if the model cannot score the subject. Attributes are those of
// the device. A maxLookback of 0 means [features.DefaultMaxLookback].
func Prepare(id fleet.ID, m Model, a fleet.Aggregation, attributes map[string]string, maxLookback time.Duration) (*features.Plan, error) {
	if id.DeviceModel == "" {
		return nil, cmp.Or(fits(m, id, a), detects(m))
	}
	if m.Kind() == predict.Detector {
		if err := detects(m); err != nil {
			return nil, err
		}
	}
	plan, err := specOf(m).Plan(features.Model{Names: m.FeatureNames(), Count: m.Features()}, features.Device{Attributes: attributes}, maxLookback)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Name(), err)
	}
	return plan, nil
}

// specOf returns the features file beside a model, or an empty one if there is none.
func specOf(m Model) *features.Spec {
	if spec := m.Spec(); spec != nil {
		return spec
	}
	return &features.Spec{}
}

// Predictions writes the predictions of a subject as CSV, as readings stream past.
// It is not safe for concurrent use.
type Predictions struct {
	of       Subject
	csv      csvWriter
	row      func(ts fleet.Millis, x ...float64) error // for a sensor only
	flush    func() error                              // for a sensor only
	buckets  aggregator                                // for a sensor only
	rows     *features.Rows                            // for a device model only
	readings int
}

// buffers are rows to be used again, with what they have allocated.
var buffers pool[rows]

// NewPredictions starts the predictions of a subject. They take a share of cpu while they
// predict and format. The caller must call [Predictions.Release] at the end.
func NewPredictions(ctx context.Context, w io.Writer, s Subject, cpu *semaphore.Weighted) (*Predictions, error) {
	p := &Predictions{of: s, csv: csvWriter{w: w, model: s.Model, cpu: cpu}}
	if s.Plan == nil {
		columns := columnsOf(s.Aggregation)
		p.csv.width, p.csv.layout = len(columns), newSensorLayout(s.ID, columns)
		p.buckets = aggregator{Aggregation: s.Aggregation, window: s.Window}
		p.row = func(ts fleet.Millis, x ...float64) error { return p.csv.row(ctx, ts, x...) }
		p.flush = func() error { return p.csv.flush(ctx) }
	} else {
		layout, err := newModelLayout(s.ID, s.Model, s.Plan)
		if err != nil {
			return nil, err
		}
		p.csv.width, p.csv.layout = len(s.Plan.Columns()), layout
		p.rows = s.Plan.Start(s.Window, func(ts fleet.Millis, x []float64) error { return p.csv.row(ctx, ts, x...) })
	}
	p.csv.rows = buffers.get()
	p.csv.clear() // of a job that failed
	p.csv.anomalous = p.csv.anomalous[:0]
	return p, nil
}

// Release frees p, which must not be used any more.
func (p *Predictions) Release() { buffers.put(p.csv.rows) }

// Point adds the next reading of a sensor. Readings must be in the order of time.
func (p *Predictions) Point(ts fleet.Millis, value float64) error {
	p.readings++
	if !p.buckets.Raw() {
		return p.buckets.add(point{ts, value}, p.row)
	}
	p.csv.times, p.csv.x = append(p.csv.times, ts), append(p.csv.x, value)
	if len(p.csv.times) < batchRows {
		return nil
	}
	return p.flush()
}

// Sample adds the next reading for a device model. sensor is the position of its sensor in
// [features.Plan.Sensors]. Readings must be in the order of time.
func (p *Predictions) Sample(sensor int, ts fleet.Millis, value float64) error {
	p.readings++
	return p.rows.Add(sensor, ts, value)
}

// Close writes the last rows, and sets the figures of an outcome. The error wraps
// [fleet.ErrNoData] if there is no row.
func (p *Predictions) Close(ctx context.Context, o *fleet.Outcome) error {
	var err error
	if p.rows != nil {
		err = p.rows.Close()
	} else {
		err = p.buckets.flush(p.row)
	}
	if err == nil {
		err = p.csv.flush(ctx)
	}
	if err != nil {
		return err
	}
	o.Rows, o.Anomalies, o.Anomalous = p.csv.written, p.csv.anomalies, p.csv.kept()
	if p.rows == nil {
		o.EmptyBuckets = max(p.buckets.buckets()-p.csv.written, 0)
	}
	switch {
	case p.csv.written > 0:
		return nil
	case p.readings == 0 && p.rows == nil:
		return fmt.Errorf("%w: no reading of %s in the window", fleet.ErrNoData, p.of.ID)
	case p.rows == nil:
		return fmt.Errorf("%w: %d readings of %s, but no bucket in which each of %v has a value", fleet.ErrNoData, p.readings, p.of.ID, p.of.Aggregation.Functions)
	case p.readings == 0:
		return fmt.Errorf("%w: no reading of %v of %s in the window", fleet.ErrNoData, p.of.Plan.Sensors(), p.of.ID.Device)
	}
	return fmt.Errorf("%w: %d readings of %v of %s, but no row of the window in which each feature has a value", fleet.ErrNoData, p.readings, p.of.Plan.Sensors(), p.of.ID.Device)
}
