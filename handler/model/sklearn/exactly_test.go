package sklearn

import (
	"slices"
	"testing"
)

// TestRowNorm checks the order of the sums in rowNorm. The wanted numbers are the results
// of row_norms of scikit-learn 1.9.1 with numpy 2.5.5, minus 1e16.
func TestRowNorm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		row  []float64
		want float64
	}{
		{[]float64{1, 0, 1, 0, 1, 0, 1e8, 0}, 0}, {[]float64{1e8, 0, 1, 0, 1, 0, 1, 0}, 4}, {[]float64{0, 1, 0, 1, 0, 1, 0, 1e8}, 0},
		{[]float64{0, 1e8, 0, 1, 0, 1, 0, 1}, 4}, {[]float64{1, 0, 1e8, 0, 1, 0, 1, 0}, 4}, {[]float64{1, 0, 0, 0, 0, 0, 0, 0, 1e8, 0}, 0},
	} {
		if got := rowNorm(c.row) - 1e16; got != c.want {
			t.Errorf("%v: %v beyond 1e16, want %v", c.row, got, c.want)
		}
	}
}

// fixed is a calibrator that always returns the same number.
type fixed float64

func (f fixed) value(float64) (float64, error) { return float64(f), nil }

// silent is a classifier whose scores are 0.
type silent struct{}

func (silent) predict(out outcome, _ []float64, _ int, _ *arena) error {
	clear(out.score)
	return nil
}

// TestCalibrated checks that a probability slightly above 1 becomes 1, as in scikit-learn,
// and a larger one stays.
func TestCalibrated(t *testing.T) {
	t.Parallel()
	for given, want := range map[fixed]float64{1: 1, 1 + 1e-6: 1, 1 + 1e-4: 1 + 1e-4, .75: .75} {
		f := fold{element: &element{predictor: silent{}, role: role{scores: 1}, in: 1}, score: true, calibrators: []calibrator{given}}
		var proba [4]float64
		if err := f.calibrate(proba[:], make([]float64, 2), 2, 2, &arena{}); err != nil {
			t.Fatal(err)
		}
		if proba[1] != want || proba[3] != want || proba[0] != 1-float64(given) {
			t.Errorf("%v becomes %v, want %v", given, proba, want)
		}
	}
}

// TestVotes checks votes for a decision of 0: libsvm's prediction counts it for the second
// class of the pair, scikit-learn's decision function for the first.
func TestVotes(t *testing.T) {
	t.Parallel()
	var votes [3]float64
	for _, c := range []struct{ decisions, votes, scores []float64 }{
		{[]float64{0, 0, 0}, []float64{0, 1, 2}, []float64{2, 1, 0}},
		{[]float64{1, 1, 1}, []float64{2, 1, 0}, []float64{2 + 2./9, 1, -2. / 9}},
		{[]float64{-1, -1, -1}, []float64{0, 1, 2}, []float64{-2. / 9, 1, 2 + 2./9}},
		{[]float64{1, -1, 1}, []float64{1, 1, 1}, []float64{1, 1, 1}},
	} {
		(&svc{}).vote(votes[:], c.decisions)
		if !slices.Equal(votes[:], c.votes) {
			t.Errorf("%v: votes %v, want %v", c.decisions, votes, c.votes)
		}
		restScores(votes[:], c.decisions)
		if !slices.Equal(votes[:], c.scores) {
			t.Errorf("%v: scores %v, want %v", c.decisions, votes, c.scores)
		}
	}
}
