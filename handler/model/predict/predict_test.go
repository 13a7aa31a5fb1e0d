package predict_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// scores is a detector whose scores are the numbers of its rows, of which those below
// 0 are anomalies; each has a probability too.
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

// distances is one that cannot tell anomalies.
type distances struct{ scores }

func (distances) NeedsLimit() bool        { return true }
func (distances) Anomalies() predict.Side { return predict.High }

// TestLimit: a score at the limit is normal, on either side; probabilities, which are of
// the library's own limit, go.
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
			t.Errorf("side %v: %+v, %v; want %v", side, r, err, want)
		}
		if predict.SideOf(m) != side || predict.Check(m) != nil {
			t.Errorf("side %v: it is %v, %v", side, predict.SideOf(m), predict.Check(m))
		}
		if err := m.Predict(&r, nil); err == nil || err.Error() != "no row" {
			t.Errorf("the detector's error is %v", err)
		}
	}
}

// TestLimitRefuses: a threshold is a finite number, for a detector.
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
			t.Errorf("%v: the error is %v, want %q", c.kind, err, c.want)
		}
	}
	if got := predict.Detector.String(); got != "detector" {
		t.Error(got)
	}
}

// TestCheck: a detector that cannot tell anomalies needs a threshold, and says on which
// side they are.
func TestCheck(t *testing.T) {
	t.Parallel()
	if err := predict.Check(scores{}); err != nil || predict.SideOf(scores{}) != predict.Low {
		t.Error(err)
	}
	if err := predict.Check(distances{}); !errors.Is(err, predict.ErrNoLimit) || !strings.Contains(err.Error(), "give it a threshold") || predict.SideOf(distances{}) != predict.High {
		t.Error(err)
	}
}

// TestResize: a Result keeps its memory.
func TestResize(t *testing.T) {
	var r predict.Result
	for _, n := range []int{4, 0, 3} {
		r.Resize(n, 2, 3)
		if len(r.Predictions) != n || len(r.Scores) != 2*n || len(r.Probabilities) != 3*n {
			t.Errorf("%d rows: %+v", n, r)
		}
	}
	if allocated := testing.AllocsPerRun(10, func() { r.Resize(4, 2, 3) }); allocated != 0 {
		t.Errorf("%v allocations", allocated)
	}
}
