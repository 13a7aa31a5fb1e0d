package score

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Model is a model ready to predict. It is safe for concurrent use.
type Model interface {
	predict.Model
	Name() string   // of its blob
	SHA256() string // of its bytes, lower-case hex
}

// Models returns the model that serves a sensor. Its errors wrap
// [fleet.ErrNoModel], [fleet.ErrBadModel] or [fleet.ErrUnavailable].
type Models func(ctx context.Context, id fleet.ID) (Model, error)

// fits reports, as an error wrapping [fleet.ErrBadModel], that m does not take
// what the run makes of the readings.
func fits(m Model, features []string) error {
	if m.Features() == len(features) {
		return nil
	}
	made := "raw readings, one feature"
	if len(features) > 1 || features[0] != rawFeature {
		made = fmt.Sprintf("the aggregates %v", features)
	}
	return fmt.Errorf("%w: model %s takes %d features, but the run makes %s: publish a model for these, or rescore the run under another SCORE_AGGREGATE",
		fleet.ErrBadModel, m.Name(), m.Features(), made)
}

// predictRows calls m.Predict. An error that says no more than that the rows
// were refused is bad data.
func predictRows(m Model, r *predict.Result, x []float64) error {
	err := m.Predict(r, x)
	if err != nil && fleet.FailureOf(err).Err == nil {
		return fmt.Errorf("%w: model %s refuses the rows: %w", fleet.ErrBadData, m.Name(), err)
	}
	return err
}

// errPanic: scoring a job panicked.
var errPanic = errors.New("panic")

// guard calls f and makes a panic an error, the job's own: it must not take
// the process, nor the jobs beside it, along.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, v, debug.Stack())
		}
	}()
	return f()
}
