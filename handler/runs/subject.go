package runs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// SubjectRequest asks for a sensor or a device model over a span of time.
type SubjectRequest struct {
	Device string `query:"device" json:"-" required:"true" example:"plant1/pump-07"` // the name of the device
	Name   string `query:"name" json:"-" required:"true" example:"current"`          // the name of the sensor or device model
	// The beginning of the span. It is a day before the end if it is left out, or an hour
	// before it if all runs of that day lie in that hour.
	From time.Time `query:"from" json:"-" example:"2026-03-01T00:00:00Z"`
	// The end of the span: at most a year after its beginning. It is the end of the last
	// window if it is left out.
	To time.Time `query:"to" json:"-" example:"2026-03-02T00:00:00Z"`
}

// Subject is a sensor, or a device model, over a span of time.
type Subject struct {
	Device       string           `json:"device"`                 // the name of the device
	Name         string           `json:"name"`                   // the name of the sensor or device model
	DeviceModel  bool             `json:"device_model,omitempty"` // whether it is a device model
	From         time.Time        `json:"from"`                   // the beginning of the span
	To           time.Time        `json:"to"`                     // the end of the span
	Readings     *Series          `json:"readings,omitempty"`     // what the sensor measured, in its own unit
	Distribution *Distribution    `json:"distribution,omitempty"` // the distribution of the readings
	Quality      *Quality         `json:"quality,omitempty"`      // what is wrong with its readings
	Gaps         []Gap            `json:"gaps,omitempty"`         // stretches without a reading that are more than five times as long as usual; at most 50
	Score        *Series          `json:"score,omitempty"`        // the scores of its rows
	Residual     *Series          `json:"residual,omitempty"`     // the residuals of a regressor's rows: the measured values minus the predictions
	Features     []Series         `json:"features,omitempty"`     // the columns of its rows, as the model saw them; at most 64
	Anomalies    []AnomalousPiece `json:"anomalies"`              // the pieces of time with anomalous rows, in the order of time
	NotKept      int              `json:"not_kept"`               // how many anomalous rows more are only counted: the ledger keeps the first 1,000 of a job
	Files        int              `json:"files"`                  // how many files of predictions the scores and features are read from: the newest 240
	Unread       int              `json:"unread"`                 // how many files of the span were not read
	UsedBy       []string         `json:"used_by,omitempty"`      // the device models that use a sensor which has no jobs of its own
	Model        string           `json:"model,omitempty"`        // the model that serves it now: the name of a blob in the container models
	Portrait     *Portrait        `json:"portrait,omitempty"`     // what is in the file of that model
	Counted                       // the rows of its jobs
	Jobs         []Job            `json:"jobs"`  // its jobs in the span, those of the newest window first
	Marks        []Mark           `json:"marks"` // what changed in the span, in the order of time
}

// Portrait is what is in the file of a model.
type Portrait struct {
	Kind      string   `json:"kind" enum:"detector,classifier,regressor"` // what the model does: it detects anomalies, names a class, or predicts a number
	Class     string   `json:"class"`                                     // the name of the estimator's class in Python
	Steps     []string `json:"steps,omitempty"`                           // the names of the steps of a pipeline's classes, the first one first
	Features  []string `json:"features,omitempty"`                        // the names of its columns
	Threshold *float64 `json:"threshold,omitempty"`                       // the score that separates anomalies from other rows; only detectors have it
	// ResidualOf is the column that a regressor's predictions are compared with.
	ResidualOf string    `json:"residual_of,omitempty"`
	Limit      *float64  `json:"limit,omitempty"`  // the largest residual, without its sign, of rows that are no anomalies
	Center     []float64 `json:"center,omitempty"` // what its first scaler subtracts from each feature
	Scale      []float64 `json:"scale,omitempty"`  // what its first scaler then divides each feature by
}

// Gap is a stretch without a reading.
type Gap struct {
	From time.Time `json:"from"` // the piece of time that has the reading before it
	To   time.Time `json:"to"`   // the piece of time that has the reading after it
}

const (
	mostFiles = 240 // files of predictions that are read for one answer
	mostGaps  = 50  // gaps of an answer
)

// Subject returns the readings of a sensor, or the features of a device model, with its scores,
// anomalies and jobs over a span. The error wraps [fleet.ErrNotFound] if there is neither a
// reading nor a job of it.
func (a *API) Subject(ctx context.Context, req SubjectRequest) (Subject, error) {
	w, err := a.span(ctx, req.From, req.To)
	if err != nil {
		return Subject{}, err
	}
	s := Subject{Device: req.Device, Name: req.Name, From: w.From, To: w.To}
	names, err := a.Readings.DeviceSensors(ctx, req.Device)
	if err != nil {
		return Subject{}, err
	}
	all, err := a.Overview.DeviceJobs(ctx, req.Device, w, mostJobs)
	if err != nil {
		return Subject{}, err
	}
	jobs := slices.DeleteFunc(slices.Clone(all), func(j fleet.Job) bool { return j.Name() != req.Name })
	if s.DeviceModel = !slices.Contains(names, req.Name); s.DeviceModel && len(jobs) == 0 {
		return Subject{}, fmt.Errorf("%s of device %q: %w: no such sensor has sent a reading, and no run from %s to %s has a job of such a model",
			req.Name, req.Device, fleet.ErrNotFound, w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
	}
	runs, err := a.Overview.RunsWithin(ctx, w, mostRuns)
	if err != nil {
		return Subject{}, err
	}
	s.Jobs, s.Marks = make([]Job, len(jobs)), marks(jobs, runs)
	for i, j := range jobs {
		s.Jobs[i] = newJob(j)
	}
	if len(jobs) > 0 {
		if s.Model, s.Portrait, err = a.servingModel(ctx, jobs[0]); err != nil {
			return Subject{}, err
		}
	}
	users, err := a.users(ctx, all)
	if err != nil {
		return Subject{}, err
	}
	s.UsedBy = users[req.Name]
	found, err := a.anomalies(ctx, req.Device, w, jobs, runs, func(id fleet.ID) bool { return id.Name() == req.Name })
	if err != nil {
		return Subject{}, err
	}
	if !s.DeviceModel {
		if err := a.addReadings(ctx, &s, w, found); err != nil {
			return Subject{}, err
		}
	}
	scored := shares(jobs, runs)
	s.Counted = count(scored, w)
	shown := slices.DeleteFunc(scored, share.hidden)
	s.Files = min(len(shown), mostFiles)
	s.Unread = len(shown) - s.Files
	predicted, err := a.predicted(ctx, shown[:s.Files], w, mostFeatures)
	s.Score, s.Residual, s.Features = predicted.score, predicted.residual, predicted.features
	s.Anomalies, s.NotKept = found.pieces, found.notKept
	return s, err
}

// servingModel returns the name of the model that now serves the sensor or device model of a job,
// and the portrait of its file. The portrait is nil if the file cannot be read; the jobs say why.
func (a *API) servingModel(ctx context.Context, j fleet.Job) (model string, is *Portrait, err error) {
	work, err := a.Overview.Work(ctx, j.Run, []fleet.ID{j.ID})
	if err != nil || len(work) == 0 || work[0].Model == nil {
		return "", nil, err
	}
	p, err := a.Portraits.Portrait(ctx, *work[0].Model)
	switch {
	case err == nil:
		is = &p
	case errors.Is(err, fleet.ErrBadModel), errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrChanged):
	default:
		return "", nil, err
	}
	return work[0].Model.Name, is, nil
}

// addReadings adds the readings of a sensor, their distribution, gaps and quality.
func (a *API) addReadings(ctx context.Context, s *Subject, w fleet.Window, found *found) error {
	var seen sample
	var apart intervals
	all, err := a.series(ctx, s.Device, []string{s.Name}, w, func(r fleet.Reading) {
		seen.add(r.Value)
		apart.add(r.Time)
		found.addValue(r)
	})
	if err != nil {
		return err
	}
	s.Readings, s.Gaps = &all[0], gaps(all[0].Points)
	end := w.To
	if now := a.Now(); now.Before(end) {
		end = now
	}
	if s.Quality, err = a.quality(ctx, fleet.ID{Device: s.Device, Sensor: s.Name}, w); err != nil {
		return err
	}
	s.Quality.UsualSeconds, s.Quality.Missing = apart.missing(fleet.MillisOf(end))
	if s.Readings.Values > 0 {
		d := seen.distribution()
		if p := s.Portrait; p != nil && len(p.Scale) == 1 {
			d.Scale = &p.Scale[0]
		}
		if p := s.Portrait; p != nil && len(p.Center) == 1 {
			d.Center = &p.Center[0]
		}
		s.Distribution = &d
	}
	return nil
}

// gaps returns the intervals between points that are longer than five times the median.
func gaps(points []Point) []Gap {
	if len(points) < 4 {
		return nil
	}
	apart := make([]time.Duration, len(points)-1)
	for i := range apart {
		apart[i] = points[i+1].At.Sub(points[i].At)
	}
	slices.Sort(apart)
	usual := apart[len(apart)/2]
	var all []Gap
	for i := range points[1:] {
		if from, to := points[i].At, points[i+1].At; to.Sub(from) > 5*usual && len(all) < mostGaps {
			all = append(all, Gap{from, to})
		}
	}
	return all
}

// Distribution is the distribution of the values of a span, in the sensor's unit.
type Distribution struct {
	From   float64  `json:"from"`             // the least value, where the first bin begins
	Step   float64  `json:"step"`             // the width of a bin; 0 if all values are equal
	Counts []int    `json:"counts"`           // how many values lie in each bin
	Mean   float64  `json:"mean"`             // the mean of the values
	SD     float64  `json:"sd"`               // the standard deviation of the values, with n in the denominator, as StandardScaler has it
	Center *float64 `json:"center,omitempty"` // what the model's scaler subtracts: the mean that it was trained on
	Scale  *float64 `json:"scale,omitempty"`  // what the model's scaler divides by: the spread that it was trained on
}

const (
	bins       = 40      // of a distribution
	mostSample = 1 << 18 // values of a sample
)

// sample has all values that were added. If there are more than [mostSample], it has every second
// one, or every fourth, eighth and so on.
type sample struct {
	values  []float64
	stride  int // the sample has every stride-th value
	skipped int // how many values have come since the last one in the sample
}

func (s *sample) add(v float64) {
	s.stride = max(s.stride, 1)
	if s.skipped++; s.skipped < s.stride {
		return
	}
	s.skipped = 0
	if len(s.values) == mostSample {
		for i := range mostSample / 2 {
			s.values[i] = s.values[2*i+1]
		}
		s.values = s.values[:mostSample/2]
		s.stride *= 2
	}
	s.values = append(s.values, v)
}

// distribution returns the distribution of the values, of which there must be at least one.
func (s *sample) distribution() Distribution {
	least, greatest := slices.Min(s.values), slices.Max(s.values)
	d := Distribution{From: least, Counts: make([]int, bins)}
	n := float64(len(s.values))
	for _, v := range s.values {
		d.Mean += v / n
	}
	for _, v := range s.values {
		d.SD += (v - d.Mean) / n * (v - d.Mean)
	}
	d.SD = math.Sqrt(d.SD)
	if d.Step = greatest/bins - least/bins; d.Step == 0 {
		d.Counts = []int{len(s.values)}
		return d
	}
	for _, v := range s.values {
		d.Counts[min(bins-1, int((v-least)/d.Step))]++
	}
	return d
}
