#!/usr/bin/env python3
"""Writes golden models of imbalanced-learn, as estimators.py does: imbalanced.py OUTDIR

The one here is of imbalanced-learn 0.14.2 with scikit-learn 1.7.2.
"""
import json, lzma, pickle, sys, warnings

import imblearn, numpy as np
from imblearn import FunctionSampler
from imblearn.combine import SMOTETomek
from imblearn.ensemble import BalancedBaggingClassifier, BalancedRandomForestClassifier, EasyEnsembleClassifier, RUSBoostClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler, TomekLinks
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
x = rng.normal(size=(80, 3)) * [1, 2, 3]
y = np.where(x[:, 0] + 0.3 * x[:, 1] > 1.2, "fault", "ok")
q = rng.normal(size=(12, 3)) * [1, 2, 3]
models = {}
floats = lambda v: [[float(f).hex() for f in row] for row in np.asarray(v, float).reshape(len(v), -1)]
few = dict(n_estimators=3, random_state=0)
forest = RandomForestClassifier(max_depth=3, **few)
for name, model in {
    "forest_smote": make_pipeline(StandardScaler(), SMOTE(random_state=0, k_neighbors=3), forest),
    "forest_random": make_pipeline(RandomOverSampler(random_state=0), RandomUnderSampler(random_state=0), forest),
    "forest_combined": make_pipeline(StandardScaler(), SMOTETomek(random_state=0), FunctionSampler(), forest),
    "grid_tomek": GridSearchCV(make_pipeline(StandardScaler(), TomekLinks(), SVC()), {"svc__C": [1, 2]}, cv=3),
    "logistic_smote": make_pipeline(SMOTE(random_state=0, k_neighbors=3), LogisticRegression()),
    "forest_balanced": BalancedRandomForestClassifier(max_depth=3, **few),
    "bagging_balanced": BalancedBaggingClassifier(**few),
    "easy_ensemble": EasyEnsembleClassifier(**few),
    "rus_boost": RUSBoostClassifier(**few),
}.items():
    model.fit(x, y)
    entry = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "classes": [str(c) for c in model.classes_], "predict": [str(c) for c in model.predict(q)]}
    for method in ("predict_proba", "decision_function"):
        if hasattr(model, method) and (method != "decision_function" or name != "bagging_balanced"):
            entry[method] = floats(getattr(model, method)(q))
    models[name] = entry

with lzma.open("%s/imblearn-%s.json.xz" % (sys.argv[1], imblearn.__version__), "wb") as f:
    f.write(json.dumps({"models": models}, indent=0, sort_keys=True).encode())
