package sklearn_test

import (
	"math"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// FuzzLoad checks that no file makes Load or Predict crash or take a second of CPU time,
// and that Load does not allocate more than the budget of package pickle.
func FuzzLoad(f *testing.F) {
	all := readGoldens(f, allModels)
	for _, name := range []string{"protocol_0", "protocol_2", "protocol_5", "joblib_plain", "joblib_xz", "joblib_bz2", "lof_kd_tree", "lof_ball_tree", "columns_slice_drop", "t_power_box", "imputer_indicator"} {
		f.Add(all[name].File)
	}
	estimators := readEstimators(f, newestEstimators)
	for _, name := range []string{
		"forest_3", "boosting_2", "hist_categories", "svc_rbf_3", "knn_distance_kd_tree_2", "mlp_tanh_3", "calibrated_isotonic_2", "stacking_auto_3", "voting_r", "grid",
		"mixture_full", "kde_gaussian", "t_spline_linear", "t_onehot_infrequent", "t_knn_imputer", "t_iterative", "t_from_forest", "t_polynomial_3", "target_log1p",
	} {
		f.Add(estimators[name].bytes(f))
	}
	for _, g := range readPyOD(f, newestPyOD) {
		if len(g.File) < 20_000 {
			f.Add(g.File)
		}
	}
	for _, r := range readRefusals(f) {
		f.Add(r.File)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Package joblib tests the limits of decompression.
		plain, err := joblib.Decompress(data)
		if err == nil {
			data = plain
		}
		most := math.MaxInt
		if err == nil {
			most = min((8+64)*len(data)+2<<20, 256<<20)
		}
		measure.Bounded(t, most, func() { _, _ = sklearn.Load(data) })
		measure.Bounded(t, math.MaxInt, func() { tryModel(data) })
	})
}

// TestNoAllocationPerRow checks that scoring many rows allocates as little as scoring few.
func TestNoAllocationPerRow(t *testing.T) {
	all := readGoldens(t, allModels)
	for _, name := range []string{"ocsvm_rbf_d4", "iforest_auto", "lof_kd_tree", "elliptic", "t_pca", "t_power_yeo", "t_nystroem_rbf", "columns_list_passthrough"} {
		m, err := sklearn.Load(all[name].File)
		if err != nil {
			t.Fatal(name, err)
		}
		const rows = 3000
		x := make([]float64, rows*m.Features())
		var r predict.Result
		if n := testing.AllocsPerRun(5, func() { err = m.Predict(&r, x) }); n > 10 || err != nil {
			t.Errorf("%s: %v allocations for %d rows, %v", name, n, rows, err)
		}
	}
}
