#!/usr/bin/env python3
"""Writes dummies.json: dummies.py OUTDIR

DummyClassifier does not say how many columns it takes. Each case is a pickle with what is kept beside one, and
either how many columns that makes, or words that the reason for refusing it has to have.
The one here is of scikit-learn 0.22.2.
"""
import base64, json, pickle, sys

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

x = np.random.RandomState(0).normal(size=(20, 3))
y = ["ok", "fault"] * 8 + ["ok"] * 4
names = ["temp", "pressure", "rpm"]
model = DummyClassifier(strategy="prior").fit(x, y)
cases = {}


def add(name, kept, columns=0, words=()):
    cases[name] = {"file": base64.b64encode(pickle.dumps(kept, 4)).decode(), "columns": columns, "words": words}


add("pipeline", make_pipeline(StandardScaler(), DummyClassifier(strategy="prior")).fit(x, y), 3)
add("dict", {"model": model, "features": names}, 3)
add("two_lists", {"model": model, "features": names, "columns": names}, 3)
add("tuple", (model, names), 3)
add("alone", model, words=["DummyClassifier", "how many features", "'features': [...]"])
add("two_lengths", {"model": model, "features": names, "columns": names + ["state"]}, words=["several lengths", "\"features\" only"])

with open("%s/dummies.json" % sys.argv[1], "w") as f:
    json.dump({"cases": cases, "probabilities": model.predict_proba(x[:1])[0].tolist()}, f, indent=0)
