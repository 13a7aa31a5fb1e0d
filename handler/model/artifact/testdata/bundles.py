"""Writes dicts, tuples and lists of a scaler and a model, and what they give together: bundles.py OUT.json"""
import base64, json, pickle, sys
import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

rng = np.random.RandomState(0)
x = rng.normal(5, 3, size=(60, 2))
rows = np.round(rng.normal(5, 4, size=(10, 2)), 3)
scaler = StandardScaler().fit(x)
pca = PCA(n_components=1).fit(scaler.transform(x))
model = IsolationForest(n_estimators=3, max_samples=16, random_state=0).fit(scaler.transform(x))
last = IsolationForest(n_estimators=3, max_samples=16, random_state=0).fit(pca.transform(scaler.transform(x)))
one = model.decision_function(scaler.transform(rows)).tolist()
two = last.decision_function(pca.transform(scaler.transform(rows))).tolist()
bundles = [
    ("dict", {"model": model, "scaler": scaler, "features": ["a", "b"]}, one),
    ("tuple", (scaler, model), one),
    ("reversed tuple", (model, scaler), one),
    ("list", [scaler, model], one),
    ("dict of three", {"pca": pca, "clf": last, "scaler": scaler}, two),
    ("tuple of three", (scaler, pca, last), two),
    ("two models", {"a": model, "b": model}, None),
    ("no model", {"scaler": scaler, "pca": pca}, None),
    ("in doubt", {"one": scaler, "two": pca, "model": last}, None),
    ("reversed tuple in doubt", (last, pca, scaler), None),
]
json.dump([{"name": n, "file": base64.b64encode(pickle.dumps(b, protocol=4)).decode(), "rows": rows.tolist(), "decision_function": d}
           for n, b, d in bundles], open(sys.argv[1], "w"))
