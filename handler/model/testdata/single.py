#!/usr/bin/env python3
"""Writes golden models that were fitted on float32, as estimators.py does: single.py OUTDIR

The ones here are of scikit-learn 1.7.2 and 1.9.1, with numpy 2.5 on a processor with AVX-512: OpenBLAS adds float32
in another order with AVX2.
"""
import json, lzma, pickle, sys, warnings

import numpy as np, sklearn
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.compose import TransformedTargetRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
models = {}
floats = lambda v: [[float(f).hex() for f in row] for row in np.asarray(v, float).reshape(len(v), -1)]
for width in 2, 4, 9:
    group = rng.randint(0, 3, size=90)
    x = (rng.normal(size=(90, width)) * np.arange(1, width + 1) + 10 * group[:, None]).astype(np.float32)
    q = rng.normal(size=(12, width)) * np.arange(1, width + 1) + 20 * rng.rand(12, 1)
    for kind in GaussianMixture, BayesianGaussianMixture:
        for shape in ("full", "tied", "diag", "spherical") if kind is GaussianMixture or width == 4 else ():
            model = kind(n_components=3, covariance_type=shape, random_state=0).fit(x)
            models["%s_%s_%d" % (kind.__name__, shape, width)] = {"file": pickle.dumps(model, 4).hex(), "X": floats(q),
                "predict": floats(model.predict(q)), "predict_proba": floats(model.predict_proba(q)), "score_samples": floats(model.score_samples(q))}
    model = GaussianNB().fit(x, group)
    models["GaussianNB_%d" % width] = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "classes": ["0", "1", "2"],
        "predict": [str(c) for c in model.predict(q)], "predict_proba": floats(model.predict_proba(q))}
value = (100 + x.sum(axis=1) + rng.normal(size=90)).astype(np.float32)  # of 9 columns
for name, model in [
    ("nearest", KNeighborsRegressor()),
    ("nearest_20", KNeighborsRegressor(20)),
    ("nearest_distance", KNeighborsRegressor(weights="distance")),
    ("radius", RadiusNeighborsRegressor(60)),
    ("nearest_target", TransformedTargetRegressor(KNeighborsRegressor(), transformer=StandardScaler())),
]:
    model.fit(x, value)
    models[name] = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "predict": floats(model.predict(q))}

with lzma.open("%s/single-%s.json.xz" % (sys.argv[1], sklearn.__version__), "wb") as f:
    f.write(json.dumps({"models": models}, indent=0, sort_keys=True).encode())
