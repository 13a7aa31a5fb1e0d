package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// class is how an estimator of scikit-learn is loaded.
type class struct {
	name    string
	modules []string // its module in all supported versions
	load    func(*attrs) *element
	foreign bool // the class is not scikit-learn's, and has no _sklearn_version
}

var classes map[pickle.Global]class

// publicNames maps classes to the names under which users import them.
var publicNames = make(map[pickle.Global]string)

// in returns the names of modules of a package of scikit-learn: as up to 0.21, and with
// an underscore, as since 0.22.
func in(pkg string, modules ...string) []string {
	var all []string
	for _, m := range modules {
		all = append(all, "sklearn."+pkg+"."+m, "sklearn."+pkg+"._"+m)
	}
	return all
}

// All classes of scikit-learn that are supported. metas wrap another estimator and are
// of its kind.
var detectors, classifiers, regressors, transformers, metas []class

func init() {
	detectors = []class{
		{"OneClassSVM", in("svm", "classes"), loadOneClassSVM, false},
		{"SGDOneClassSVM", in("linear_model", "stochastic_gradient"), loadSGDOneClassSVM, false},
		{"IsolationForest", in("ensemble", "iforest"), loadIsolationForest, false},
		{"LocalOutlierFactor", in("neighbors", "lof"), loadLocalOutlierFactor, false},
		{"EllipticEnvelope", in("covariance", "outlier_detection", "elliptic_envelope"), loadEllipticEnvelope, false},
		{"GaussianMixture", in("mixture", "gaussian_mixture"), loadGaussianMixture, false},
		{"BayesianGaussianMixture", in("mixture", "bayesian_mixture"), loadBayesianMixture, false},
		{"KernelDensity", in("neighbors", "kde"), loadKernelDensity, false},
		{"KMeans", in("cluster", "k_means_", "kmeans"), loadKMeans, false},
		{"MiniBatchKMeans", in("cluster", "k_means_", "kmeans"), loadKMeans, false},
		{"EmpiricalCovariance", in("covariance", "empirical_covariance_", "empirical_covariance"), loadCovariance, false},
		{"MinCovDet", in("covariance", "robust_covariance"), loadCovariance, false},
		{"LedoitWolf", in("covariance", "shrunk_covariance_", "shrunk_covariance"), loadCovariance, false},
		{"OAS", in("covariance", "shrunk_covariance_", "shrunk_covariance"), loadCovariance, false},
		{"ShrunkCovariance", in("covariance", "shrunk_covariance_", "shrunk_covariance"), loadCovariance, false},
		{"GraphicalLasso", in("covariance", "graph_lasso_", "graph_lasso"), loadCovariance, false},
		{"GraphicalLassoCV", in("covariance", "graph_lasso_", "graph_lasso"), loadCovariance, false},
		{"Birch", in("cluster", "birch"), loadBirch, false},
		{"MeanShift", in("cluster", "mean_shift_", "mean_shift"), loadCentres, false},
		{"AffinityPropagation", in("cluster", "affinity_propagation_", "affinity_propagation"), loadCentres, false},
		{"BisectingKMeans", in("cluster", "bisect_k_means"), loadBisectingKMeans, false},
		{"NearestNeighbors", in("neighbors", "unsupervised"), loadNearestNeighbors, false},
	}
	classifiers = []class{
		{"DecisionTreeClassifier", in("tree", "tree", "classes"), loadTreeClassifier, false},
		{"ExtraTreeClassifier", in("tree", "tree", "classes"), loadTreeClassifier, false},
		{"RandomForestClassifier", in("ensemble", "forest"), loadForestClassifier, false},
		{"ExtraTreesClassifier", in("ensemble", "forest"), loadForestClassifier, false},
		{"GradientBoostingClassifier", in("ensemble", "gradient_boosting", "gb"), loadGradientBoostingClassifier, false},
		{"HistGradientBoostingClassifier", histogram, loadHistGradientBoostingClassifier, false},
		{"AdaBoostClassifier", in("ensemble", "weight_boosting"), loadAdaBoostClassifier, false},
		{"BaggingClassifier", in("ensemble", "bagging"), loadBaggingClassifier, false},
		{"VotingClassifier", in("ensemble", "voting_classifier", "voting"), loadVotingClassifier, false},
		{"StackingClassifier", in("ensemble", "stacking"), loadStackingClassifier, false},
		{"LogisticRegression", in("linear_model", "logistic"), loadLogisticRegression, false},
		{"LogisticRegressionCV", in("linear_model", "logistic"), loadLogisticRegression, false},
		{"RidgeClassifier", in("linear_model", "ridge"), loadRidgeClassifier, false},
		{"RidgeClassifierCV", in("linear_model", "ridge"), loadRidgeClassifier, false},
		{"SGDClassifier", in("linear_model", "stochastic_gradient"), loadSGDClassifier, false},
		{"Perceptron", in("linear_model", "perceptron"), loadLinearClassifier, false},
		{"PassiveAggressiveClassifier", in("linear_model", "passive_aggressive"), loadLinearClassifier, false},
		{"LinearSVC", in("svm", "classes"), loadLinearClassifier, false},
		{"LinearDiscriminantAnalysis", []string{"sklearn.discriminant_analysis"}, loadDiscriminant, false},
		{"SVC", in("svm", "classes"), loadSVC, false},
		{"NuSVC", in("svm", "classes"), loadSVC, false},
		{"KNeighborsClassifier", in("neighbors", "classification"), loadKNeighborsClassifier, false},
		{"GaussianNB", []string{"sklearn.naive_bayes"}, loadGaussianNB, false},
		{"BernoulliNB", []string{"sklearn.naive_bayes"}, loadBernoulliNB, false},
		{"MultinomialNB", []string{"sklearn.naive_bayes"}, loadMultinomialNB, false},
		{"ComplementNB", []string{"sklearn.naive_bayes"}, loadComplementNB, false},
		{"CategoricalNB", []string{"sklearn.naive_bayes"}, loadCategoricalNB, false},
		{"QuadraticDiscriminantAnalysis", []string{"sklearn.discriminant_analysis"}, loadQuadratic, false},
		{"NearestCentroid", in("neighbors", "nearest_centroid"), loadNearestCentroid, false},
		{"OneVsRestClassifier", []string{"sklearn.multiclass"}, loadOneVsRest, false},
		{"OneVsOneClassifier", []string{"sklearn.multiclass"}, loadOneVsOne, false},
		{"OutputCodeClassifier", []string{"sklearn.multiclass"}, loadOutputCode, false},
		{"RadiusNeighborsClassifier", in("neighbors", "classification"), loadRadiusClassifier, false},
		{"LabelPropagation", in("semi_supervised", "label_propagation"), loadPropagation, false},
		{"LabelSpreading", in("semi_supervised", "label_propagation"), loadPropagation, false},
		{"GaussianProcessClassifier", in("gaussian_process", "gpc"), loadGaussianClassifier, false},
		{"FixedThresholdClassifier", in("model_selection", "classification_threshold"), loadFixedThreshold, false},
		{"TunedThresholdClassifierCV", in("model_selection", "classification_threshold"), loadTunedThreshold, false},
		{"MLPClassifier", in("neural_network", "multilayer_perceptron"), loadMLPClassifier, false},
		{"CalibratedClassifierCV", []string{"sklearn.calibration"}, loadCalibrated, false},
		{"DummyClassifier", []string{"sklearn.dummy"}, loadDummyClassifier, false},
	}
	regressors = []class{
		{"DecisionTreeRegressor", in("tree", "tree", "classes"), loadTreeRegressor, false},
		{"ExtraTreeRegressor", in("tree", "tree", "classes"), loadTreeRegressor, false},
		{"RandomForestRegressor", in("ensemble", "forest"), loadForestRegressor, false},
		{"ExtraTreesRegressor", in("ensemble", "forest"), loadForestRegressor, false},
		{"GradientBoostingRegressor", in("ensemble", "gradient_boosting", "gb"), loadGradientBoostingRegressor, false},
		{"HistGradientBoostingRegressor", histogram, loadHistGradientBoostingRegressor, false},
		{"AdaBoostRegressor", in("ensemble", "weight_boosting"), loadAdaBoostRegressor, false},
		{"BaggingRegressor", in("ensemble", "bagging"), loadBaggingRegressor, false},
		{"VotingRegressor", in("ensemble", "voting"), loadVotingRegressor, false},
		{"StackingRegressor", in("ensemble", "stacking"), loadStackingRegressor, false},
		{"LinearRegression", in("linear_model", "base"), loadLinearRegressor, false},
		{"Ridge", in("linear_model", "ridge"), loadLinearRegressor, false},
		{"RidgeCV", in("linear_model", "ridge"), loadLinearRegressor, false},
		{"Lasso", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"LassoCV", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"ElasticNet", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"ElasticNetCV", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"MultiTaskLasso", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"MultiTaskLassoCV", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"MultiTaskElasticNet", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"MultiTaskElasticNetCV", in("linear_model", "coordinate_descent"), loadLinearRegressor, false},
		{"Lars", in("linear_model", "least_angle"), loadLinearRegressor, false},
		{"LarsCV", in("linear_model", "least_angle"), loadLinearRegressor, false},
		{"LassoLars", in("linear_model", "least_angle"), loadLinearRegressor, false},
		{"LassoLarsCV", in("linear_model", "least_angle"), loadLinearRegressor, false},
		{"LassoLarsIC", in("linear_model", "least_angle"), loadLinearRegressor, false},
		{"OrthogonalMatchingPursuit", in("linear_model", "omp"), loadLinearRegressor, false},
		{"OrthogonalMatchingPursuitCV", in("linear_model", "omp"), loadLinearRegressor, false},
		{"BayesianRidge", in("linear_model", "bayes"), loadLinearRegressor, false},
		{"ARDRegression", in("linear_model", "bayes"), loadLinearRegressor, false},
		{"HuberRegressor", in("linear_model", "huber"), loadLinearRegressor, false},
		{"TheilSenRegressor", in("linear_model", "theil_sen"), loadLinearRegressor, false},
		{"QuantileRegressor", in("linear_model", "quantile"), loadLinearRegressor, false},
		{"SGDRegressor", in("linear_model", "stochastic_gradient"), loadLinearRegressor, false},
		{"PassiveAggressiveRegressor", in("linear_model", "passive_aggressive"), loadLinearRegressor, false},
		{"LinearSVR", in("svm", "classes"), loadLinearRegressor, false},
		{"PoissonRegressor", []string{"sklearn.linear_model._glm.glm"}, loadLogLinear, false},
		{"GammaRegressor", []string{"sklearn.linear_model._glm.glm"}, loadLogLinear, false},
		{"TweedieRegressor", []string{"sklearn.linear_model._glm.glm"}, loadTweedie, false},
		{"SVR", in("svm", "classes"), loadSVR, false},
		{"NuSVR", in("svm", "classes"), loadSVR, false},
		{"KNeighborsRegressor", in("neighbors", "regression"), loadKNeighborsRegressor, false},
		{"RadiusNeighborsRegressor", in("neighbors", "regression"), loadRadiusRegressor, false},
		{"KernelRidge", []string{"sklearn.kernel_ridge"}, loadKernelRidge, false},
		{"GaussianProcessRegressor", in("gaussian_process", "gpr"), loadGaussianProcess, false},
		{"PLSRegression", in("cross_decomposition", "pls_", "pls"), loadPLS, false},
		{"PLSCanonical", in("cross_decomposition", "pls_", "pls"), loadPLS, false},
		{"CCA", in("cross_decomposition", "pls_", "pls", "cca_", "cca"), loadPLS, false},
		{"MLPRegressor", in("neural_network", "multilayer_perceptron"), loadMLPRegressor, false},
		{"IsotonicRegression", []string{"sklearn.isotonic"}, loadIsotonic, false},
		{"TransformedTargetRegressor", in("compose", "target"), loadTransformedTarget, false},
		{"DummyRegressor", []string{"sklearn.dummy"}, loadDummyRegressor, false},
	}
	scaling := in("preprocessing", "data")
	selection := in("feature_selection", "univariate_selection")
	transformers = []class{
		{"StandardScaler", scaling, loadStandardScaler, false},
		{"MinMaxScaler", scaling, loadMinMaxScaler, false},
		{"MaxAbsScaler", scaling, loadMaxAbsScaler, false},
		{"RobustScaler", scaling, loadRobustScaler, false},
		{"Normalizer", scaling, loadNormalizer, false},
		{"PowerTransformer", scaling, loadPowerTransformer, false},
		{"QuantileTransformer", scaling, loadQuantileTransformer, false},
		{"PolynomialFeatures", append(in("preprocessing", "polynomial"), scaling...), loadPolynomial, false},
		{"SplineTransformer", in("preprocessing", "polynomial"), loadSpline, false},
		{"Binarizer", scaling, loadBinarizer, false},
		{"KBinsDiscretizer", in("preprocessing", "discretization"), loadKBins, false},
		{"OneHotEncoder", append(in("preprocessing", "encoders"), scaling...), loadOneHotEncoder, false},
		{"OrdinalEncoder", in("preprocessing", "encoders"), loadOrdinalEncoder, false},
		{"TargetEncoder", in("preprocessing", "target_encoder"), loadTargetEncoder, false},
		{"KernelCenterer", scaling, loadKernelCenterer, false},
		{"FunctionTransformer", in("preprocessing", "function_transformer"), loadFunctionTransformer, false},
		{"PCA", in("decomposition", "pca"), loadPCA, false},
		{"IncrementalPCA", in("decomposition", "incremental_pca"), loadPCA, false},
		{"TruncatedSVD", in("decomposition", "truncated_svd"), loadTruncatedSVD, false},
		{"KernelPCA", in("decomposition", "kernel_pca"), loadKernelPCA, false},
		{"FastICA", in("decomposition", "fastica_", "fastica"), loadFastICA, false},
		{"FactorAnalysis", in("decomposition", "factor_analysis"), loadFactorAnalysis, false},
		{"GaussianRandomProjection", []string{"sklearn.random_projection"}, loadTruncatedSVD, false},
		{"SparseRandomProjection", []string{"sklearn.random_projection"}, loadSparseProjection, false},
		{"SparsePCA", in("decomposition", "sparse_pca"), loadSparsePCA, false},
		{"MiniBatchSparsePCA", in("decomposition", "sparse_pca"), loadSparsePCA, false},
		{"FeatureAgglomeration", in("cluster", "agglomerative", "hierarchical"), loadFeatureAgglomeration, false},
		{"RandomTreesEmbedding", in("ensemble", "forest"), loadTreesEmbedding, false},
		{"NeighborhoodComponentsAnalysis", in("neighbors", "nca"), loadTruncatedSVD, false},
		{"Nystroem", []string{"sklearn.kernel_approximation"}, loadNystroem, false},
		{"RBFSampler", []string{"sklearn.kernel_approximation"}, loadRBFSampler, false},
		{"AdditiveChi2Sampler", []string{"sklearn.kernel_approximation"}, loadAdditiveChi2, false},
		{"SkewedChi2Sampler", []string{"sklearn.kernel_approximation"}, loadSkewedChi2, false},
		{"BernoulliRBM", in("neural_network", "rbm"), loadBoltzmann, false},
		{"SimpleImputer", []string{"sklearn.impute", "sklearn.impute._base"}, loadSimpleImputer, false},
		{"KNNImputer", []string{"sklearn.impute._knn"}, loadKNNImputer, false},
		{"IterativeImputer", []string{"sklearn.impute._iterative"}, loadIterativeImputer, false},
		{"MissingIndicator", []string{"sklearn.impute", "sklearn.impute._base"}, loadMissingIndicator, false},
		{"VarianceThreshold", in("feature_selection", "variance_threshold"), loadVarianceThreshold, false},
		{"SelectKBest", selection, loadSelectKBest, false},
		{"SelectPercentile", selection, loadSelectPercentile, false},
		{"SelectFpr", selection, loadSelectFpr, false},
		{"SelectFdr", selection, loadSelectFdr, false},
		{"SelectFwe", selection, loadSelectFwe, false},
		{"GenericUnivariateSelect", selection, loadGenericSelect, false},
		{"SelectFromModel", in("feature_selection", "from_model"), loadSelectFromModel, false},
		{"RFE", in("feature_selection", "rfe"), loadElimination, false},
		{"RFECV", in("feature_selection", "rfe"), loadElimination, false},
		{"SequentialFeatureSelector", in("feature_selection", "sequential"), loadSupport, false},
		{"ColumnTransformer", in("compose", "column_transformer"), loadColumnTransformer, false},
		{"FeatureUnion", []string{"sklearn.pipeline"}, loadFeatureUnion, false},
	}
	search := in("model_selection", "search", "search_successive_halving")
	metas = []class{
		{"Pipeline", []string{"sklearn.pipeline"}, loadPipeline, false},
		{"GridSearchCV", search, loadBest, false},
		{"RandomizedSearchCV", search, loadBest, false},
		{"HalvingGridSearchCV", search, loadBest, false},
		{"HalvingRandomSearchCV", search, loadBest, false},
		{"FrozenEstimator", []string{"sklearn.frozen._frozen"}, loadFrozen, false},
		{"RANSACRegressor", in("linear_model", "ransac"), loadRANSAC, false},
		{"SelfTrainingClassifier", in("semi_supervised", "self_training"), loadSelfTraining, false},
		{"MultiOutputRegressor", []string{"sklearn.multioutput"}, loadSingleOutput, false},
		{"MultiOutputClassifier", []string{"sklearn.multioutput"}, loadSingleOutput, false},
		{"RegressorChain", []string{"sklearn.multioutput"}, loadSingleOutput, false},
		{"ClassifierChain", []string{"sklearn.multioutput"}, loadSingleOutput, false},
	}
	inner := []class{ // only inside other estimators
		{"_BinaryGaussianProcessClassifierLaplace", in("gaussian_process", "gpc"), loadLaplace, false},
		{"_ConstantPredictor", []string{"sklearn.multiclass"}, loadConstant, false},
	}
	wrappers, lightgbmWrappers := []string{"xgboost.sklearn"}, []string{"lightgbm.sklearn"}
	boosters := []class{
		{"XGBClassifier", wrappers, loadXGBoostWrapper, true},
		{"XGBRegressor", wrappers, loadXGBoostWrapper, true},
		{"XGBRFClassifier", wrappers, loadXGBoostWrapper, true},
		{"XGBRFRegressor", wrappers, loadXGBoostWrapper, true},
		{"XGBRanker", wrappers, loadXGBoostWrapper, true},
		{"Booster", []string{"xgboost.core"}, loadXGBoostBooster, true},
		{"LGBMClassifier", lightgbmWrappers, loadLightGBMWrapper, true},
		{"LGBMRegressor", lightgbmWrappers, loadLightGBMWrapper, true},
		{"LGBMRanker", lightgbmWrappers, loadLightGBMWrapper, true},
		{"Booster", []string{"lightgbm.basic"}, loadLightGBMBooster, true},
	}
	pyods := []class{
		{"IForest", []string{"pyod.models.iforest"}, loadPyOD(loadWrapped("detector_", false, -1)), true},
		{"OCSVM", []string{"pyod.models.ocsvm"}, loadPyOD(loadWrapped("detector_", false, -1)), true},
		{"LOF", []string{"pyod.models.lof"}, loadPyOD(loadWrapped("detector_", true, -1)), true},
		{"MCD", []string{"pyod.models.mcd"}, loadPyOD(loadWrapped("detector_", false, 1)), true},
		{"GMM", []string{"pyod.models.gmm"}, loadPyOD(loadWrapped("detector_", true, -1)), true},
		{"KDE", []string{"pyod.models.kde"}, loadPyOD(loadWrapped("kde_", true, -1)), true},
		{"KNN", []string{"pyod.models.knn"}, loadPyOD(loadPyODKNN), true},
		{"HBOS", []string{"pyod.models.hbos"}, loadPyOD(loadHBOS), true},
		{"ECOD", []string{"pyod.models.ecod"}, loadPyOD(loadECDF(false)), true},
		{"COPOD", []string{"pyod.models.copod"}, loadPyOD(loadECDF(true)), true},
		{"PCA", []string{"pyod.models.pca"}, loadPyOD(loadPyODPCA), true},
		{"CBLOF", []string{"pyod.models.cblof"}, loadPyOD(loadCBLOF), true},
		{"INNE", []string{"pyod.models.inne"}, loadPyOD(loadINNE), true},
		{"LODA", []string{"pyod.models.loda"}, loadPyOD(loadLODA), true},
		{"ABOD", []string{"pyod.models.abod"}, loadPyOD(loadABOD), true},
	}
	imblearn := func(module string) []string {
		return []string{"imblearn.ensemble._" + module, "imblearn.ensemble." + module}
	}
	imbalanced := []class{
		{"Pipeline", []string{"imblearn.pipeline"}, loadPipeline, true},
		{"BalancedRandomForestClassifier", imblearn("forest"), loadImbalanced(loadForestClassifier), true},
		{"BalancedBaggingClassifier", imblearn("bagging"), loadImbalanced(loadBaggingClassifier), true},
		{"EasyEnsembleClassifier", imblearn("easy_ensemble"), loadImbalanced(loadBaggingClassifier), true},
		{"RUSBoostClassifier", imblearn("weight_boosting"), loadImbalanced(loadAdaBoostClassifier), true},
	}
	classes = make(map[pickle.Global]class)
	for _, list := range [][]class{detectors, classifiers, regressors, transformers, metas, inner, boosters, pyods, imbalanced} {
		for _, c := range list {
			for _, m := range c.modules {
				g := pickle.Global{Module: m, Name: c.name}
				classes[g], publicNames[g] = c, publicName(g)
			}
		}
	}
}

var histogram = []string{"sklearn.ensemble._hist_gradient_boosting.gradient_boosting"}
