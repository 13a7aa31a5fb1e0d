package sklearn

import (
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// class is how an estimator of scikit-learn is loaded.
type class struct {
	name     string
	modules  []string // in which the versions have it
	detector bool
	load     func(*attrs) *element
	foreign  bool // of another library: it has no _sklearn_version
}

var classes map[pickle.Global]class

var classList []class

// publicNames are the classes' names as users import them.
var publicNames = make(map[pickle.Global]string)

func init() {
	preprocessing := []string{"sklearn.preprocessing.data", "sklearn.preprocessing._data"}
	wrappers, lightgbmWrappers := []string{"xgboost.sklearn"}, []string{"lightgbm.sklearn"}
	classList = []class{
		{"OneClassSVM", []string{"sklearn.svm.classes", "sklearn.svm._classes"}, true, loadOneClassSVM, false},
		{"SGDOneClassSVM", []string{"sklearn.linear_model._stochastic_gradient"}, true, loadSGDOneClassSVM, false},
		{"IsolationForest", []string{"sklearn.ensemble.iforest", "sklearn.ensemble._iforest"}, true, loadIsolationForest, false},
		{"LocalOutlierFactor", []string{"sklearn.neighbors.lof", "sklearn.neighbors._lof"}, true, loadLocalOutlierFactor, false},
		{"EllipticEnvelope", []string{"sklearn.covariance.outlier_detection", "sklearn.covariance.elliptic_envelope", "sklearn.covariance._elliptic_envelope"}, true, loadEllipticEnvelope, false},

		{"StandardScaler", preprocessing, false, loadStandardScaler, false},
		{"MinMaxScaler", preprocessing, false, loadMinMaxScaler, false},
		{"MaxAbsScaler", preprocessing, false, loadMaxAbsScaler, false},
		{"RobustScaler", preprocessing, false, loadRobustScaler, false},
		{"Normalizer", preprocessing, false, loadNormalizer, false},
		{"PowerTransformer", preprocessing, false, loadPowerTransformer, false},
		{"QuantileTransformer", preprocessing, false, loadQuantileTransformer, false},
		{"FunctionTransformer", []string{"sklearn.preprocessing._function_transformer"}, false, loadFunctionTransformer, false},
		{"PCA", []string{"sklearn.decomposition.pca", "sklearn.decomposition._pca"}, false, loadPCA, false},
		{"Nystroem", []string{"sklearn.kernel_approximation"}, false, loadNystroem, false},
		{"SimpleImputer", []string{"sklearn.impute", "sklearn.impute._base"}, false, loadSimpleImputer, false},
		{"ColumnTransformer", []string{"sklearn.compose._column_transformer"}, false, loadColumnTransformer, false},
		{"XGBClassifier", wrappers, true, loadXGBoostWrapper, true},
		{"XGBRegressor", wrappers, true, loadXGBoostWrapper, true},
		{"XGBRFClassifier", wrappers, true, loadXGBoostWrapper, true},
		{"XGBRFRegressor", wrappers, true, loadXGBoostWrapper, true},
		{"XGBRanker", wrappers, true, loadXGBoostWrapper, true},
		{"Booster", []string{"xgboost.core"}, true, loadXGBoostBooster, true},
		{"LGBMClassifier", lightgbmWrappers, true, loadLightGBMWrapper, true},
		{"LGBMRegressor", lightgbmWrappers, true, loadLightGBMWrapper, true},
		{"LGBMRanker", lightgbmWrappers, true, loadLightGBMWrapper, true},
		{"Booster", []string{"lightgbm.basic"}, true, loadLightGBMBooster, true},

		{"Pipeline", []string{"sklearn.pipeline"}, false, loadPipeline, false},
	}
	classes = make(map[pickle.Global]class)
	for _, c := range classList {
		for _, m := range c.modules {
			g := pickle.Global{Module: m, Name: c.name}
			classes[g], publicNames[g] = c, publicName(g)
		}
	}
}

func detectorNames() string    { return classNames(true) }
func transformerNames() string { return classNames(false) }

func classNames(detector bool) string {
	var names []string
	for _, c := range classList {
		if c.detector == detector && c.name != "Pipeline" {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
