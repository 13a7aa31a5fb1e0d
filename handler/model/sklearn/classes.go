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
}

var classes map[pickle.Global]class

var classList []class

// publicNames are the classes' names as users import them.
var publicNames = make(map[pickle.Global]string)

func init() {
	preprocessing := []string{"sklearn.preprocessing.data", "sklearn.preprocessing._data"}
	classList = []class{
		{"OneClassSVM", []string{"sklearn.svm.classes", "sklearn.svm._classes"}, true, loadOneClassSVM},
		{"SGDOneClassSVM", []string{"sklearn.linear_model._stochastic_gradient"}, true, loadSGDOneClassSVM},
		{"IsolationForest", []string{"sklearn.ensemble.iforest", "sklearn.ensemble._iforest"}, true, loadIsolationForest},
		{"LocalOutlierFactor", []string{"sklearn.neighbors.lof", "sklearn.neighbors._lof"}, true, loadLocalOutlierFactor},
		{"EllipticEnvelope", []string{"sklearn.covariance.outlier_detection", "sklearn.covariance.elliptic_envelope", "sklearn.covariance._elliptic_envelope"}, true, loadEllipticEnvelope},

		{"StandardScaler", preprocessing, false, loadStandardScaler},
		{"MinMaxScaler", preprocessing, false, loadMinMaxScaler},
		{"MaxAbsScaler", preprocessing, false, loadMaxAbsScaler},
		{"RobustScaler", preprocessing, false, loadRobustScaler},
		{"Normalizer", preprocessing, false, loadNormalizer},
		{"PowerTransformer", preprocessing, false, loadPowerTransformer},
		{"QuantileTransformer", preprocessing, false, loadQuantileTransformer},
		{"FunctionTransformer", []string{"sklearn.preprocessing._function_transformer"}, false, loadFunctionTransformer},
		{"PCA", []string{"sklearn.decomposition.pca", "sklearn.decomposition._pca"}, false, loadPCA},
		{"Nystroem", []string{"sklearn.kernel_approximation"}, false, loadNystroem},
		{"SimpleImputer", []string{"sklearn.impute", "sklearn.impute._base"}, false, loadSimpleImputer},
		{"ColumnTransformer", []string{"sklearn.compose._column_transformer"}, false, loadColumnTransformer},
		{"Pipeline", []string{"sklearn.pipeline"}, false, loadPipeline},
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
