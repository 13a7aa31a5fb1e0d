package offline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// score scores one subject. An error is one of the disk or of ctx. The error of the subject is
// in the outcome.
func (b *batch) score(ctx context.Context, s subject) (fleet.Outcome, error) {
	began := time.Now()
	if s.model != nil {
		defer s.model.release()
	}
	file := filepath.Join(b.Out, b.File(s.ID))
	var o fleet.Outcome
	var disk error
	err := spawn.Catch(func() error {
		var err error
		err, disk = b.write(ctx, file, s, &o)
		return err
	})
	o.Duration = time.Since(began)
	if err := cmp.Or(disk, context.Cause(ctx)); err != nil {
		return o, err
	}
	log := filepath.Join(b.Out, ErrorLogOf(b.File(s.ID), fleet.Failed))
	if err == nil {
		o.Result = fleet.Scored
		return o, remove(log)
	}
	if err := remove(file); err != nil { // of an earlier scoring
		return o, err
	}
	o.CSVSHA256, o.Error = "", err.Error()
	if o.Result = fleet.FailureOf(err).Outcome; o.Result == "" {
		o.Result = fleet.Failed
	}
	if !ledger.HasErrorLog(o.Result) {
		return o, remove(log)
	}
	content, err := json.MarshalIndent(ledger.NewErrorLog(b.run, fleet.JobKey{ID: s.ID}, o, nil), "", "  ")
	if err != nil {
		return o, err
	}
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return o, err
	}
	return o, os.WriteFile(log, append(content, '\n'), 0o644)
}

// write writes the predictions of a subject to a file. Err is an error of the subject, disk one
// of the disk.
func (b *batch) write(ctx context.Context, file string, s subject, o *fleet.Outcome) (err, disk error) {
	judged, err := b.prepare(s, o)
	if err != nil {
		return err, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	to := &output{to: io.MultiWriter(f, sum)}
	readings := &source{}
	err = b.predict(ctx, to, judged, readings, o)
	if disk := cmp.Or(to.err, readings.err, f.Close()); disk != nil {
		return nil, disk
	}
	o.CSVSHA256 = hex.EncodeToString(sum.Sum(nil))
	return err, nil
}

// output keeps the error of a write, to tell it from errors of the subject.
type output struct {
	to  io.Writer
	err error
}

func (w *output) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	w.err = err
	return n, err
}

// source keeps the error of reading the series, to tell it from errors of the subject.
type source struct{ err error }

// prepare loads the model of a subject, and plans its rows. It sets the fields of the outcome
// that describe the model.
func (b *batch) prepare(s subject, o *fleet.Outcome) (score.Subject, error) {
	judged := score.Subject{ID: s.ID, Window: b.Window, Aggregation: b.aggregation}
	if s.model != nil {
		o.Model = s.model.Name
	}
	switch {
	case s.Fault != "":
		return judged, fmt.Errorf("%w: %s", fleet.ErrBadModel, strings.TrimPrefix(s.Fault, fleet.ErrBadModel.Error()+": "))
	case s.model == nil:
		return judged, score.NoModel(s.ID, "the folder", "add one")
	}
	m, err := s.model.load()
	if err != nil {
		return judged, fmt.Errorf("model of %s: %w", s.ID, err)
	}
	o.ModelSHA256 = m.SHA256()
	judged.Model = m
	if judged.Plan, err = score.Prepare(s.ID, m, b.aggregation, b.Attributes[s.Device], b.MaxLookback); judged.Plan != nil && m.Spec() != nil {
		o.AttributesSHA256 = m.Spec().AttributesSHA256(b.Attributes[s.Device])
	}
	return judged, err
}

// predict writes the predictions of a subject to w, and its figures to the outcome.
func (b *batch) predict(ctx context.Context, w io.Writer, s score.Subject, from *source, o *fleet.Outcome) error {
	out, err := score.NewPredictions(ctx, w, s, b.cpu)
	if err != nil {
		return err
	}
	defer out.Release()
	if s.Plan == nil {
		err = b.points(out, s, from)
	} else {
		err = b.samples(out, s, from)
	}
	if err != nil {
		return err
	}
	return out.Close(ctx, o)
}

func (b *batch) points(out *score.Predictions, s score.Subject, from *source) error {
	first, end := fleet.MillisOf(b.Window.From), fleet.MillisOf(b.Window.To)
	for points, err := range b.Readings.Points(s.ID, runtime.GOMAXPROCS(0)) {
		if err != nil {
			from.err = err
			return err
		}
		for _, p := range points {
			if p.Time < first {
				continue
			}
			if p.Time >= end {
				return nil
			}
			if err := out.Point(p.Time, p.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) samples(out *score.Predictions, s score.Subject, from *source) error {
	first, end := fleet.MillisOf(b.Window.From.Add(-s.Plan.Lookback())), fleet.MillisOf(b.Window.To)
	sensors := make([]fleet.ID, len(s.Plan.Sensors()))
	for i, name := range s.Plan.Sensors() {
		sensors[i] = fleet.ID{Device: s.ID.Device, Sensor: name}
	}
	for p, err := range b.Readings.Samples(sensors, runtime.GOMAXPROCS(0)) {
		if err != nil {
			from.err = err
			return err
		}
		if p.Time < first {
			continue
		}
		if p.Time >= end {
			return nil
		}
		if err := out.Sample(p.Series, p.Time, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// Err returns nil if the run succeeded. Otherwise it returns an error with the errors of the
// first subjects.
func (r Result) Err() error {
	if r.Run.State == fleet.RunSucceeded {
		return nil
	}
	const few = 5
	lines := []string{"the scoring is " + string(r.Run.State)}
	wrong := slices.DeleteFunc(slices.Clone(r.Jobs), func(j fleet.Job) bool { return !ledger.HasErrorLog(j.State) || j.State == fleet.NoModel })
	for i, j := range wrong {
		if i == few {
			lines = append(lines, fmt.Sprintf("and %d more", len(wrong)-few))
			break
		}
		lines = append(lines, fmt.Sprintf("%v: %s", j.ID, j.Error))
	}
	return errors.New(strings.Join(lines, "\n  "))
}
