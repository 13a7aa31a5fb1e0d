"""Writes a regressor and a classifier of small numbers, and what they say of a few
rows: kinds.json. Run it in this folder with scikit-learn.
"""
import json
import pickle

import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

X = pd.DataFrame({"speed": [1.0, 2, 3, 4, 5, 6], "load": [2.0, 1, 4, 3, 6, 5]})
regressor = LinearRegression().fit(X, 3 * X.speed + 0.5 * X.load + [0.1, -0.1, 0.05, 0, -0.05, 0])
classifier = LogisticRegression().fit(X, ["ok", "ok", "ok", "worn", "worn", "worn"])
for name, model in (("regressor", regressor), ("classifier", classifier)):
    with open(name + ".pkl", "wb") as f:
        pickle.dump(model, f, protocol=4)

rows = pd.DataFrame({"speed": [1.5, 4.5], "load": [2.0, 7.0]})
with open("kinds.json", "w") as f:
    json.dump({
        "regressor": regressor.predict(rows).tolist(),
        "classifier": classifier.predict(rows).tolist(),
        "probabilities": classifier.predict_proba(rows).tolist(),
    }, f)
