#!/usr/bin/env python3
"""Writes golden models with what people keep around them, as estimators.py does: kept.py OUTDIR

The one here is of scikit-learn 1.7.2, numpy 2.4 and pandas 3.1.
"""
import datetime, json, lzma, pickle, random, sys, warnings

import dill, joblib, numpy as np, pandas as pd, sklearn, skops.io
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.random_projection import SparseRandomProjection
from sklearn.svm import OneClassSVM

warnings.filterwarnings("ignore")
random.seed(0)
rng = np.random.RandomState(0)
x = rng.normal(size=(40, 3)) * [1, 2, 3] + [10, 20, 30]
q = rng.normal(size=(10, 3)) * [2, 4, 6] + [10, 20, 30]
y = np.where(x[:, 0] > 10, "fault", "ok")
names = ["temp", "pressure", "rpm"]
frame = pd.DataFrame(x, columns=names)
models = {}
floats = lambda v: [[float(f).hex() for f in row] for row in np.asarray(v, float).reshape(len(v), -1)]


def keep(name, kept, **gave):
    models[name] = dict({"file": pickle.dumps(kept, 4).hex(), "X": floats(q)}, **gave)


def detector(model, rows=q):
    return {"predict": floats(model.predict(rows)), "decision_function": floats(model.decision_function(rows))}


scaler = StandardScaler().fit(x)
forest = IsolationForest(n_estimators=5, random_state=0).fit(scaler.transform(x))
svm = OneClassSVM().fit(scaler.transform(x))
piped = Pipeline([("s", StandardScaler()), ("m", OneClassSVM())], memory=joblib.Memory("cache", verbose=0))
piped.set_params(memory=None).fit(x)
piped.memory = joblib.Memory("cache", verbose=0)
keep("memory", piped, **detector(piped))
keep("array_of_dict", np.array({"scaler": scaler, "model": forest}, dtype=object), **detector(forest, scaler.transform(q)))
one = np.empty(1, dtype=object)
one[0] = piped
keep("array_of_model", one, **detector(piped))

auto = MLPRegressor(hidden_layer_sizes=(2,), random_state=0, max_iter=200).fit(scaler.transform(x), scaler.transform(x))
off = lambda rows: floats(((rows - auto.predict(rows)) ** 2).mean(axis=1))
keep("autoencoder", auto, reconstruction=off(q))
keep("autoencoder_dict", {"scaler": scaler, "autoencoder": auto, "features": names}, reconstruction=off(scaler.transform(q)))
near = NearestNeighbors(n_neighbors=3).fit(scaler.transform(x))
keep("nearest_dict", {"scaler": scaler, "nn": near}, mahalanobis=floats(near.kneighbors(scaler.transform(q))[0].mean(axis=1)))

words = ["".join(random.choice("abcdefghij") for _ in range(random.randint(2, 6))) for _ in range(4000)]
keep("many_words", {"model": svm, "scaler": scaler, "stop_words": words, "lookup": {w: i for i, w in enumerate(words)}, "rows": [[w, 1.0] for w in words]}, **detector(svm, scaler.transform(q)))
keep("what_was_used", {
    "model": svm, "scaler": scaler, "columns": frame.columns, "stats": frame.describe(), "trained": datetime.datetime(2024, 5, 1, 12), "seen": pd.Timestamp("2024-05-01"),
    "cv": StratifiedKFold(3), "means": frame.mean(), "metrics": {"f1": np.float32(0.9), "threshold_percentile": 95}, "paths": None, "sizes": (1, 2), "flags": {True, False},
}, **detector(svm, scaler.transform(q)))
# A PCA is a model where it is called one, or is the last of a tuple.
part = PCA(2).fit(scaler.transform(x))
lost = lambda rows: floats(((rows - part.inverse_transform(part.transform(rows))) ** 2).mean(axis=1))
keep("pca_model_dict", {"pca": PCA(3).fit(x), "model": part, "metrics": {"r2": 0.9}}, reconstruction=lost(PCA(3).fit(x).transform(q)))
keep("pca_tuple", (scaler, part), reconstruction=lost(scaler.transform(q)))

# The steps of an IterativeImputer are named tuples.
holed = IterativeImputer(max_iter=2, random_state=0).fit(np.where(rng.rand(*x.shape) < 0.1, np.nan, x))
filled = make_pipeline(holed, OneClassSVM().fit(x))
some = np.where(rng.rand(*q.shape) < 0.2, np.nan, q)
for name, dumps in ("protocol_0", lambda m: pickle.dumps(m, 0)), ("protocol_1", lambda m: pickle.dumps(m, 1)), ("dill", dill.dumps):
    models["named_tuples_" + name] = dict({"file": dumps(filled).hex(), "X": floats(some)}, **detector(filled, some))

# Sparse matrices of SciPy, in a file of skops.
for name, model in [
    ("sparse_vectors", make_pipeline(KBinsDiscretizer(3, encode="onehot", strategy="uniform"), OneClassSVM(kernel="linear"))),
    ("sparse_components", make_pipeline(SparseRandomProjection(2, random_state=0), OneClassSVM())),
]:
    keep(name, model.fit(x), **detector(model))
    models[name]["skops"] = skops.io.dumps(model).hex()

split = make_pipeline(ColumnTransformer([("a", StandardScaler(), frame.columns[:2]), ("b", MinMaxScaler(), pd.Index(["rpm"]))]), RandomForestClassifier(4, random_state=0)).fit(frame, y)
asked = pd.DataFrame(q, columns=names)
keep("index_columns", split, classes=list(split.classes_), predict=list(split.predict(asked)), predict_proba=floats(split.predict_proba(asked)))

with lzma.open("%s/kept-%s.json.xz" % (sys.argv[1], sklearn.__version__), "wb") as f:
    f.write(json.dumps({"models": models}, indent=0, sort_keys=True).encode())
