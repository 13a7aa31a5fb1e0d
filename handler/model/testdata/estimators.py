#!/usr/bin/env python3
"""Writes golden models of all estimators that are read: estimators.py OUTDIR

Fits small models of every estimator and transformer that is read with the
scikit-learn that runs it, any from 0.19 on, and writes
OUTDIR/estimators-VERSION.json.xz: for each model its pickle, inputs, and what its
methods gave, floats in hexadecimal and classes as Python prints them. Beside this
script are those of 0.19.2, 0.22.2, 0.24.2, 1.0.2, 1.3.2, 1.7.2 and 1.9.1,
on Python 3.6 to 3.13 with numpy 1.14 to 2.5; the last has some of its models as
files of skops 0.16 too.
"""
import json, lzma, pickle, sys, warnings

import numpy as np
import sklearn
from sklearn.base import is_classifier

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in sklearn.__version__.split(".")[:2])
rng = np.random.RandomState(0)
x = rng.normal(size=(40, 4)) * [1, 2, 3, 4] + [0, 2, 4, 6]
q = np.vstack([x[:6], x[:6] + 4 * rng.normal(size=(6, 4)), x[6:10] + 0.01])
far = q[6:]  # a row that was fitted has no distance, but for what rounding makes of it
y2 = (x[:, 0] + 0.3 * x[:, 1] > 0.5).astype(int)
y3 = np.digitize(x[:, 0] + 0.3 * x[:, 1], [0, 1])
yr = x @ [1.0, -2.0, 0.5, 0.1] + rng.normal(size=40)
ypos = np.exp(yr / 10)
words = np.array(["stop", "run", "überlast"])[y3]
nan = x.copy()
nan[::5, 0], nan[3::7, 2] = np.nan, np.nan
qnan = q.copy()
qnan[::3, 0], qnan[1::4, 2], qnan[5, 1] = np.nan, np.nan, np.nan
coarse, qcoarse = np.round(x), np.round(q)
models = {}


def floats(v):
    return [[float(f).hex() for f in row] for row in np.asarray(v, float).reshape(len(v), -1)]


def pickled(model):
    return pickle.dumps(model, 4).hex()


def refused(model, q, methods):
    """Which of NaN, an infinite and a huge number in the first row, the first column, the model raises an error for."""
    ask = next(getattr(model, m) for m in methods if hasattr(model, m))
    raised = []
    for what, number in ("nan", np.nan), ("inf", np.inf), ("huge", 1e39):
        rows = np.array(q, float)
        rows[0, 0] = number
        try:
            ask(rows)
        except ValueError:
            raised.append(what)
    return raised


def in_skops(name, model):
    """The same as a file of skops, of some models, where skops is there."""
    chosen = "tree_2 forest_words boosting_3 hist_categories svc_rbf_3 knn_uniform_kd_tree_2 mlp_relu_2 calibrated_isotonic_2 stacking_auto_2 grid kde_gaussian t_iterative t_spline_linear t_onehot"
    if name not in chosen.split() or VERSION < (1, 9):
        return {}
    import skops.io

    return {"skops": skops.io.dumps(model).hex()}


def add(name, model, x=x, y=None, q=q, methods=("predict", "predict_proba", "decision_function", "score_samples", "mahalanobis")):
    """Fits a model and keeps what it gives."""
    model = model() if isinstance(model, type) else model
    model.fit(x, y) if y is not None else model.fit(x)
    entry = {"file": pickled(model), "X": floats(q)}
    if is_classifier(model):
        entry["classes"] = [str(c) for c in model.classes_]
    for method in methods:
        if not hasattr(model, method) or method == "mahalanobis" and hasattr(model, "predict"):
            continue
        try:
            out = getattr(model, method)(q.copy())
        except (AttributeError, NotImplementedError):
            continue
        entry[method] = [str(c) for c in out] if "classes" in entry and method == "predict" else floats(out)
    models[name] = dict(entry, refuses=refused(model, q, methods), **in_skops(name, model))


def tried(f):
    """The value of f, or None where this version has no such thing."""
    try:
        return f()
    except (ImportError, AttributeError, TypeError, ValueError):
        return None


def adds(name, make, *args, **kw):
    model = tried(make)
    if model is not None:
        add(name, model, *args, **kw)


from sklearn import cluster, covariance, decomposition, ensemble, feature_selection, linear_model, mixture, naive_bayes, neighbors, neural_network, preprocessing, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

# Trees and ensembles of them.
small = dict(random_state=0, max_depth=4)
for name, make, kw in [
    ("tree", tree.DecisionTreeClassifier, small), ("extra_tree", tree.ExtraTreeClassifier, small),
    ("forest", ensemble.RandomForestClassifier, dict(small, n_estimators=6)),
    ("extra_trees", ensemble.ExtraTreesClassifier, dict(small, n_estimators=5)),
    ("boosting", ensemble.GradientBoostingClassifier, dict(random_state=0, n_estimators=4, max_depth=3)),
    ("bagging", ensemble.BaggingClassifier, dict(random_state=0, n_estimators=3, max_features=0.75)),
    ("adaboost", ensemble.AdaBoostClassifier, dict(random_state=0, n_estimators=4)),
]:
    add(name + "_2", make(**kw), y=y2)
    add(name + "_3", make(**kw), y=y3)
add("tree_words", tree.DecisionTreeClassifier(**small), y=words)
add("tree_floats", tree.DecisionTreeClassifier(**small), y=y3 * 1e16)
add("tree_bools", tree.DecisionTreeClassifier(**small), y=y2 == 1)
add("tree_weighted", tree.DecisionTreeClassifier(class_weight={0: 0.3, 1: 2.7, 2: 1}, **small), y=y3)
add("tree_one_class", tree.DecisionTreeClassifier(**small), y=np.zeros(40))
add("forest_words", ensemble.RandomForestClassifier(n_estimators=5, **small), y=words)
many = np.digitize(x[:, 3], np.linspace(0, 12, 11))
add("forest_many", ensemble.RandomForestClassifier(n_estimators=5, **small), y=many)
add("boosting_deep", ensemble.GradientBoostingClassifier(random_state=0, n_estimators=3, max_depth=8, learning_rate=0.7, subsample=0.6), y=y3)
add("boosting_exponential", ensemble.GradientBoostingClassifier(random_state=0, n_estimators=4, loss="exponential"), y=y2)
adds("boosting_zero", lambda: ensemble.GradientBoostingClassifier(random_state=0, n_estimators=3, init="zero"), y=y3)
if VERSION >= (0, 21):
    add("boosting_init", ensemble.GradientBoostingClassifier(random_state=0, n_estimators=3, init=linear_model.LogisticRegression()), y=y3)
for name, make, kw in [
    ("tree", tree.DecisionTreeRegressor, small), ("extra_tree", tree.ExtraTreeRegressor, small),
    ("forest", ensemble.RandomForestRegressor, dict(small, n_estimators=6)),
    ("extra_trees", ensemble.ExtraTreesRegressor, dict(small, n_estimators=5)),
    ("boosting", ensemble.GradientBoostingRegressor, dict(random_state=0, n_estimators=5)),
    ("bagging", ensemble.BaggingRegressor, dict(random_state=0, n_estimators=3, bootstrap_features=True)),
    ("adaboost", ensemble.AdaBoostRegressor, dict(random_state=0, n_estimators=4)),
]:
    add(name + "_r", make(**kw), y=yr)
for loss in ("huber", "quantile", "lad", "absolute_error"):
    try:
        add("boosting_r_" + loss, ensemble.GradientBoostingRegressor(loss=loss, random_state=0, n_estimators=3), y=yr)
    except (ValueError, KeyError):
        pass
if VERSION >= (0, 21):
    add("boosting_r_init", ensemble.GradientBoostingRegressor(random_state=0, n_estimators=3, init=linear_model.LinearRegression()), y=yr)
    for algorithm in ("SAMME", "SAMME.R"):
        try:
            add("adaboost_" + algorithm, ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), algorithm=algorithm, n_estimators=3, random_state=0), y=y3)
        except (ValueError, TypeError):
            pass
add("bagging_knn", ensemble.BaggingClassifier(neighbors.KNeighborsClassifier(3), n_estimators=3, random_state=0), y=words)
add("bagging_logistic", ensemble.BaggingClassifier(linear_model.LogisticRegression(), n_estimators=3, random_state=0, max_features=0.5), y=y3)
add("bagging_votes", ensemble.BaggingClassifier(svm.LinearSVC(random_state=0), n_estimators=3, random_state=0), y=y3)
tried(lambda: __import__("sklearn.experimental.enable_hist_gradient_boosting"))
if hasattr(ensemble, "HistGradientBoostingClassifier"):
    H, R = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
    few = dict(max_iter=4, min_samples_leaf=5)
    add("hist_2", H(**few), y=y2)
    add("hist_3", H(**few), y=y3)
    add("hist_words", H(**few), y=words)
    add("hist_r", R(**few), y=yr)
    if VERSION >= (0, 22):
        add("hist_nan", H(**few), nan, y2, qnan)
        add("hist_r_nan", R(**few), nan, yr, qnan)
    if VERSION >= (0, 24):
        c, qc = coarse.copy(), qcoarse.copy()
        c[:, 0], qc[:, 0] = np.abs(coarse[:, 0]) % 4, np.abs(qcoarse[:, 0]) % 6
        c[4, 0] = qc[2, 0] = np.nan
        add("hist_categories", H(categorical_features=[0], **few), c, y2, qc)
        add("hist_r_categories", R(categorical_features=[False, False, False, True], **few), np.abs(coarse)[:, [1, 2, 3, 0]] % 5, yr, np.abs(qcoarse)[:, [1, 2, 3, 0]] % 7)
        add("hist_r_poisson", R(loss="poisson", **few), y=ypos)
if VERSION >= (1, 3):
    add("tree_nan", tree.DecisionTreeClassifier(**small), nan, y3, qnan)
    add("tree_nan_only_to_score", tree.DecisionTreeRegressor(**small), x, yr, qnan)
if VERSION >= (1, 4):
    add("forest_nan", ensemble.RandomForestClassifier(n_estimators=5, **small), nan, y3, qnan)
    add("forest_r_nan", ensemble.RandomForestRegressor(n_estimators=5, **small), nan, yr, qnan)
if VERSION >= (1, 6):
    add("extra_trees_nan", ensemble.ExtraTreesClassifier(n_estimators=5, **small), nan, y3, qnan)

# Linear models.
L = linear_model
for name, make in [
    ("linear", L.LinearRegression), ("ridge", L.Ridge), ("ridge_cv", L.RidgeCV), ("lasso", L.Lasso), ("lasso_cv", L.LassoCV), ("elastic", L.ElasticNet),
    ("elastic_cv", L.ElasticNetCV), ("lars", L.Lars), ("lasso_lars", L.LassoLars), ("lasso_lars_cv", L.LassoLarsCV), ("lasso_lars_ic", L.LassoLarsIC),
    ("omp", L.OrthogonalMatchingPursuit), ("bayesian", L.BayesianRidge), ("ard", L.ARDRegression), ("huber", L.HuberRegressor), ("theil_sen", lambda: L.TheilSenRegressor(random_state=0)),
    ("sgd_r", lambda: L.SGDRegressor(random_state=0)), ("passive_r", lambda: L.PassiveAggressiveRegressor(random_state=0)), ("linear_svr", lambda: svm.LinearSVR(random_state=0)),
    ("no_intercept", lambda: L.LinearRegression(fit_intercept=False)),
]:
    adds(name, make, y=yr)
add("linear_column", L.LinearRegression(), y=yr.reshape(-1, 1))
for name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor"):
    if hasattr(L, name):
        add(name.lower(), getattr(L, name)(), y=ypos)
if hasattr(L, "TweedieRegressor"):
    add("tweedie_log", L.TweedieRegressor(power=1.5), y=ypos)
if hasattr(L, "QuantileRegressor"):
    add("quantile_r", L.QuantileRegressor(solver="highs"), y=yr)
for n, y in ("2", y2), ("3", y3):
    add("logistic_" + n, L.LogisticRegression(), y=y)
    add("logistic_liblinear_" + n, L.LogisticRegression(solver="liblinear"), y=y) if VERSION < (1, 6) or n == "2" else None
    for multi in ("ovr", "multinomial"):
        model = tried(lambda: L.LogisticRegression(multi_class=multi, solver="lbfgs"))
        if model is not None:
            add("logistic_%s_%s" % (multi, n), model, y=y)
    add("ridge_classifier_" + n, L.RidgeClassifier(), y=y)
    add("sgd_" + n, L.SGDClassifier(random_state=0), y=y)
    add("sgd_log_" + n, L.SGDClassifier(loss="log_loss" if VERSION >= (1, 1) else "log", random_state=0), y=y)
    add("sgd_huber_" + n, L.SGDClassifier(loss="modified_huber", random_state=0), y=y)
    add("perceptron_" + n, L.Perceptron(random_state=0), y=y)
    add("linear_svc_" + n, svm.LinearSVC(random_state=0), y=y)
    add("lda_" + n, LinearDiscriminantAnalysis(), y=y)
    for kernel in ("rbf", "linear", "poly"):
        add("svc_%s_%s" % (kernel, n), svm.SVC(kernel=kernel, gamma=0.1, probability=True, random_state=0, C=0.5), y=y)
    add("nu_svc_" + n, svm.NuSVC(gamma=0.1, nu=0.3), y=y)
    for weights in ("uniform", "distance"):
        for algorithm in ("brute", "kd_tree", "ball_tree"):
            add("knn_%s_%s_%s" % (weights, algorithm, n), neighbors.KNeighborsClassifier(4, weights=weights, algorithm=algorithm), y=y, q=q if weights == "uniform" else far)
    add("naive_bayes_" + n, naive_bayes.GaussianNB(), y=y)
    mlp = dict(random_state=0, hidden_layer_sizes=(6, 3), max_iter=60)
    for activation in ("relu", "tanh", "logistic"):
        add("mlp_%s_%s" % (activation, n), neural_network.MLPClassifier(activation=activation, **mlp), y=y)
    for method in ("sigmoid", "isotonic"):
        add("calibrated_%s_%s" % (method, n), CalibratedClassifierCV(svm.LinearSVC(random_state=0), method=method, cv=3), y=y)
    add("calibrated_forest_" + n, CalibratedClassifierCV(ensemble.RandomForestClassifier(n_estimators=3, **small), cv=3), y=y)
    for voting in ("soft", "hard"):
        parts = [("a", L.LogisticRegression()), ("b", tree.DecisionTreeClassifier(**small)), ("c", naive_bayes.GaussianNB())]
        add("voting_%s_%s" % (voting, n), ensemble.VotingClassifier(parts, voting=voting), y=y)
        add("voting_%s_weights_%s" % (voting, n), ensemble.VotingClassifier(parts, voting=voting, weights=[1, 2.5, 0.5]), y=y)
    if hasattr(ensemble, "StackingClassifier"):
        for method in ("auto", "predict"):
            add("stacking_%s_%s" % (method, n), ensemble.StackingClassifier(parts + [("d", svm.LinearSVC(random_state=0))], stack_method=method, cv=3), y=y)
        add("stacking_passthrough_" + n, ensemble.StackingClassifier(parts, passthrough=True, cv=3), y=y)
    if VERSION >= (1, 8):
        add("calibrated_temperature_" + n, CalibratedClassifierCV(L.LogisticRegression(), method="temperature", cv=3), y=y)
        add("calibrated_temperature_forest_" + n, CalibratedClassifierCV(ensemble.RandomForestClassifier(n_estimators=3, **small), method="temperature", cv=3), y=y)
add("logistic_words", L.LogisticRegression(), y=words)
add("ridge_classifier_words", L.RidgeClassifier(), y=words)
add("svc_words", svm.SVC(gamma=0.1), y=words)
add("svc_ovo", svm.SVC(gamma=0.1, decision_function_shape="ovo"), y=y3)
if VERSION >= (0, 22):
    add("svc_break_ties", svm.SVC(gamma=0.1, break_ties=True), y=many)
add("svc_many", svm.SVC(gamma=0.1, decision_function_shape="ovo", probability=True, random_state=0), y=many)
add("voting_words", ensemble.VotingClassifier(parts, voting="soft"), y=words)
add("calibrated_words", CalibratedClassifierCV(svm.LinearSVC(random_state=0), cv=3), y=words)
add("mlp_words", neural_network.MLPClassifier(**mlp), y=words)
add("grid", GridSearchCV(svm.SVC(gamma=0.1), {"C": [0.1, 1]}, cv=3), y=words)
add("random_search", RandomizedSearchCV(make_pipeline(preprocessing.StandardScaler(), L.Ridge()), {"ridge__alpha": [0.1, 1]}, n_iter=2, cv=3, random_state=0), y=yr)
if VERSION >= (0, 24):
    from sklearn.experimental import enable_halving_search_cv
    from sklearn.model_selection import HalvingGridSearchCV

    add("halving", HalvingGridSearchCV(L.Ridge(), {"alpha": [0.1, 1]}, cv=3, random_state=0), y=yr)

# Regressors of other kinds.
for kernel in ("rbf", "linear", "poly", "sigmoid"):
    add("svr_" + kernel, svm.SVR(kernel=kernel, gamma=0.05), y=yr)
add("svr_no_vectors", svm.SVR(gamma=0.05, epsilon=1000.0), y=yr)
add("nu_svr", svm.NuSVR(gamma=0.1), y=yr)
for weights in ("uniform", "distance"):
    for algorithm in ("brute", "kd_tree"):
        for metric in ("minkowski", "manhattan"):
            add("knn_r_%s_%s_%s" % (weights, algorithm, metric), neighbors.KNeighborsRegressor(9, weights=weights, algorithm=algorithm, metric=metric), y=yr, q=q if weights == "uniform" else far)
add("mlp_r", neural_network.MLPRegressor(**mlp), y=yr)
if VERSION >= (1, 7):
    add("dummy_r", DummyRegressor(), y=yr)
    add("dummy_2", DummyClassifier(strategy="prior"), y=y2)
x1, q1 = x[:, 0], q[:, 0]
for bounds in ("nan", "clip"):
    iso = IsotonicRegression(out_of_bounds=bounds)
    iso.fit(x1, yr)
    models["isotonic_" + bounds] = {"file": pickled(iso), "X": floats(q1), "predict": floats(iso.predict(q1))}
if hasattr(ensemble, "VotingRegressor"):
    parts = [("a", L.Ridge()), ("b", tree.DecisionTreeRegressor(**small)), ("c", neighbors.KNeighborsRegressor(3))]
    add("voting_r", ensemble.VotingRegressor(parts), y=yr)
    add("voting_r_weights", ensemble.VotingRegressor(parts, weights=[1, 2.5, 0.5]), y=yr)
if hasattr(ensemble, "StackingRegressor"):
    add("stacking_r", ensemble.StackingRegressor(parts, cv=3), y=yr)
    add("stacking_r_passthrough", ensemble.StackingRegressor(parts, final_estimator=L.Ridge(), passthrough=True, cv=3), y=yr)
if VERSION >= (0, 20):
    from sklearn.compose import TransformedTargetRegressor as T

    add("target_functions", T(L.LinearRegression(), func=np.log, inverse_func=np.exp), y=ypos)
    add("target_log1p", T(tree.DecisionTreeRegressor(**small), func=np.log1p, inverse_func=np.expm1), y=ypos)
    for name in ("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "QuantileTransformer", "PowerTransformer"):
        t = getattr(preprocessing, name)
        add("target_" + name, T(L.LinearRegression(), transformer=t() if name != "QuantileTransformer" else t(n_quantiles=10)), y=yr)
    add("target_box_cox", T(L.LinearRegression(), transformer=preprocessing.PowerTransformer("box-cox")), y=ypos)
    add("target_normal", T(L.LinearRegression(), transformer=preprocessing.QuantileTransformer(n_quantiles=10, output_distribution="normal")), y=yr)

# Detectors with scores and no limit.
for shape in ("full", "tied", "diag", "spherical"):
    add("mixture_" + shape, mixture.GaussianMixture(3, covariance_type=shape, random_state=0))
    add("bayesian_" + shape, mixture.BayesianGaussianMixture(n_components=3, covariance_type=shape, random_state=0))
add("bayesian_distribution", mixture.BayesianGaussianMixture(n_components=3, weight_concentration_prior_type="dirichlet_distribution", random_state=0))
for kernel in ("gaussian", "tophat", "epanechnikov", "exponential", "linear"):
    add("kde_" + kernel, neighbors.KernelDensity(kernel=kernel, bandwidth=3.0))
add("kde_cosine", neighbors.KernelDensity(kernel="cosine", bandwidth=3.0), x[:, :2], q=q[:, :2])
add("kde_manhattan", neighbors.KernelDensity(metric="manhattan", bandwidth=0.7))
add("kmeans", cluster.KMeans(3, random_state=0), methods=("predict", "transform"))
add("mini_batch_kmeans", cluster.MiniBatchKMeans(3, random_state=0), methods=("predict", "transform"))
add("mincovdet", covariance.MinCovDet(random_state=0))
add("covariance", covariance.EmpiricalCovariance())
add("ledoit_wolf", covariance.LedoitWolf())
add("covariance_no_precision", covariance.EmpiricalCovariance(store_precision=False))
for whiten in (False, True):
    pca = decomposition.PCA(2, whiten=whiten).fit(x)
    back = pca.inverse_transform(pca.transform(q))
    models["pca_whiten" if whiten else "pca"] = {"file": pickled(pca), "X": floats(q), "reconstruction": floats(((q - back) ** 2).mean(axis=1))}


# Transformers, seen through a linear model that weighs what comes out.
class Weigh:
    """Fits LinearRegression to what a transformer gives, at random."""

    def __new__(cls, t):
        return Pipeline([("t", t), ("r", L.Ridge(alpha=1e-3))])


def through(name, t, x=x, q=q, y=None):
    t = tried(t)
    if t is not None:
        try:
            add("t_" + name, Weigh(t), x, yr if y is None else y, q)
        except ValueError as e:
            print("left out", name, e)


through("union", lambda: FeatureUnion([("a", preprocessing.StandardScaler()), ("b", decomposition.PCA(2))], transformer_weights={"b": 0.5}))
for kw in dict(), dict(degree=3), dict(degree=4, interaction_only=True), dict(degree=2, include_bias=False), dict(degree=(2, 3)), dict(degree=(0, 2)):
    key = "_".join(str(v) for v in kw.values())
    if not isinstance(kw.get("degree"), tuple) or VERSION >= (1, 0):
        through("polynomial_" + key, lambda: make_pipeline(preprocessing.PolynomialFeatures(**kw), preprocessing.StandardScaler()))
if hasattr(preprocessing, "SplineTransformer"):
    for extrapolation in ("constant", "linear", "continue", "periodic"):
        through("spline_" + extrapolation, lambda: preprocessing.SplineTransformer(extrapolation=extrapolation))
    for kw in dict(degree=1), dict(degree=2, include_bias=False), dict(knots="quantile", n_knots=4), dict(degree=1, extrapolation="linear"), dict(degree=0):
        through("spline_" + "_".join("%s" % v for v in kw.values()), lambda: preprocessing.SplineTransformer(**kw))
    if VERSION >= (1, 8):
        through("spline_zeros", lambda: preprocessing.SplineTransformer(handle_missing="zeros"), nan, qnan)
F = feature_selection
through("variance", lambda: F.VarianceThreshold(2.0))
through("k_best", lambda: F.SelectKBest(F.f_regression, k=2))
through("k_best_all", lambda: F.SelectKBest(F.f_regression, k="all"))
through("percentile", lambda: F.SelectPercentile(F.f_regression, percentile=60))
through("fpr", lambda: F.SelectFpr(F.f_regression, alpha=0.4))
through("fdr", lambda: F.SelectFdr(F.f_regression, alpha=0.4))
through("fwe", lambda: F.SelectFwe(F.f_regression, alpha=0.4))
through("generic", lambda: F.GenericUnivariateSelect(F.f_regression, mode="k_best", param=3))
for name, estimator, y in [
    ("lasso", L.Lasso(), yr), ("ridge", L.Ridge(), yr), ("logistic", L.LogisticRegression(), y3), ("tree", tree.DecisionTreeRegressor(**small), yr),
    ("forest", ensemble.RandomForestClassifier(n_estimators=5, **small), y3), ("boosting", ensemble.GradientBoostingClassifier(n_estimators=3, random_state=0), y3),
]:
    through("from_" + name, lambda: F.SelectFromModel(estimator), y=y)
through("from_median", lambda: F.SelectFromModel(L.Ridge(), threshold="1.1*median"))
through("from_number", lambda: F.SelectFromModel(L.Ridge(), threshold=0.3))
if VERSION >= (0, 20):
    through("from_most", lambda: F.SelectFromModel(L.Ridge(), max_features=2, threshold=-np.inf))
through("rfe", lambda: F.RFE(L.Ridge(), n_features_to_select=2))
through("rfecv", lambda: F.RFECV(L.Ridge(), cv=3))
through("sequential", lambda: F.SequentialFeatureSelector(L.Ridge(), n_features_to_select=2, cv=3))
if VERSION >= (0, 20):
    for strategy in ("uniform", "quantile", "kmeans"):
        for encode in ("ordinal", "onehot-dense", "onehot"):
            through("bins_%s_%s" % (strategy, encode), lambda: preprocessing.KBinsDiscretizer(4, encode=encode, strategy=strategy))
    dense = dict(sparse_output=False) if VERSION >= (1, 2) else dict(sparse=False)
    through("onehot", lambda: preprocessing.OneHotEncoder(handle_unknown="ignore", categories="auto", **dense), coarse, qcoarse)
    through("onehot_sparse", lambda: preprocessing.OneHotEncoder(handle_unknown="ignore", categories="auto"), coarse, qcoarse)
    if VERSION >= (0, 21):
        through("onehot_drop", lambda: preprocessing.OneHotEncoder(drop="first", categories="auto", **dense), coarse, coarse[:10])
    if VERSION >= (0, 24):
        through("onehot_if_binary", lambda: preprocessing.OneHotEncoder(drop="if_binary", **dense), coarse > 1, coarse[:10] > 1)
        through("ordinal_unknown", lambda: preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-3), coarse, qcoarse)
    if VERSION >= (1, 1):
        through("onehot_infrequent", lambda: preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=4, **dense), coarse, qcoarse)
        through("onehot_infrequent_drop", lambda: preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=4, drop="first", **dense), coarse[:, :1], qcoarse[:, :1])
    if VERSION >= (1, 3):
        through("ordinal_infrequent", lambda: preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-3, min_frequency=4), coarse, qcoarse)
        through("ordinal_nan", lambda: make_pipeline(preprocessing.OrdinalEncoder(encoded_missing_value=-7), preprocessing.StandardScaler()), np.round(nan), np.round(nan[:12]))
    through("ordinal", lambda: preprocessing.OrdinalEncoder(), coarse, coarse[:10])
    from sklearn.impute import MissingIndicator, SimpleImputer

    through("indicator", lambda: FeatureUnion([("a", SimpleImputer()), ("b", MissingIndicator(error_on_new=False))]), nan, qnan)
    through("indicator_all", lambda: FeatureUnion([("a", SimpleImputer()), ("b", MissingIndicator(features="all"))]), nan, qnan)
if VERSION >= (0, 22):
    from sklearn.impute import KNNImputer

    empty, qempty = nan.copy(), qnan.copy()
    empty[:, 3] = np.nan
    blank = qnan.copy()
    blank[4] = np.nan
    through("knn_imputer", lambda: KNNImputer(n_neighbors=3), nan, blank)
    through("knn_imputer_distance", lambda: KNNImputer(n_neighbors=3, weights="distance"), nan, qnan[6:])
    through("knn_imputer_indicator", lambda: KNNImputer(n_neighbors=3, add_indicator=True), nan, qnan)
    through("knn_imputer_empty", lambda: KNNImputer(n_neighbors=3), empty, qempty)
    if VERSION >= (1, 2):
        through("knn_imputer_keep", lambda: KNNImputer(n_neighbors=3, keep_empty_features=True), empty, qempty)
if VERSION >= (0, 21):
    from sklearn.experimental import enable_iterative_imputer
    from sklearn.impute import IterativeImputer

    through("iterative", lambda: IterativeImputer(random_state=0, max_iter=3), nan, qnan)
    through("iterative_limits", lambda: IterativeImputer(random_state=0, max_iter=2, min_value=0, max_value=3, imputation_order="roman"), nan, qnan)
    through("iterative_indicator", lambda: IterativeImputer(random_state=0, max_iter=2, add_indicator=True, estimator=tree.DecisionTreeRegressor(**small)), nan, qnan)
from sklearn.kernel_approximation import RBFSampler

through("svd", lambda: decomposition.TruncatedSVD(2, random_state=0))
through("incremental_pca", lambda: decomposition.IncrementalPCA(2))
through("rbf_sampler", lambda: RBFSampler(n_components=6, gamma=0.1, random_state=0))
through("binarizer", lambda: preprocessing.Binarizer(threshold=1.5))
through("kmeans", lambda: cluster.KMeans(3, random_state=0))
centerer = make_pipeline(preprocessing.KernelCenterer(), L.Ridge())
k = x @ x.T
add("t_kernel_centerer", centerer, k, yr, q @ x.T)

through("factor_analysis", lambda: decomposition.FactorAnalysis(2, random_state=0))
through("fast_ica", lambda: decomposition.FastICA(2, random_state=0))
from sklearn.random_projection import GaussianRandomProjection

through("gaussian_projection", lambda: GaussianRandomProjection(3, random_state=0))
for kernel in ("linear", "rbf", "poly", "cosine"):
    through("kernel_pca_" + kernel, lambda: decomposition.KernelPCA(2, kernel=kernel, gamma=0.05))
if hasattr(neighbors, "NeighborhoodComponentsAnalysis"):
    through("nca", lambda: neighbors.NeighborhoodComponentsAnalysis(2, random_state=0, max_iter=3), y=y3)
for solver in ("svd", "eigen"):
    through("lda_" + solver, lambda: LinearDiscriminantAnalysis(solver=solver), y=y3)
from sklearn.cross_decomposition import PLSRegression

# Regressors and classifiers of further kinds.
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as K
from sklearn.kernel_ridge import KernelRidge
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier

for kernel in ("linear", "rbf", "polynomial", "sigmoid", "laplacian", "cosine"):
    add("kernel_ridge_" + kernel, make_pipeline(preprocessing.StandardScaler(), KernelRidge(kernel=kernel, gamma=0.1)), y=yr)
for name, kernel in [
    ("default", None), ("rbf", K.RBF()), ("ard", K.ConstantKernel(2.0) * K.RBF([1.0, 2.0, 3.0, 4.0]) + K.WhiteKernel(0.1)), ("half", K.Matern(nu=0.5)),
    ("three_halves", K.Matern(nu=1.5)), ("five_halves", K.Matern(nu=2.5)), ("rational", K.RationalQuadratic()), ("sine", K.ExpSineSquared(periodicity=20.0)),
    ("dot", K.DotProduct() ** 2 + K.RBF()), ("smooth", K.Matern(nu=np.inf) if VERSION >= (1, 0) else K.RBF()),
]:
    normalised = name in ("ard", "half")
    adds("gaussian_process_" + name, lambda: make_pipeline(preprocessing.StandardScaler(), GaussianProcessRegressor(kernel, alpha=1.0, normalize_y=normalised, optimizer=None)), y=yr)
add("pls", PLSRegression(2), y=yr, methods=("predict",))
add("pls_unscaled", PLSRegression(1, scale=False), y=yr.reshape(-1, 1), methods=("predict",))
add("ransac", L.RANSACRegressor(random_state=0), y=yr)
add("rfe", F.RFE(L.Ridge(), n_features_to_select=2), y=yr)
add("rfecv", make_pipeline(preprocessing.StandardScaler(), F.RFECV(L.LogisticRegression(), cv=3)), y=words) if VERSION >= (0, 20) else None
for n, y in ("2", y2), ("3", y3), ("words", words):
    add("bernoulli_" + n, naive_bayes.BernoulliNB(binarize=1.0), y=y)
    add("bernoulli_binary_" + n, naive_bayes.BernoulliNB(binarize=None), (x > 1).astype(float), y, (q > 1).astype(float))
    add("multinomial_" + n, naive_bayes.MultinomialNB(), np.abs(x), y, np.abs(q))
    if hasattr(naive_bayes, "ComplementNB"):
        for norm in (False, True):
            add("complement_%s_%s" % (norm, n), naive_bayes.ComplementNB(norm=norm), np.abs(x), y, np.abs(q))
    if hasattr(naive_bayes, "CategoricalNB"):
        add("categorical_" + n, naive_bayes.CategoricalNB(), np.abs(coarse) % 4, y, np.abs(qcoarse) % 4)
    add("quadratic_" + n, QuadraticDiscriminantAnalysis(reg_param=0.1), y=y)
    for metric in ("euclidean", "manhattan"):
        add("centroid_%s_%s" % (metric, n), neighbors.NearestCentroid(metric=metric), y=y)
    add("versus_rest_" + n, OneVsRestClassifier(L.LogisticRegression()), y=y)
    add("versus_rest_forest_" + n, OneVsRestClassifier(ensemble.RandomForestClassifier(n_estimators=3, **small)), y=y)
    add("versus_rest_svm_" + n, OneVsRestClassifier(svm.LinearSVC(random_state=0)), y=y)
    if VERSION >= (0, 21):  # before, votes depended on the other rows
        add("versus_one_" + n, OneVsOneClassifier(svm.LinearSVC(random_state=0)), y=y)
        add("versus_one_bayes_" + n, OneVsOneClassifier(naive_bayes.GaussianNB()), y=y)
add("centroid_even", neighbors.NearestCentroid(), y=np.arange(40) % 2)
add("lda_pipeline", make_pipeline(LinearDiscriminantAnalysis(), naive_bayes.GaussianNB()), y=words)
adds("dummy_constant", lambda: DummyClassifier(strategy="constant", constant="run"), y=words) if VERSION >= (1, 7) else None
if VERSION >= (0, 24):
    from sklearn.semi_supervised import SelfTrainingClassifier

    add("self_training", SelfTrainingClassifier(L.LogisticRegression()), y=np.where(np.arange(40) % 3, y2, -1))
if VERSION >= (1, 5):
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

    add("threshold_fixed", FixedThresholdClassifier(L.LogisticRegression(), threshold=0.3), y=y2)
    add("threshold_auto", FixedThresholdClassifier(L.LogisticRegression(), response_method="decision_function"), y=y2)
    add("threshold_other_class", FixedThresholdClassifier(L.LogisticRegression(), threshold=0.3, pos_label="off"), y=np.where(y2, "on", "off"))
    add("threshold_tuned", TunedThresholdClassifierCV(L.LogisticRegression(), cv=3), y=y2)
add("birch", cluster.Birch(threshold=1.0, n_clusters=3), q=far, methods=("predict", "transform"))
add("birch_subclusters", cluster.Birch(threshold=1.0, n_clusters=None), q=far, methods=("predict", "transform"))
for name, estimator in ("mean_shift", cluster.MeanShift()), ("affinity", tried(lambda: cluster.AffinityPropagation(random_state=0)) or cluster.AffinityPropagation()):
    add(name, estimator, q=far, methods=("predict",))
    from sklearn.metrics.pairwise import euclidean_distances

    models[name]["transform"] = floats(euclidean_distances(far, estimator.cluster_centers_))
if VERSION >= (0, 20):
    add("graphical_lasso", covariance.GraphicalLasso())

# What people keep more rarely. Most is scaled first, since distances and kernels are.
from sklearn.gaussian_process import GaussianProcessClassifier, kernels
from sklearn.multiclass import OutputCodeClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.random_projection import SparseRandomProjection
from sklearn.semi_supervised import LabelPropagation, LabelSpreading


def scaled(model):
    return make_pipeline(preprocessing.StandardScaler(), model)


column = yr.reshape(-1, 1)
inverse = np.linalg.inv(np.cov(x.T))
unlabelled = np.arange(40) % 3 == 0
for n, y in ("2", y2), ("3", y3), ("words", words):
    add("gaussian_" + n, scaled(GaussianProcessClassifier(1.5 * kernels.RBF(1.5), optimizer=None)), y=y)
    add("radius_" + n, scaled(neighbors.RadiusNeighborsClassifier(9.0, weights="distance")), y=y, q=far)
    add("radius_ball_" + n, scaled(neighbors.RadiusNeighborsClassifier(9.0, algorithm="ball_tree", metric="manhattan")), y=y)
    add("output_code_" + n, scaled(OutputCodeClassifier(L.LogisticRegression(), code_size=2, random_state=0)), y=y)
    add("output_code_svc_" + n, scaled(OutputCodeClassifier(svm.LinearSVC(random_state=0), code_size=3, random_state=1)), y=y)
    if n != "words":
        add("propagation_" + n, scaled(LabelPropagation(gamma=0.3)), y=np.where(unlabelled, -1, y))
        add("spreading_knn_" + n, scaled(LabelSpreading(kernel="knn", n_neighbors=5)), y=np.where(unlabelled, -1, y))
        add("spreading_" + n, scaled(LabelSpreading(gamma=0.3)), y=np.where(unlabelled, -1, y))
if VERSION >= (0, 22):
    for outlier in "most_frequent", 1:
        add("radius_outlier_%s" % outlier, scaled(neighbors.RadiusNeighborsClassifier(0.6, outlier_label=outlier, algorithm="brute" if outlier == 1 else "auto")), y=y3)
if VERSION >= (0, 21):  # before, votes depended on the other rows
    add("gaussian_one", scaled(GaussianProcessClassifier(kernels.Matern(1.0) + kernels.DotProduct() + kernels.WhiteKernel(0.1), multi_class="one_vs_one", optimizer=None)), y=y3, methods=("predict",))
add("radius_r", scaled(neighbors.RadiusNeighborsRegressor(9.0)), y=yr)
if VERSION >= (0, 22):
    add("radius_r_distance", scaled(neighbors.RadiusNeighborsRegressor(8.0, weights="distance", metric="chebyshev")), y=yr, q=far)
adds("multi_r", lambda: MultiOutputRegressor(L.Ridge()), y=column)
multi = MultiOutputClassifier(L.LogisticRegression()).fit(x, y2.reshape(-1, 1))
models["multi"] = {"file": pickled(multi), "X": floats(q), "classes": ["0", "1"], "predict": [str(c) for c in multi.predict(q)[:, 0]],
                   "predict_proba": floats(multi.estimators_[0].predict_proba(q)), "decision_function": floats(multi.estimators_[0].decision_function(q))}
if VERSION >= (0, 20):
    from sklearn.multioutput import RegressorChain

    add("chain_r", RegressorChain(L.Ridge()), y=column)
add("multi_task", L.MultiTaskLasso(alpha=0.1), y=column)
adds("bisecting", lambda: cluster.BisectingKMeans(4, random_state=0), methods=("predict", "transform"), q=far)
for name, model in [("nearest", neighbors.NearestNeighbors(n_neighbors=4)), ("nearest_brute", neighbors.NearestNeighbors(n_neighbors=3, algorithm="brute"))]:
    model.fit(x)
    models[name] = {"file": pickled(model), "X": floats(far), "mahalanobis": floats(model.kneighbors(far)[0].mean(axis=1))}
for metric in "canberra", "braycurtis", "sqeuclidean", "cosine", "correlation", "seuclidean", "mahalanobis":
    params = {"seuclidean": {"V": x.var(axis=0)}, "mahalanobis": {"VI": inverse}}.get(metric)
    add("knn_%s_metric" % metric, neighbors.KNeighborsClassifier(4, metric=metric, metric_params=params), y=y3, q=far)
    adds("lof_%s_metric" % metric, lambda: neighbors.LocalOutlierFactor(5, metric=metric, metric_params=params, novelty=True), q=far) if metric not in ("cosine", "correlation") else None
add("knn_haversine_metric", neighbors.KNeighborsRegressor(4, algorithm="ball_tree", metric="haversine"), x[:, :2] / 9, yr, q[:, :2] / 9)
if VERSION >= (1, 1):
    add("knn_weighted_metric", neighbors.KNeighborsClassifier(4, metric="minkowski", p=1.5, metric_params={"w": np.array([1.0, 2, 0.5, 0.1])}), y=y3)
if VERSION >= (0, 22):
    through("sparse_pca", lambda: decomposition.SparsePCA(2, random_state=0, max_iter=20))
    through("mini_batch_sparse_pca", lambda: decomposition.MiniBatchSparsePCA(2, random_state=0))
through("sparse_projection", lambda: SparseRandomProjection(3, density=0.5, random_state=0))
for pool in np.mean, np.max, np.median:
    through("agglomeration_" + pool.__name__, lambda: cluster.FeatureAgglomeration(2, pooling_func=pool))
if VERSION >= (0, 22):
    through("trees_embedding", lambda: ensemble.RandomTreesEmbedding(5, max_depth=3, random_state=0))
if VERSION >= (1, 4):
    levels, qlevels = np.round(nan / 3), np.round(qnan / 3)
    for target, y in ("continuous", yr), ("binary", y2), ("multiclass", y3):
        encoder = preprocessing.TargetEncoder(random_state=0, target_type=target)
        add("target_encoder_" + target, make_pipeline(encoder, L.Ridge() if target == "continuous" else naive_bayes.GaussianNB()), levels, y, qlevels)
if VERSION >= (1, 9):
    add("naive_bayes_float32", naive_bayes.GaussianNB(), x.astype(np.float32), y3)
from sklearn.kernel_approximation import AdditiveChi2Sampler, SkewedChi2Sampler

positive, qpositive = np.abs(x), np.abs(q)
positive[::7, 1], qpositive[::4, 1], qpositive[2, 3] = 0, 0, -0.0
if VERSION >= (0, 23):  # before, it does not keep how many columns it was fitted on
    for kw in dict(sample_steps=1), dict(), dict(sample_steps=3), dict(sample_steps=2, sample_interval=0.3), dict(sample_steps=5, sample_interval=0.7), dict(sample_interval=0.0):
        through("additive_chi2_" + "_".join("%s" % v for v in kw.values()), lambda: AdditiveChi2Sampler(**kw), positive, qpositive)
for skewedness in 1.0, 0.01:
    through("skewed_chi2_%s" % skewedness, lambda: SkewedChi2Sampler(skewedness=skewedness, n_components=6, random_state=0), positive, qpositive)
through("skewed_chi2_one", lambda: SkewedChi2Sampler(skewedness=8.5, n_components=1, random_state=0), x.clip(-8), q.clip(-8))
through("rbm", lambda: neural_network.BernoulliRBM(5, learning_rate=0.5, n_iter=20, random_state=0), (positive / positive.max(axis=0)), q)
through("rbm_one", lambda: neural_network.BernoulliRBM(1, n_iter=3, random_state=0), (x > 1).astype(float), (q > 1).astype(float))
new_functions = [("nan_to_num", np.nan_to_num, None), ("nan_to_number", np.nan_to_num, {"nan": 2.5}), ("clip", np.clip, {"a_min": -1, "a_max": 4.5}), ("round", np.round, {"decimals": 1})]
for name, function, arguments in new_functions:
    if VERSION >= (0, 20) and (name != "nan_to_number" or np.lib.NumpyVersion(np.__version__) >= "1.17.0"):
        missing = name.startswith("nan")
        through("function_" + name, lambda: preprocessing.FunctionTransformer(function, validate=False, kw_args=arguments), nan if missing else x, qnan if missing else q)

out = {"sklearn": sklearn.__version__, "numpy": np.__version__, "models": models}
with lzma.open("%s/estimators-%s.json.xz" % (sys.argv[1], sklearn.__version__.replace(".post1", "")), "wb") as f:
    f.write(json.dumps(out, indent=0, sort_keys=True).encode())
