package predict_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// scores is a model of one feature whose score is the feature. Scores below 0 are
// anomalies. It also gives probabilities.
type scores struct{ kind predict.Kind }

func (s scores) Kind() predict.Kind     { return s.kind }
func (s scores) Features() int          { return 1 }
func (s scores) FeatureNames() []string { return nil }
func (s scores) Classes() []string      { return nil }
func (s scores) Size() int              { return 0 }
func (s scores) Predict(r *predict.Result, x []float64) error {
	if len(x) == 0 {
		return errors.New("no row")
	}
	r.Resize(len(x), 1, 1)
	copy(r.Scores, x)
	for i, v := range x {
		if r.Predictions[i] = 0; v < 0 {
			r.Predictions[i] = 1
		}
	}
	return nil
}

// distances is a detector that needs a limit to tell which rows are anomalies.
type distances struct{ scores }

func (distances) NeedsLimit() bool        { return true }
func (distances) Anomalies() predict.Side { return predict.High }

// TestLimit checks that a score at the limit is normal, on either side. A detector with a
// limit has no probabilities, because those are of the library's own limit.
func TestLimit(t *testing.T) {
	t.Parallel()
	x := []float64{-1, 2, math.Nextafter(2, 3), math.Nextafter(2, 1), math.NaN(), math.Inf(1), math.Inf(-1)}
	for side, want := range map[predict.Side][]float64{predict.Low: {1, 0, 0, 1, 0, 0, 1}, predict.High: {0, 0, 1, 0, 0, 1, 0}} {
		m, err := predict.Limit(scores{}, 2, side)
		if err != nil {
			t.Fatal(err)
		}
		var r predict.Result
		if err := m.Predict(&r, x); err != nil || !slices.Equal(r.Predictions, want) || len(r.Scores) != len(x) || r.Scores[1] != 2 || len(r.Probabilities) != 0 {
			t.Errorf("side %v: got %+v, %v; want predictions %v", side, r, err, want)
		}
		if predict.SideOf(m) != side || predict.Check(m) != nil {
			t.Errorf("side %v: SideOf is %v, and Check gives %v", side, predict.SideOf(m), predict.Check(m))
		}
		if err := m.Predict(&r, nil); err == nil || err.Error() != "no row" {
			t.Errorf("a detector that fails: got %v, want its error", err)
		}
	}
}

// TestLimitRefuses checks that only a detector may have a threshold, which must be finite.
func TestLimitRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  predict.Kind
		limit float64
		want  string
	}{
		{predict.Classifier, 1, "a threshold is for detectors, but the model is a classifier"},
		{predict.Regressor, 1, "the model is a regressor"},
		{predict.Kind(7), 1, "the model is a Kind(7)"},
		{predict.Detector, math.NaN(), "the threshold NaN is no finite number"},
		{predict.Detector, math.Inf(1), "the threshold +Inf is no finite number"},
		{predict.Detector, math.Inf(-1), "the threshold -Inf is no finite number"},
	} {
		if _, err := predict.Limit(scores{c.kind}, c.limit, predict.Low); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v with limit %v: got %v, want %q", c.kind, c.limit, err, c.want)
		}
	}
	if got := predict.Detector.String(); got != "detector" {
		t.Errorf("Detector is called %s", got)
	}
}

// TestCheck checks that a detector which needs a limit is refused without one.
func TestCheck(t *testing.T) {
	t.Parallel()
	if err := predict.Check(scores{}); err != nil || predict.SideOf(scores{}) != predict.Low {
		t.Errorf("a detector without need of a limit: got %v, %v", err, predict.SideOf(scores{}))
	}
	if err := predict.Check(distances{}); !errors.Is(err, predict.ErrNoLimit) || !strings.Contains(err.Error(), "give it a threshold") || predict.SideOf(distances{}) != predict.High {
		t.Errorf("a detector that needs a limit: got %v, %v", err, predict.SideOf(distances{}))
	}
}

// TestResize checks that a Result uses its memory again.
func TestResize(t *testing.T) {
	var r predict.Result
	for _, n := range []int{4, 0, 3} {
		r.Resize(n, 2, 3)
		if len(r.Predictions) != n || len(r.Scores) != 2*n || len(r.Probabilities) != 3*n {
			t.Errorf("%d rows: got %+v", n, r)
		}
	}
	if allocated := testing.AllocsPerRun(10, func() { r.Resize(4, 2, 3) }); allocated != 0 {
		t.Errorf("%v allocations, want none", allocated)
	}
}
