package score

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Model is a model ready to predict. It is safe for concurrent use.
type Model interface {
	predict.Model
	Name() string   // the name of its blob
	SHA256() string // the SHA-256 of its bytes, in lower-case hexadecimal
	// Spec returns the features file beside the model, or nil if there is none.
	Spec() *features.Spec
	// Detects returns nil if the model decides by itself which rows are anomalies. Else it
	// returns an error that says why not.
	Detects() error
}

// Models reads models. Its errors wrap [fleet.ErrBadModel], [fleet.ErrUnavailable], or, if
// the version does not exist any more, blob.ErrChanged or blob.ErrNotFound.
type Models interface {
	// Model returns a registered version of a model.
	Model(ctx context.Context, version fleet.Model) (Model, error)
	// Attributes returns a registered version of devices.csv.
	Attributes(ctx context.Context, version fleet.Model) (features.Attributes, error)
	// Renew registers the present version of a model, as the registered one is gone.
	Renew(ctx context.Context, log *slog.Logger, gone fleet.Model) error
}

// load reads the task's model and finds out how its rows are made. It leaves the
// model nil if there is an error.
func (p *processor) load(ctx context.Context, t *task) {
	t.model, t.plan, t.began, t.result = nil, nil, p.Now(), fleet.Outcome{}
	ctx, span := p.span(ctx, "load model", t)
	defer func() { span.End(t.err) }()
	t.err = guard(func() error {
		w := t.work
		switch {
		case w.Fault != "" && w.Model != nil:
			t.result.Model = w.Model.Name
			return fmt.Errorf("%w: %s", fleet.ErrBadModel, w.Fault)
		case w.Fault != "":
			return fmt.Errorf("%w: %s", fleet.ErrBadModel, w.Fault)
		case w.Model == nil:
			return NoModel(t.key.ID, "container "+blob.Models, "publish one")
		}
		m, err := p.Models.Model(ctx, *w.Model)
		if gone(err) {
			return p.renew(ctx, t, *w.Model)
		}
		if err != nil {
			return fmt.Errorf("model of %s: %w", t.key.ID, err)
		}
		t.result.Model, t.result.ModelSHA256 = m.Name(), m.SHA256()
		if err := p.plan(ctx, t, m); err != nil || t.startOver {
			return err
		}
		t.model = m
		return nil
	})
}

// NoModel returns an error that wraps [fleet.ErrNoModel]. It names the files that could be
// the model of id, and the place in which they were searched.
func NoModel(id fleet.ID, where, remedy string) error {
	names := []string{id.Path() + ".pkl", "_fleet/" + fleet.EncodeName(id.Name()) + ".pkl"}
	if id.DeviceModel == "" {
		names = append(names, "default.pkl")
	}
	return fmt.Errorf("%w: %s has none of %s for %s: %s", fleet.ErrNoModel, where, strings.Join(names, ", "), id, remedy)
}

// gone reports whether err says that a version of a blob does not exist any more.
func gone(err error) bool { return errors.Is(err, blob.ErrChanged) || errors.Is(err, blob.ErrNotFound) }

// renew registers the present version of a model, and starts over with the job.
func (p *processor) renew(ctx context.Context, t *task, m fleet.Model) error {
	if err := p.Models.Renew(ctx, p.log, m); err != nil {
		return fmt.Errorf("model of %s: register %s anew: %w", t.key.ID, m.Name, err)
	}
	t.startOver = true
	return nil
}

// plan finds out how the rows of a task are made. Before any reading is read, it
// stores in SQL how far the rows of a device model look back. So a late reading
// that changes them re-opens the job, even if it comes while the job is scored.
func (p *processor) plan(ctx context.Context, t *task, m Model) error {
	attributes, err := p.attributes(ctx, t, m)
	if err != nil || t.startOver {
		return err
	}
	plan, err := Prepare(t.key.ID, m, p.aggregation, attributes, p.MaxLookback)
	if err != nil || plan == nil {
		return err
	}
	if plan.Lookback() > t.work.Lookback {
		bound, err := p.Ledger.BindJob(ctx, p.run.ID, t.key, plan.Lookback())
		if err != nil || !bound {
			t.startOver = err == nil
			return err
		}
	}
	t.plan, t.result.AttributesSHA256 = plan, specOf(m).AttributesSHA256(attributes)
	return nil
}

// attributes returns the attributes of the task's device, if its model uses any.
func (p *processor) attributes(ctx context.Context, t *task, m Model) (map[string]string, error) {
	if t.key.DeviceModel == "" || len(specOf(m).Attributes()) == 0 {
		return nil, nil
	}
	version, err := p.Ledger.Attributes(ctx)
	if err != nil || version == nil {
		return nil, err
	}
	all, err := p.Models.Attributes(ctx, *version)
	if gone(err) {
		return nil, p.renew(ctx, t, *version)
	}
	return all[t.key.Device], err
}

func detects(m Model) error {
	if err := m.Detects(); err != nil {
		return fmt.Errorf("%w: model %s: %w", fleet.ErrBadModel, m.Name(), err)
	}
	return nil
}

// fits returns an error that wraps [fleet.ErrBadModel] if a sensor's model takes other
// features than the run makes from the readings.
func fits(m Model, id fleet.ID, a fleet.Aggregation) error {
	columns := columnsOf(a)
	if spec := m.Spec(); spec != nil && spec.MakesRows() {
		return fmt.Errorf("%w: model %s is a device model, and the device has a sensor named %s too: give one of them another name", fleet.ErrBadModel, m.Name(), id.Sensor)
	}
	if m.Features() == len(columns) {
		return nil
	}
	made := "raw readings, one feature"
	if !a.Raw() {
		made = fmt.Sprintf("the aggregates %v", columns)
	}
	also := ""
	if names := m.FeatureNames(); len(names) > 1 {
		also = fmt.Sprintf(" (its features are %s: if it is a device model, give it a name that no sensor of the device has)", strings.Join(names, ", "))
	}
	return fmt.Errorf("%w: model %s takes %d features, but the run makes %s: publish a model for these, or rescore the run under another SCORE_AGGREGATE%s",
		fleet.ErrBadModel, m.Name(), m.Features(), made, also)
}

// predictRows calls m.Predict. If its error is not one of [fleet.Failures], the model
// refuses the rows: that is bad data.
func predictRows(m Model, r *predict.Result, x []float64) error {
	err := m.Predict(r, x)
	if err != nil && fleet.FailureOf(err).Err == nil {
		return fmt.Errorf("%w: model %s refuses the rows: %w", fleet.ErrBadData, m.Name(), err)
	}
	return err
}

// guard calls f. It turns a panic into an error of the job, with its stack, so that
// neither the process nor other jobs are lost.
func guard(f func() error) error {
	err := spawn.Catch(f)
	var p *spawn.Panic
	if errors.As(err, &p) {
		return fmt.Errorf("%w\n%s", err, p.Stack)
	}
	return err
}
