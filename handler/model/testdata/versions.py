#!/usr/bin/env python3
"""Writes golden models of any scikit-learn from 0.19 on: versions.py OUTDIR

Fits fewer models than golden.py, of each estimator and transformer that the
scikit-learn that runs it has, and writes OUTDIR/sklearn-VERSION.json.gz in the
same form. Beside this script are those of 0.19.2, 0.20.4, 0.21.3, 0.22.2,
0.23.2, 0.24.2, 1.0.2, 1.3.2, 1.6.1, 1.7.2 and 1.8.0, on Python 3.6 to 3.13 with
numpy 1.14 to 2.5 and joblib 0.11 to 1.6.
"""
import base64, gzip, json, os, pickle, sys, tempfile, warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn import preprocessing
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.kernel_approximation import Nystroem
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer, MaxAbsScaler, MinMaxScaler, Normalizer, QuantileTransformer, RobustScaler, StandardScaler)
from sklearn.svm import OneClassSVM

try:
    import joblib
except ImportError:
    from sklearn.externals import joblib

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in sklearn.__version__.split(".")[:2])
rng = np.random.RandomState(0)
x1, x4 = rng.normal(size=(40, 1)) + 3, rng.normal(size=(40, 4)) * [1, 2, 3, 4] + [0, 2, 4, 6]
p4 = np.abs(x4) + 0.1
nan4 = x4.copy()
nan4[::7, 0] = np.nan
models = {}


def add(name, model, x, query=None, dump=lambda m: pickle.dumps(m, 2)):
    """Fits model to x and keeps what it gives for some rows like x, and others far away."""
    model.fit(x)
    if query is None:
        query = np.vstack([x[:8], x[:6] + 5 * rng.normal(size=x[:6].shape)])
    entry = {"file": base64.b64encode(dump(model)).decode(), "X": hexadecimal(np.asarray(query))}
    if hasattr(x, "columns"):
        entry["names"] = list(x.columns)
    for method in ("predict", "decision_function", "score_samples"):
        if hasattr(model, method):
            entry[method] = hexadecimal(np.asarray(getattr(model, method)(query.copy()), float).reshape(-1, 1))
    models[name] = entry


def hexadecimal(rows):
    return [[float(v).hex() for v in row] for row in rows]


def joblib_bytes(model, compress, mmap=False):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        joblib.dump(model, path, compress=compress)
        if mmap:
            return pickle.dumps(joblib.load(path, mmap_mode="r"), 2)
        with open(path, "rb") as f:
            return f.read()


def svm(**kw):
    return OneClassSVM(**dict(dict(nu=0.2, gamma=0.1), **kw))


def forest(**kw):
    if VERSION < (0, 22) and VERSION >= (0, 20):
        kw["behaviour"] = "new"
    return IsolationForest(**dict(dict(n_estimators=4, max_samples=16, random_state=0, contamination=0.1), **kw))


for kernel in ("rbf", "linear", "poly", "sigmoid"):
    add("ocsvm_" + kernel, make_pipeline(StandardScaler(), svm(kernel=kernel, coef0=0.5)), x4)
add("ocsvm_one_vector", svm(nu=0.05), np.full((20, 1), 3.0), np.array([[3.0], [3.1], [2.0]]))
add("iforest", forest(), x4)
add("iforest_subset", forest(max_features=0.5, bootstrap=True, n_estimators=10), x4)
add("iforest_one_tree", forest(n_estimators=1), x4)
rounded = np.round(x1 * 2)
add("iforest_ties", forest(n_estimators=20, contamination=0.2), rounded, rounded)
add("elliptic", EllipticEnvelope(random_state=0), x4)
add("elliptic_no_precision", EllipticEnvelope(random_state=0, store_precision=False), x4)
if VERSION >= (0, 20):
    add("iforest_auto", forest(contamination="auto"), x4)
    for algorithm in ("brute", "kd_tree", "ball_tree"):
        add("lof_" + algorithm, LocalOutlierFactor(novelty=True, n_neighbors=5, algorithm=algorithm, contamination=0.1), x4)
        coarse = np.round(x4[:, :2])
        for metric in ("euclidean", "manhattan", "chebyshev"):
            if algorithm != "brute":
                lof = LocalOutlierFactor(novelty=True, n_neighbors=5, algorithm=algorithm, leaf_size=4, metric=metric, contamination=0.1)
                add("lof_ties_%s_%s" % (algorithm, metric), lof, coarse, coarse)
    for metric in ("manhattan", "chebyshev"):
        add("lof_" + metric, LocalOutlierFactor(novelty=True, n_neighbors=5, metric=metric, contamination=0.1), x4)
    add("lof_p3", LocalOutlierFactor(novelty=True, n_neighbors=5, p=3, contamination=0.1), x4)
if VERSION >= (1, 0):
    from sklearn.linear_model import SGDOneClassSVM

    add("sgd", SGDOneClassSVM(random_state=0), x4)
    add("sgd_average", SGDOneClassSVM(random_state=0, average=True), x4)
if VERSION >= (1, 6):
    for name, x in ("nan", nan4), ("nan_only_to_score", x4):
        query = nan4[:16].copy()
        query[3], query[5, 2], query[6, 1] = np.nan, np.inf, -1e300
        add("iforest_" + name, forest(n_estimators=8, contamination=0.2), x, query)

transformers = [
    ("standard", StandardScaler(), x4), ("minmax", MinMaxScaler((-1, 2)), x4), ("robust", RobustScaler(), x4), ("maxabs", MaxAbsScaler(), x4),
    ("constant", StandardScaler(), np.hstack([x1, np.full((40, 1), 7.0)])),
    ("normalizer_l1", Normalizer("l1"), x4), ("normalizer_l2", Normalizer(), x4), ("normalizer_max", Normalizer("max"), p4),
    ("quantile", QuantileTransformer(n_quantiles=10), x4), ("quantile_normal", QuantileTransformer(n_quantiles=10, output_distribution="normal"), x4),
    ("pca", PCA(2), x4), ("pca_whiten", PCA(3, whiten=True), x4),
    ("nystroem", Nystroem(n_components=5, random_state=0, gamma=0.1), x4), ("nystroem_cosine", Nystroem("cosine", n_components=4, random_state=0), x4),
    ("log1p", FunctionTransformer(np.log1p, validate=True), p4), ("none", None if VERSION < (0, 21) else "passthrough", x4),
    ("nested", Pipeline([("inner", make_pipeline(StandardScaler(), PCA(2)))]), x4),
]
if hasattr(preprocessing, "PowerTransformer"):
    transformers += [("power_box", preprocessing.PowerTransformer("box-cox"), p4), ("power_yeo", preprocessing.PowerTransformer(), x4)]
for name, t, x in transformers:
    add("t_" + name, Pipeline([("t", t), ("clf", svm())]), x, x[:10])
if VERSION >= (0, 20):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer

    for strategy in ("mean", "median", "most_frequent", "constant"):
        add("imputer_" + strategy, make_pipeline(SimpleImputer(strategy=strategy), svm()), nan4, nan4[:10])
    for name, columns in ("list", [2, 0]), ("slice", slice(1, 3)), ("mask", [True, False, True, False]):
        t = ColumnTransformer([("s", StandardScaler(), columns), ("m", MinMaxScaler(), [1])], remainder="passthrough")
        add("columns_" + name, make_pipeline(t, svm()), x4)

    frame = pd.DataFrame(x4, columns=list("abcd"))
    for name, columns in ("names", ["c", "a"]), ("names_slice", slice("b", "c")):
        if VERSION >= (0, 22):
            t = ColumnTransformer([("s", StandardScaler(), columns), ("m", MinMaxScaler(), ["b"])], remainder="passthrough")
            add("columns_" + name, make_pipeline(t, svm()), frame, frame[:10])
    inner = ColumnTransformer([("i", StandardScaler(), ["a"])], remainder="passthrough")
    if VERSION >= (0, 22):
        add("columns_inside", make_pipeline(ColumnTransformer([("o", inner, ["c", "a"])]), svm()), frame, frame[:10])

add("t_normalizer_max_below_0", Pipeline([("t", Normalizer("max")), ("clf", svm())]), -p4, -p4[:10])
two = x4[:, :2].astype(np.float32)
for name, t in ("pca", PCA(2)), ("pca_whiten", PCA(2, whiten=True)):
    add("float32_" + name, Pipeline([("t", t), ("clf", svm())]), two, two[:10].astype(float))
if hasattr(preprocessing, "PowerTransformer"):
    add("float32_power", Pipeline([("t", preprocessing.PowerTransformer()), ("clf", svm())]), two, two[:10].astype(float) - 3)

for module in ("cloudpickle", "dill"):
    try:
        dumps = __import__(module).dumps
    except ImportError:
        continue
    add("written_by_" + module, make_pipeline(ColumnTransformer([("s", StandardScaler(), slice(1, 3))]), forest(n_estimators=1)), x4, dump=dumps)
try:
    import lz4.frame

    add("joblib_lz4", make_pipeline(StandardScaler(), forest(n_estimators=1)), x4, dump=lambda m: joblib_bytes(m, ("lz4", 3)))
except ImportError:
    pass
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    add("protocol_%d" % protocol, make_pipeline(StandardScaler(), forest(n_estimators=1)), x4, dump=lambda m: pickle.dumps(m, protocol))
for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)):
    add("joblib_%s" % (compress[0] if compress else "plain"), make_pipeline(StandardScaler(), forest(n_estimators=1)), x4, dump=lambda m: joblib_bytes(m, compress))
add("memory_mapped", make_pipeline(StandardScaler(), svm()), x4, dump=lambda m: joblib_bytes(m, 0, mmap=True))

out = {"sklearn": sklearn.__version__, "numpy": np.__version__, "joblib": joblib.__version__, "models": models}
with gzip.GzipFile("%s/sklearn-%s.json.gz" % (sys.argv[1], sklearn.__version__), "wb", mtime=0) as f:
    f.write(json.dumps(out, indent=0, sort_keys=True).encode())
