package sklearn_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// consistent checks what must be true of every model, whatever is in its file: the results
// of a row do not depend on the other rows or on their order. It checks Predict and
// ScoreSamples.
func consistent(m *sklearn.Model) error {
	d, n := m.Features(), 11
	x := make([]float64, n*d)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = [4]float64{float64(i) + 0.5, 3 * r.NormFloat64(), math.Round(r.NormFloat64()), 0}[i/d%4]
	}
	return consistentOn(m, x)
}

func consistentOn(m *sklearn.Model, x []float64) error {
	d := m.Features()
	n := len(x) / d
	all, err := results(m, x)
	alone := make([]string, n)
	backwards := make([]float64, 0, len(x))
	for i := range n {
		row := x[i*d : (i+1)*d]
		backwards = append(backwards, x[(n-1-i)*d:(n-i)*d]...)
		one, oneErr := results(m, row)
		switch {
		case err == nil && oneErr != nil:
			return fmt.Errorf("row %d alone is refused: %w", i, oneErr)
		case err == nil && one[0] != all[i]:
			return fmt.Errorf("row %d alone gives %s, among others %s", i, one[0], all[i])
		case oneErr == nil:
			alone[i] = one[0]
		}
	}
	reversed, err2 := results(m, backwards)
	if (err == nil) != (err2 == nil) {
		return fmt.Errorf("the rows give %v, in reverse %v", err, err2)
	}
	for i := range reversed {
		if reversed[i] != all[n-1-i] {
			return fmt.Errorf("row %d gives %s, in reverse order %s", i, all[n-1-i], reversed[i])
		}
	}
	return nil
}

// results returns all results of each row, to the bit.
func results(m *sklearn.Model, x []float64) ([]string, error) {
	var r predict.Result
	if err := m.Predict(&r, x); err != nil {
		return nil, err
	}
	n := len(r.Predictions)
	samples := make([]float64, n)
	if m.ScoreSamples(samples, x) != nil {
		samples = nil
	}
	all := make([]string, n)
	part := func(v []float64, i int) []float64 { return v[i*len(v)/n : (i+1)*len(v)/n] }
	for i := range all {
		all[i] = fmt.Sprintf("%x %x %x %x", r.Predictions[i], part(r.Scores, i), part(r.Probabilities, i), part(samples, i))
	}
	return all, nil
}
