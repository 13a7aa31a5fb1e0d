package sklearn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// WriteEstimator is the remedy in errors for files without a supported model.
const WriteEstimator = "write the fitted scikit-learn, XGBoost, LightGBM or PyOD estimator itself, as by joblib.dump(model, 'model.joblib')"

// family is a group of classes that are not supported, and what the error says of them.
type family struct {
	prefixes string // of the names of the classes, separated by blanks
	is       string // what such a class is
	instead  string // what to do
}

const (
	isNetwork   = "is of a neural network, and these are not scored here"
	isData      = "is data, and not a model"
	isForecast  = "is a forecast of a time series, and these are not scored here"
	isCode      = "was written with its code (by cloudpickle or dill), and nothing of a file is run here"
	regress     = "fit a regressor of scikit-learn, XGBoost or LightGBM to lagged columns, and say residual_of in the features file"
	detect      = "fit IsolationForest, OneClassSVM, LocalOutlierFactor(novelty=True) or KMeans instead"
	writeParts  = "write the estimators in it, as one Pipeline or as a dict such as {'scaler': scaler, 'model': model}"
	writeBest   = "write the estimator that it has found, as by joblib.dump(search.best_estimator_, 'model.joblib')"
	useFunction = "use one of numpy's functions by its name, as in FunctionTransformer(np.log1p), or let the features file make the column"
)

// families are tried in order.
var families = []family{
	{"pandas.DataFrame pandas.core.frame. pandas.Series pandas.core.series. polars. pyarrow. dask. pyspark.sql. pyspark.pandas. xarray.", "is a table: it is data, and not a model", WriteEstimator},
	{"pandas. scipy.sparse. sklearn.utils.Bunch sklearn.utils._bunch.Bunch", isData, WriteEstimator},
	{"sklearn.cluster.DBSCAN sklearn.cluster.OPTICS sklearn.cluster.HDBSCAN sklearn.cluster.AgglomerativeClustering sklearn.cluster.SpectralClustering sklearn.cluster.SpectralBiclustering sklearn.cluster.SpectralCoclustering hdbscan.",
		"labels the rows that it was fitted on, and has no predict for new ones", detect},
	{"sklearn.manifold. umap. openTSNE.", "embeds rows, and tells no anomalies", detect},
	{"sklearn.decomposition.NMF sklearn.decomposition.MiniBatchNMF",
		"gives a row numbers that depend on the other rows of the same call", "use PCA, TruncatedSVD or FactorAnalysis, which look at each row alone"},
	{"sklearn.feature_extraction.", "makes numbers of texts, and readings are numbers", "fit the model to them without it"},
	{"torch. torchvision. pytorch_lightning. lightning. skorch. fastai. keras. tensorflow. tf_keras. scikeras. jax. flax. mxnet. paddle. chainer.", isNetwork, WriteEstimator},
	{"transformers. sentence_transformers.", "is of a language model, and these are not scored here", WriteEstimator},
	{"statsmodels.regression. statsmodels.genmod. statsmodels.discrete. statsmodels.base. statsmodels.robust. statsmodels.iolib.",
		"is a model of statsmodels, which is not read", "fit the same with scikit-learn, as LinearRegression, HuberRegressor or LogisticRegression, whose coefficients are equal"},
	{"statsmodels. pmdarima. prophet. fbprophet. neuralprophet. sktime. darts. tbats. arch. gluonts. statsforecast. mlforecast. orbit.", isForecast, regress},
	{"catboost.", "is of CatBoost, which is not read", "fit the same with XGBoost, LightGBM or scikit-learn's HistGradientBoosting"},
	{"pyspark.", "is of Spark, which is not read", "fit the same with scikit-learn, XGBoost or LightGBM"},
	{"h2o. pycaret. autosklearn. tpot. flaml. autogluon.", "is of a tool that chooses models by itself", writeBest},
	{"shap. lime. eli5.", "explains a model, and predicts nothing", "take it out of the file, and write the fitted estimator or Pipeline alone"},
	{"lifelines. sksurv.", "estimates the time to an event", "fit a classifier or a regressor"},
	{"pyod.", "is none of the detectors of PyOD that are read", "fit IForest, OCSVM, LOF, KNN, HBOS, ECOD, COPOD, PCA, MCD, GMM, KDE, CBLOF, INNE, LODA or ABOD"},
	{"imblearn.over_sampling. imblearn.under_sampling. imblearn.combine.", "changes the rows of the training, and judges none", "write the model that was fitted on them, or the Pipeline of both"},
	{"feature_engine. category_encoders. dirty_cat. skrub. sklego. mlxtend.", "is of another library than the estimators that are read", "use the step of scikit-learn that does the same, such as SimpleImputer, OneHotEncoder or KBinsDiscretizer, or let the features file make the column"},
	{"sklearnex. daal4py. onedal. cuml. thundersvm. snapml.", "is of a faster scikit-learn, which keeps the model in a form of its own", "fit it with scikit-learn itself (unpatch_sklearn() for Intel's), and write that"},
	{"ruptures. stumpy. adtk. kats. merlion. alibi_detect. luminaire. orion. hmmlearn. pykalman. filterpy.", "judges a whole series, and is not read", "say in the features file how rows come from readings, and " + detect},
	{"lightgbm.basic.Dataset xgboost.core.DMatrix xgboost.core.QuantileDMatrix", isData, WriteEstimator},
	{"skopt.", "is a search of scikit-optimize, which is not read", writeBest},
	{"river.", "is of River, whose models learn as they go", detect},
	{"tsfresh. pyts. tslearn.", "works on whole series", "say in the features file how rows come from readings, and fit a detector to these"},
}

// refuseClass returns the error for an object of a class that is not supported. Where is
// " in step 'scaler'", or empty.
func refuseClass(g pickle.Global, where string) error {
	return unknownClass(g, where, "", nil)
}

// refuseFound is like refuseClass, for an object somewhere in v. Args are the arguments
// of the call that makes it.
func refuseFound(g pickle.Global, v any, args []any) error {
	place := find(v, g)
	if place != "" {
		place = " (it stands at " + place + ")"
	}
	return unknownClass(g, "", place, args)
}

// unknownClass returns the error for an object of class g, made by a call with args.
// Where is " in step 'scaler'" or empty. Place is " (it stands at model.copy)" or empty.
func unknownClass(g pickle.Global, where, place string, args []any) error {
	name := publicName(g)
	say := func(is, instead string) error {
		return &unsupported{"class " + name + where + place + " " + is + ": " + instead}
	}
	switch {
	case g.Module == "__main__" || g.Module == "__mp_main__":
		return say("is the training script's own: its code is not in the file, and nothing of a file is run here", writeParts)
	case strings.HasPrefix(g.Module, "cloudpickle") || strings.HasPrefix(g.Module, "dill"):
		return writtenWithCode(g, where+place, args)
	}
	for _, f := range families {
		for _, prefix := range strings.Fields(f.prefixes) {
			if strings.HasPrefix(name, prefix) || strings.HasPrefix(g.String(), prefix) {
				return say(f.is, f.instead)
			}
		}
	}
	if isDangerous(g) {
		return &unsupported{"a call of " + name + where + " is not supported" + place + ": no model needs it, and in Python it would run: do not load the file there, and ask where it comes from"}
	}
	if strings.HasPrefix(g.Module, "sklearn.") {
		return say("is not supported", "docs/model-files.md lists the estimators that are read")
	}
	return say("is not supported", "models of scikit-learn, XGBoost, LightGBM and PyOD are read; "+writeParts)
}

// isDangerous reports whether g is a function that malicious pickles call.
func isDangerous(g pickle.Global) bool {
	first, _, _ := strings.Cut(g.Module, ".")
	return slices.Contains([]string{"os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "webbrowser", "runpy", "importlib", "ctypes", "pty", "commands"}, first) ||
		g.Module == "builtins" && slices.Contains([]string{"eval", "exec", "compile", "open", "__import__"}, g.Name)
}

// writtenWithCode refuses a class or function that was pickled by value.
func writtenWithCode(g pickle.Global, where string, args []any) error {
	if !strings.Contains(g.Name, "class") && !strings.Contains(g.Name, "type") {
		return &unsupported{"a function" + where + " " + isCode + ": " + useFunction}
	}
	what := "a class"
	for _, arg := range args { // _make_skeleton_class(type, name, …), _create_type(type, name, …)
		if name, ok := arg.(string); ok {
			what = "the class " + fmt.Sprintf("%.60s", name)
			break
		}
	}
	return &unsupported{what + where + " " + isCode + ": " + writeParts}
}
