#!/usr/bin/env python3
"""Writes the golden models: golden.py OUTDIR

Fits small models of every supported estimator and transformer with the
scikit-learn that runs it, and writes OUTDIR/sklearn-VERSION.json.gz: for each
model its pickle or joblib file, inputs, and what predict, decision_function
and score_samples gave, numbers in hexadecimal. Beside this script are those of
scikit-learn 1.1.3 (numpy 1.23, joblib 1.2), 1.5.2 and 1.9.1 (numpy 2.4, joblib
1.6), all on Python 3.11; 1.2.2 and 1.7.2 have been tried too.
"""
import base64, gzip, io, json, pickle, sys, warnings

import joblib
import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer, MaxAbsScaler, MinMaxScaler, Normalizer, PowerTransformer, QuantileTransformer,
    RobustScaler, StandardScaler)
from sklearn.svm import OneClassSVM

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in sklearn.__version__.split(".")[:2])


def data(d, n=60, seed=0, positive=False):
    rng = np.random.RandomState(seed)
    x = rng.normal(size=(n, d)) * np.linspace(1, 3, d) + np.linspace(0, 5, d)
    return np.abs(x) + 0.1 if positive else x


def inputs(x, seed=1):
    """Rows near and far from those fitted, some of them the very rows."""
    rng = np.random.RandomState(seed)
    far = x[:8] + rng.normal(size=x[:8].shape) * 6 * (np.nanstd(x, axis=0) + 0.01)
    return np.vstack([x[:6], far, x[6:10] + 0.01])


def with_nan(x):
    x = x.copy()
    x[::7, 0] = np.nan
    x[3, -1] = np.nan
    return x


models = {}


def add(name, model, x, query=None, dump=None):
    """Fits model to x and keeps what it gives."""
    model.fit(x)
    query = inputs(np.asarray(x, float)) if query is None else query
    file = (dump or (lambda m: pickle.dumps(m, 4)))(model)
    entry = {"file": base64.b64encode(file).decode(), "X": hexadecimal(query)}
    query = query.astype(float)
    for method in ("predict", "decision_function", "score_samples"):
        entry[method] = hexadecimal(np.asarray(getattr(model, method)(query), float).reshape(-1, 1))
    models[name] = entry


def hexadecimal(rows):
    return [[float(v).hex() for v in row] for row in rows]


def joblib_bytes(model, compress=0):
    f = io.BytesIO()
    joblib.dump(model, f, compress=compress)
    return f.getvalue()


x4, x1, p4 = data(4), data(1), data(4, positive=True)
svm = lambda **kw: OneClassSVM(**{"nu": 0.2, "gamma": 0.1, **kw})
forest = lambda **kw: IsolationForest(**{"n_estimators": 8, "max_samples": 32, "random_state": 0, **kw})

# Detectors.
for d in (1, 4, 128):
    add(f"ocsvm_rbf_d{d}", svm(gamma="scale"), data(d))
add("ocsvm_auto", svm(gamma="auto"), x4)
for kernel in ("linear", "poly", "sigmoid"):
    add(f"ocsvm_{kernel}", make_pipeline(StandardScaler(), svm(kernel=kernel, coef0=0.5, degree=4)), x4)
add("ocsvm_one_vector", svm(nu=0.05), np.full((20, 1), 3.0), np.array([[3.0], [3.1], [2.0]]))
add("ocsvm_all_vectors", svm(nu=0.98), x1)
add("ocsvm_float32", svm(), x4.astype(np.float32))
add("ocsvm_fortran", svm(), np.asfortranarray(x4))
add("ocsvm_numpy_params", svm(nu=np.float32(0.25), gamma=np.float64(0.1), degree=np.int32(3)), x4)
add("sgd", SGDOneClassSVM(random_state=0), x4)
add("sgd_average", SGDOneClassSVM(random_state=0, average=True, nu=0.1, fit_intercept=False), x4)
add("sgd_d1", SGDOneClassSVM(random_state=0), x1)
add("iforest_auto", forest(), x4)
add("iforest_contamination", forest(contamination=0.1), x4)
add("iforest_one_tree", forest(n_estimators=1), x4)
add("iforest_one_sample", forest(max_samples=1), x4)
add("iforest_two_samples", forest(max_samples=2), x4)
add("iforest_bootstrap", forest(bootstrap=True, max_samples=0.5), x4)
add("iforest_subset", forest(max_features=0.5), x4)
add("iforest_d1", forest(), x1)
add("iforest_d128", forest(n_estimators=3), data(128))
add("iforest_constant", forest(), np.ones((30, 2)), np.array([[1.0, 1.0], [0.0, 5.0]]))
add("iforest_random_state", forest(random_state=np.random.RandomState(3)), x4)
for algorithm in ("brute", "kd_tree", "ball_tree"):
    add(f"lof_{algorithm}", LocalOutlierFactor(novelty=True, n_neighbors=5, algorithm=algorithm), x4)
for metric in ("manhattan", "chebyshev"):
    add(f"lof_{metric}", LocalOutlierFactor(novelty=True, n_neighbors=5, metric=metric), x4)
add("lof_p3", LocalOutlierFactor(novelty=True, n_neighbors=5, p=3), x4)
add("lof_p1_contamination", LocalOutlierFactor(novelty=True, n_neighbors=5, p=1, contamination=0.1), x4)
add("lof_default", LocalOutlierFactor(novelty=True), x1)
add("lof_few_rows", LocalOutlierFactor(novelty=True, n_neighbors=20), x4[:5], x4[:9])
add("lof_duplicates", LocalOutlierFactor(novelty=True, n_neighbors=3), np.repeat(x4[:6], 5, axis=0), x4[:9] + 0.5)
add("elliptic", EllipticEnvelope(random_state=0), x4)
add("elliptic_contamination", EllipticEnvelope(random_state=0, contamination=0.3, support_fraction=0.9), x4)
add("elliptic_no_precision", EllipticEnvelope(random_state=0, store_precision=False), x4)
add("elliptic_centered", EllipticEnvelope(random_state=0, assume_centered=True), x4)
add("elliptic_d1", EllipticEnvelope(random_state=0), x1)

# Transformers.
for name, t, x in [
    ("standard", StandardScaler(), x4),
    ("standard_mean", StandardScaler(with_std=False), x4),
    ("standard_std", StandardScaler(with_mean=False), x4),
    ("standard_neither", StandardScaler(with_mean=False, with_std=False), x4),
    ("standard_constant", StandardScaler(), np.hstack([x1, np.full((60, 1), 7.0)])),
    ("standard_float32", StandardScaler(), x4.astype(np.float32)),
    ("minmax", MinMaxScaler((-1, 2)), x4),
    ("minmax_clip", MinMaxScaler(clip=True), x4),
    ("robust", RobustScaler(), x4),
    ("robust_unit", RobustScaler(quantile_range=(10.0, 80.0), unit_variance=True), x4),
    ("robust_center", RobustScaler(with_scaling=False), x4),
    ("robust_scale", RobustScaler(with_centering=False), x4),
    ("maxabs", MaxAbsScaler(), x4),
    ("normalizer_l1", Normalizer("l1"), x4),
    ("normalizer_l2", Normalizer(), x4),
    ("normalizer_max", Normalizer("max"), x4),
    ("power_yeo", PowerTransformer(), x4),
    ("power_yeo_plain", PowerTransformer(standardize=False), x4),
    ("power_box", PowerTransformer("box-cox"), p4),
    ("quantile_uniform", QuantileTransformer(n_quantiles=20), x4),
    ("quantile_normal", QuantileTransformer(n_quantiles=20, output_distribution="normal"), x4),
    ("quantile_constant", QuantileTransformer(n_quantiles=5), np.hstack([x1, np.full((60, 1), 7.0)])),
    ("quantile_one", QuantileTransformer(n_quantiles=1), x4),
    ("pca", PCA(2), x4),
    ("pca_whiten", PCA(3, whiten=True), x4),
    ("pca_d1", PCA(), x1),
    ("pca_randomized", PCA(2, svd_solver="randomized", random_state=0), x4),
    ("nystroem_rbf", Nystroem(n_components=10, random_state=0), x4),
    ("nystroem_poly", Nystroem("poly", n_components=10, random_state=0, degree=2, coef0=0.5, gamma=0.01), x4),
    ("nystroem_sigmoid", Nystroem("sigmoid", n_components=10, random_state=0, gamma=0.001), x4),
    ("nystroem_laplacian", Nystroem("laplacian", n_components=10, random_state=0), x4),
    ("nystroem_linear", Nystroem("linear", n_components=3, random_state=0), x4),
    ("nystroem_cosine", Nystroem("cosine", n_components=4, random_state=0), x4),
    ("function_none", FunctionTransformer(), x4),
    ("function_validate", FunctionTransformer(np.tanh, validate=True), x4),
    ("passthrough", "passthrough", x4),
    ("nested", Pipeline([("inner", make_pipeline(StandardScaler(), "passthrough", PCA(2)))]), x4),
    ("imputer_as_array", SimpleImputer(), x4),
]:
    query = None
    if name == "power_box":
        query = np.abs(inputs(x)) + 0.01
    add(f"t_{name}", Pipeline([("t", t), ("clf", svm())]), x, query)
for name in ("log1p", "sqrt", "cbrt", "exp", "log", "square", "arctan", "absolute", "sign", "reciprocal", "expm1"):
    q = np.abs(inputs(p4)) + 0.05
    add(f"function_{name}", make_pipeline(FunctionTransformer(getattr(np, name)), StandardScaler(), svm()), p4, q)

nan4 = with_nan(x4)
nanq = with_nan(inputs(x4))
for strategy in ("mean", "median", "most_frequent", "constant"):
    add(f"imputer_{strategy}", make_pipeline(SimpleImputer(strategy=strategy), StandardScaler(), svm()), nan4, nanq)
add("imputer_fill", make_pipeline(SimpleImputer(strategy="constant", fill_value=-1.5), svm()), nan4, nanq)
add("imputer_indicator", make_pipeline(SimpleImputer(add_indicator=True), svm()), nan4, nanq)
add("imputer_zero", make_pipeline(SimpleImputer(missing_values=0), svm()), np.where(nan4 > 2, nan4, 0.0), np.where(nanq > 2, nanq, 0.0))
empty = nan4.copy()
empty[:, 1] = np.nan
add("imputer_empty_column", make_pipeline(SimpleImputer(), svm()), empty, nanq)
if VERSION >= (1, 2):
    add("imputer_keep_empty", make_pipeline(SimpleImputer(keep_empty_features=True), svm()), empty, nanq)
    add("imputer_constant_empty", make_pipeline(SimpleImputer(strategy="constant", fill_value=2.0), svm()), empty, nanq)
for name, t in [("standard", StandardScaler()), ("minmax", MinMaxScaler()), ("robust", RobustScaler()), ("maxabs", MaxAbsScaler()),
                ("power", PowerTransformer()), ("quantile", QuantileTransformer(n_quantiles=10))]:
    add(f"nan_through_{name}", make_pipeline(t, SimpleImputer(), svm()), nan4, nanq)

# ColumnTransformer.
columns = {
    "list": [0, 2], "negative": [-1, 0], "slice": slice(1, 3), "mask": [True, False, True, False], "array": np.array([1, 3]),
    "bool_array": np.array([False, True, True, False]),
}
for name, c in columns.items():
    for remainder in ("drop", "passthrough"):
        t = ColumnTransformer([("s", StandardScaler(), c), ("m", MinMaxScaler(), [1])], remainder=remainder)
        add(f"columns_{name}_{remainder}", make_pipeline(t, svm()), x4)
add("columns_weights", make_pipeline(ColumnTransformer(
    [("a", StandardScaler(), [0, 1]), ("b", "passthrough", [2]), ("c", "drop", [3]), ("e", StandardScaler(), [])],
    transformer_weights={"a": 2.5, "b": 0.5}), forest()), x4)
add("columns_remainder", make_pipeline(ColumnTransformer(
    [("p", make_pipeline(SimpleImputer(), FunctionTransformer(np.tanh)), [0, 3])], remainder=RobustScaler()), svm()), np.where(np.arange(4) == 0, nan4, x4),
    np.where(np.arange(4) == 0, with_nan(inputs(x4)), inputs(x4)))
try:
    import pandas as pd
except ImportError:
    pass
else:
    names = ["flow", "pressure", "temp", "rpm"]
    frame = pd.DataFrame(x4, columns=names)

    def add_frame(name, model, frame):
        model.fit(frame)
        query = inputs(frame.to_numpy())
        entry = {"file": base64.b64encode(pickle.dumps(model, 5)).decode(), "X": hexadecimal(query), "names": list(frame.columns)}
        for method in ("predict", "decision_function", "score_samples"):
            out = getattr(model, method)(pd.DataFrame(query, columns=frame.columns))
            entry[method] = hexadecimal(np.asarray(out, float).reshape(-1, 1))
        models[name] = entry

    add_frame("frame_scaler", make_pipeline(StandardScaler(), svm()), frame)
    add_frame("frame_bare", forest(), frame)
    add_frame("frame_columns", make_pipeline(ColumnTransformer(
        [("s", StandardScaler(), ["temp", "flow"]), ("m", MinMaxScaler(), slice("pressure", "temp"))], remainder="passthrough"), svm()), frame)

# Files.
pipe = lambda: make_pipeline(StandardScaler(), svm())
for protocol in range(6):
    add(f"protocol_{protocol}", pipe(), x4, dump=lambda m: pickle.dumps(m, protocol))
    add(f"protocol_{protocol}_iforest", forest(n_estimators=2, max_features=2), x4, dump=lambda m: pickle.dumps(m, protocol))
try:
    import lz4.frame
    lz4 = (("lz4", 3),)
except ImportError:
    lz4 = ()
for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)) + lz4:
    add(f"joblib_{compress[0] if compress else 'plain'}", pipe(), x4, dump=lambda m: joblib_bytes(m, compress))
    add(f"joblib_{compress[0] if compress else 'plain'}_iforest", forest(n_estimators=2), x4, dump=lambda m: joblib_bytes(m, compress))

out = {"sklearn": sklearn.__version__, "numpy": np.__version__, "joblib": joblib.__version__, "models": models}
with gzip.GzipFile(f"{sys.argv[1]}/sklearn-{sklearn.__version__}.json.gz", "wb", mtime=0) as f:
    f.write(json.dumps(out, indent=0).encode())
