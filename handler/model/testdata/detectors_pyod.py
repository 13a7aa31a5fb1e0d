#!/usr/bin/env python3
"""Writes detectors of PyOD and what they give: detectors_pyod.py OUTDIR

The file is pyod-VERSION.json.gz. Of each detector: the pickle; decision_function and
predict_proba of all rows in one call; predict; and decision_function of each row alone, which
for ECOD and COPOD is not the same. The files here are of PyOD 1.0.0 (scikit-learn 1.0.2),
1.0.9 (1.2.2), 1.1.3 (1.4.2), 2.0.2 (1.5.2) and 3.6.7 (1.7.2).
"""
import base64, gzip, importlib, io, json, pickle, sys, warnings
from importlib.metadata import version

import joblib, numpy as np

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
x = np.vstack([rng.normal([20, 100, 1], [2, 10, 0.4], size=(60, 3)), rng.normal([26, 70, 2], [1, 5, 0.2], size=(20, 3))])
rows = np.round(np.vstack([rng.normal([20, 100, 1], [3, 15, 0.6], size=(14, 3)), x[:2], [[0, 0, 0], [40, 200, 5]]]), 3)
one, one_rows = x[:, :1], rows[:, :1]
cases = {}


def add(name, module, cls, x=x, rows=rows, dump=lambda m: pickle.dumps(m, protocol=4), **parameters):
    try:
        detector = getattr(importlib.import_module("pyod.models." + module), cls)(**parameters)
        np.random.seed(0)
        file = dump(detector.fit(x))
        numbers = lambda v: [None if f != f else float(f) for f in np.ravel(v)]
        cases[name] = {"file": base64.b64encode(file).decode(), "rows": rows.tolist(), "decision_function": numbers(detector.decision_function(rows)), "predict": numbers(detector.predict(rows)),
                       "predict_proba": numbers(detector.predict_proba(rows)[:, 1]), "alone": numbers([detector.decision_function(r[None, :]) for r in rows])}
    except (ImportError, TypeError, IndexError) as e:
        print(name, "does not work in this version:", e)



def compressed(m):
    b = io.BytesIO()
    joblib.dump(m, b, compress=3)
    return b.getvalue()


add("iforest", "iforest", "IForest", n_estimators=5, max_samples=16, random_state=0)
add("iforest_joblib", "iforest", "IForest", n_estimators=5, max_samples=16, random_state=0, contamination=0.2, dump=compressed)
add("ocsvm", "ocsvm", "OCSVM")
add("ocsvm_linear", "ocsvm", "OCSVM", kernel="linear", nu=0.2)
add("lof", "lof", "LOF", n_neighbors=7)
add("knn", "knn", "KNN")
add("knn_mean", "knn", "KNN", method="mean", n_neighbors=4, metric="manhattan")
add("knn_median", "knn", "KNN", method="median", n_neighbors=4)
add("hbos", "hbos", "HBOS")
add("hbos_auto", "hbos", "HBOS", n_bins="auto", tol=0.1, alpha=0.3)
add("hbos_one", "hbos", "HBOS", x=one, rows=one_rows)
add("ecod", "ecod", "ECOD")
add("ecod_two_jobs", "ecod", "ECOD", n_jobs=2)
add("ecod_one", "ecod", "ECOD", x=one, rows=one_rows)
add("ecod_constant", "ecod", "ECOD", x=np.hstack([x, np.full((80, 1), 7.0)]), rows=np.hstack([rows, np.full((len(rows), 1), 7.0)]))
add("copod", "copod", "COPOD")
add("pca", "pca", "PCA")
add("pca_plain", "pca", "PCA", standardization=False, weighted=False, n_selected_components=2)
add("mcd", "mcd", "MCD", random_state=0)
add("gmm", "gmm", "GMM", n_components=2, random_state=0)
add("kde", "kde", "KDE", bandwidth=2.0)
add("cblof", "cblof", "CBLOF", n_clusters=4, random_state=0, alpha=0.7)
add("cblof_weights", "cblof", "CBLOF", n_clusters=5, random_state=0, use_weights=True, beta=2, alpha=0.6)
add("inne", "inne", "INNE", n_estimators=12, max_samples=8, random_state=0)
add("loda", "loda", "LODA", n_random_cuts=12)
add("loda_auto", "loda", "LODA", n_random_cuts=12, n_bins="auto")
add("abod", "abod", "ABOD", n_neighbors=6)
add("abod_default", "abod", "ABOD", method="default", x=x[::2])

with gzip.GzipFile(f"{sys.argv[1]}/pyod-{version('pyod')}.json.gz", "w", mtime=0) as f:
    f.write(json.dumps({"pyod": version("pyod"), "scikit_learn": version("scikit-learn"), "models": cases}).encode())
