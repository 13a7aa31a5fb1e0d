#!/usr/bin/env python3
"""Writes golden models with what people keep around them, as estimators.py does: kept.py OUTDIR

The one here is of scikit-learn 1.7.2, numpy 2.4 and pandas 3.1.
"""
import datetime, json, lzma, pickle, random, sys, warnings

import joblib, numpy as np, pandas as pd, sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
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
split = make_pipeline(ColumnTransformer([("a", StandardScaler(), frame.columns[:2]), ("b", MinMaxScaler(), pd.Index(["rpm"]))]), RandomForestClassifier(4, random_state=0)).fit(frame, y)
asked = pd.DataFrame(q, columns=names)
keep("index_columns", split, classes=list(split.classes_), predict=list(split.predict(asked)), predict_proba=floats(split.predict_proba(asked)))

with lzma.open("%s/kept-%s.json.xz" % (sys.argv[1], sklearn.__version__), "wb") as f:
    f.write(json.dumps({"models": models}, indent=0, sort_keys=True).encode())
