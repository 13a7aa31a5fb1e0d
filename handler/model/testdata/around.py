#!/usr/bin/env python3
"""Writes golden models of scikit-learn around those of XGBoost and LightGBM, as estimators.py does: around.py OUTDIR

The one here is of scikit-learn 1.7.2, XGBoost 3.2.0 and LightGBM 4.7.0.
"""
import json, lzma, pickle, sys, warnings

import numpy as np, sklearn
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
x = rng.normal(size=(80, 3)) * [1, 2, 3]
y = np.where(x[:, 0] + 0.3 * x[:, 1] > 0.5, "fault", "ok")
y3 = np.digitize(x[:, 0] + 0.3 * x[:, 1], [-0.5, 0.5])
q = rng.normal(size=(12, 3)) * [1, 2, 3]
models = {}
floats = lambda v: [[float(f).hex() for f in row] for row in np.asarray(v, float).reshape(len(v), -1)]
light = LGBMClassifier(n_estimators=4, min_child_samples=5, verbose=-1)
codes = (y == "ok").astype(int)
for name, model, y in [
    ("calibrated_sigmoid", CalibratedClassifierCV(XGBClassifier(n_estimators=4, max_depth=2), cv=3), codes),
    ("calibrated_isotonic", CalibratedClassifierCV(light, method="isotonic", cv=3), y),
    ("calibrated_pipeline", CalibratedClassifierCV(make_pipeline(StandardScaler(), light), cv=3), y3),
    ("rest", OneVsRestClassifier(light), y3),
    ("pairs", OneVsOneClassifier(light), y3),
    ("forest_of_boosters", BaggingClassifier(light, n_estimators=2, random_state=0), y),
]:
    model.fit(x, y)
    entry = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "classes": [str(c) for c in model.classes_], "predict": [str(c) for c in model.predict(q)]}
    for method in ("predict_proba", "decision_function"):
        try:
            entry[method] = floats(getattr(model, method)(q))
        except AttributeError:
            pass
    models[name] = entry

with lzma.open("%s/around-%s.json.xz" % (sys.argv[1], sklearn.__version__), "wb") as f:
    f.write(json.dumps({"models": models}, indent=0, sort_keys=True).encode())
