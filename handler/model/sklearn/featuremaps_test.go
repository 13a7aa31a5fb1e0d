package sklearn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// TestChi2Numbers checks which numbers the samplers of chi-squared kernels refuse, and that
// the error names the place. Scikit-learn raises an error for the same: "Negative values in
// data" and "X may not contain entries smaller than -skewedness".
func TestChi2Numbers(t *testing.T) {
	t.Parallel()
	all := readEstimators(t, newestEstimators)
	for _, tt := range []struct {
		model   string
		value   float64
		refused bool
	}{
		{"t_additive_chi2_", -5e-324, true},
		{"t_additive_chi2_", -1, true},
		{"t_additive_chi2_", math.Inf(-1), true},
		{"t_additive_chi2_", 0, false},
		{"t_additive_chi2_", math.Copysign(0, -1), false},
		{"t_additive_chi2_", 5e-324, false},
		{"t_skewed_chi2_1.0", -1, true},
		{"t_skewed_chi2_1.0", math.Nextafter(-1, -2), true},
		{"t_skewed_chi2_1.0", math.Inf(-1), true},
		{"t_skewed_chi2_1.0", math.Nextafter(-1, 0), false},
		{"t_skewed_chi2_1.0", 0, false},
		{"t_rbm", -1e9, false},
		{"t_rbm", 1e9, false},
	} {
		m, err := sklearn.Load(all[tt.model].bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		x := floats(t, all[tt.model].X)
		x[2*m.Features()+1] = tt.value
		var r predict.Result
		err = m.Predict(&r, x)
		switch {
		case tt.refused && (err == nil || !strings.Contains(err.Error(), "row 2, column 1: ")):
			t.Errorf("%s of %v: %v, want an error that names row 2, column 1", tt.model, tt.value, err)
		case !tt.refused && (err != nil || r.Predictions[2]-r.Predictions[2] != 0):
			t.Errorf("%s of %v: %v, %v, want a finite prediction", tt.model, tt.value, r.Predictions, err)
		}
	}
}
