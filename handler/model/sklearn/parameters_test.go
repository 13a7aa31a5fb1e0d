package sklearn_test

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// TestParameters checks that a parameter is refused with its name if scikit-learn refuses
// it or cannot compute with it.
func TestParameters(t *testing.T) {
	t.Parallel()
	old, all := readGoldens(t, allModels), readEstimators(t, newestEstimators)
	for _, tt := range []struct {
		model, path string // the steps of a Pipeline are numbers
		value       any    // replaces a number, or each number of an array
		want        string
	}{
		{"t_standard", "0.scale_", 0.0, "scale_ is 0 at 0: it has to be above 0"},
		{"t_standard", "0.scale_", -1.0, "scale_ is -1 at 0"},
		{"t_robust", "0.scale_", 0.0, "scale_ is 0 at 0"},
		{"t_standard", "0.mean_", math.NaN(), "mean_ has a NaN"},
		{"t_minmax_clip", "0.feature_range.0", int64(7), "feature_range is from 7 to 1"},
		{"t_pca_whiten", "0.explained_variance_", -1.0, "explained_variance_ is -1 at 0"},
		{"t_nystroem_rbf", "0.normalization_", math.Inf(1), "normalization_ has a +Inf"},
		{"ocsvm_rbf_d4", "_gamma", -1.0, "gamma -1 is not a number of 0 or more"},
		{"ocsvm_rbf_d4", "_gamma", math.NaN(), "_gamma is NaN"},
		{"iforest_auto", "offset_", math.NaN(), "offset_ is NaN"},
		{"iforest_auto", "max_samples_", int64(0), "max_samples_ is 0: it has to be 1 at least"},
		{"lof_kd_tree", "n_neighbors_", int64(0), "n_neighbors_ is 0"},
		{"lof_kd_tree", "n_neighbors_", int64(1000), "1000 neighbours among 60 rows"},
		{"lof_kd_tree", "_lrd", math.NaN(), "_lrd has a NaN"},
		{"elliptic", "precision_", math.NaN(), "precision_ has a NaN"},

		{"boosting_2", "learning_rate", math.NaN(), "learning_rate is NaN"},
		{"bagging_r", "n_estimators", int64(0), "n_estimators is 0"},
		{"logistic_3", "coef_", math.NaN(), "coef_ has a NaN"},
		{"linear", "intercept_", math.Inf(1), "intercept_ has a +Inf"},
		{"svc_rbf_3", "_n_support", int64(-1), "_n_support has -1 at 0"},
		{"svc_rbf_3", "_n_support", int64(1), "_n_support are of 3 support vectors"},
		{"knn_uniform_brute_2", "n_neighbors", int64(-3), "n_neighbors is -3"},
		{"knn_uniform_brute_2", "_y", int64(2), "_y has 2 at 0, which is none of the classes"},
		{"naive_bayes_2", "var_", 0.0, "var_ has a 0: variances are above 0"},
		{"naive_bayes_2", "class_prior_", -0.5, "class_prior_ is -0.5 at 0"},
		{"isotonic_clip", "X_thresholds_", 1.0, "X_thresholds_ does not ascend"},
		{"mixture_full", "weights_", -1.0, "weights_ is -1 at 0"},
		{"mixture_full", "precisions_cholesky_", 0.0, "has no determinant above 0"},
		{"bayesian_full", "degrees_of_freedom_", 1.0, "component 0 has 1 degrees of freedom"},
		{"bayesian_full", "mean_precision_", 0.0, "mean precision 0"},
		{"kde_gaussian", "bandwidth_", 0.0, "bandwidth is 0: it has to be above 0"},
		{"kde_gaussian", "bandwidth_", -1.0, "bandwidth is -1"},
		{"voting_soft_weights_2", "weights.1", math.NaN(), "weights is no finite number at 1"},
		{"tree_2", "tree_.values", math.NaN(), "node 0 has the value NaN"},
		{"tree_r", "tree_.values", math.Inf(-1), "node 0 has the value -Inf"},
		{"hist_2", "_baseline_prediction", math.NaN(), "_baseline_prediction has a NaN"},
		{"adaboost_2", "estimator_weights_", math.NaN(), "estimator_weights_ has a NaN"},
		{"t_k_best", "0.k", int64(-1), "k is -1"},
		{"t_percentile", "0.percentile", int64(101), "percentile is 101"},
		{"t_polynomial_3", "0.0.degree", int64(-1), "degree is from 0 to -1"},
		{"t_spline_constant", "0.degree", int64(9), "do not fit the degree 9"},
		{"t_bins_uniform_ordinal", "0.n_bins_", int64(0), "n_bins_ is 0 at 0"},
		{"t_onehot_infrequent", "0._default_to_infrequent_mappings.0", 99.0, "_default_to_infrequent_mappings has 99 in column 0"},
		{"t_onehot_infrequent_drop", "0._drop_idx_after_grouping", 99.0, "column 0 has the code"},
		{"t_knn_imputer", "0.n_neighbors", int64(0), "n_neighbors is 0"},
		{"t_variance", "0.threshold", math.NaN(), "threshold is NaN"},
		{"t_additive_chi2_", "0.sample_steps", int64(0), "sample_steps is 0: it has to be 1 at least"},
		{"t_additive_chi2_", "0.sample_steps", int64(1 << 21), "at most 1048576 are supported"},
		{"t_additive_chi2_2_0.3", "0.sample_steps", int64(1 << 19), "takes far more memory"},
		{"t_additive_chi2_2_0.3", "0.sample_steps", int64(1<<17 + 1), "from 4 columns to 1048580"},
		{"t_additive_chi2_", "0.sample_steps", int64(4), "sample_interval is missing: 4 sample_steps need one"},
		{"t_additive_chi2_", "0.n_features_in_", int64(0), "n_features_in_ is of 0 features"},
		{"t_additive_chi2_2_0.3", "0.sample_interval", math.NaN(), "sample_interval is NaN"},
		{"t_additive_chi2_2_0.3", "0.sample_interval", math.Inf(1), "sample_interval is +Inf"},
		{"t_additive_chi2_2_0.3", "0.sample_interval", -0.5, "the sampling interval is -0.5: it has to be 0 or more"},
		{"t_skewed_chi2_1.0", "0.skewedness", math.Inf(1), "skewedness is +Inf"},
		{"t_skewed_chi2_1.0", "0.random_weights_", math.NaN(), "random_weights_ has a NaN"},
		{"t_skewed_chi2_1.0", "0.random_offset_", math.Inf(-1), "random_offset_ has a -Inf"},
		{"t_rbm", "0.components_", math.NaN(), "components_ has a NaN"},
		{"t_rbm", "0.intercept_hidden_", math.Inf(1), "intercept_hidden_ has a +Inf"},
		{"t_kernel_centerer", "0.K_fit_all_", math.NaN(), "K_fit_all_ is NaN"},
	} {
		file := old[tt.model].File
		if file == nil {
			file = all[tt.model].bytes(t)
		}
		_, err := loadWith(t, file, tt.path, tt.value)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with %s of %v: %v, want %s", tt.model, tt.path, tt.value, err, tt.want)
		}
	}
}

// loadWith loads a file with another number in it.
func loadWith(t *testing.T, file []byte, path string, number any) (*sklearn.Model, error) {
	t.Helper()
	return sklearn.LoadValue(len(file), nil, func(opt pickle.Options) (any, error) {
		v, err := pickle.Read(file, opt)
		if err == nil && !replace(&v, strings.Split(path, "."), number) {
			t.Errorf("there is no number %s", path)
		}
		return v, err
	})
}

// TestTie checks that a row whose score equals the threshold, up to the rounding of
// logarithms and powers on another processor, is no anomaly.
func TestTie(t *testing.T) {
	t.Parallel()
	g := readGoldens(t, allModels)["iforest_contamination"]
	x := floats(t, g.X[:1])
	m, err := sklearn.Load(g.File)
	if err != nil {
		t.Fatal(err)
	}
	var samples [1]float64
	if err := m.ScoreSamples(samples[:], x); err != nil {
		t.Fatal(err)
	}
	var r predict.Result
	for _, limit := range []float64{math.Nextafter(samples[0], 1), math.Nextafter(samples[0], -1), samples[0]} {
		m, err := loadWith(t, g.File, "offset_", limit)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Predict(&r, x); err != nil || r.Predictions[0] != 0 || r.Scores[0] != 0 {
			t.Errorf("limit %v: %v, %v, %v", limit, r.Predictions, r.Scores, err)
		}
	}
	m, err = loadWith(t, g.File, "offset_", samples[0]+1e-12)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Predict(&r, x); err != nil || r.Predictions[0] != 1 {
		t.Errorf("clearly beyond the limit: %v, %v", r.Predictions, err)
	}
}

// replace replaces the value at the end of a path from v by a number. An array is replaced
// by one of the same shape, filled with the number.
func replace(v *any, path []string, number any) bool {
	if len(path) == 0 {
		array, err := numpy.Parse(*v)
		if err != nil {
			*v = number
			return true
		}
		f, err := numpy.Float(number)
		if err != nil {
			return false
		}
		raw := make([]byte, 0, 8*array.Len())
		for range array.Len() {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(f))
		}
		same, err := numpy.New(numpy.DType{Kind: 'f', Size: 8}, array.Shape, false, raw)
		*v = &same
		return err == nil
	}
	at, err := strconv.Atoi(path[0])
	switch o := (*v).(type) {
	case *pickle.Object:
		name := path[0]
		if err == nil {
			name, path = "steps", append([]string{"steps", path[0], "1"}, path[1:]...)
		}
		state, ok := o.State.(*pickle.Dict)
		for i := range state.Entries {
			if ok && state.Entries[i].Key == any(name) {
				return replace(&state.Entries[i].Value, path[1:], number)
			}
		}
	case *pickle.List:
		return err == nil && at < len(o.Items) && replace(&o.Items[at], path[1:], number)
	case *pickle.Tuple:
		return err == nil && at < len(o.Items) && replace(&o.Items[at], path[1:], number)
	}
	return false
}
