"""Scores each device with one model of the fleet on rolling features: what
fleetscore score is measured against.

    python windows.py fit MODELS              fits the model and writes it
    python windows.py readings.csv MODELS OUT

The features are those of MODELS/_fleet/health.features.json. OUT gets
{device}/health.csv with the columns that fleetscore writes.
"""
import json
import pathlib
import pickle
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import IsolationForest

SENSORS = ["current", "flow", "pressure", "speed", "temperature", "vibration"]
FEATURES = SENSORS + [s + "_mean" for s in SENSORS] + [s + "_std" for s in SENSORS]
FILE = {
    "rows": {"together": SENSORS},
    "columns": [{"name": s + "_" + f, "of": s, "rolling": "5min", "aggregate": f, "min_periods": 2} for f in ("mean", "std") for s in SENSORS],
    "features": FEATURES,
}


def features(readings):
    wide = readings.pivot(index="TS", columns="Sensor", values="Val")[SENSORS].dropna()
    rolling = wide.rolling("5min", min_periods=2)
    mean, std = rolling.mean().add_suffix("_mean"), rolling.std().add_suffix("_std")
    return pd.concat([wide, mean, std], axis=1)[FEATURES].dropna()


if sys.argv[1] == "fit":
    folder = pathlib.Path(sys.argv[2]) / "_fleet"
    folder.mkdir(parents=True, exist_ok=True)
    rnd = np.random.default_rng(1)
    X = pd.DataFrame(rnd.normal(20, 2, (2000, len(FEATURES))), columns=FEATURES)
    with open(folder / "health.pkl", "wb") as f:
        pickle.dump(IsolationForest(n_estimators=100, random_state=1).fit(X), f)
    (folder / "health.features.json").write_text(json.dumps(FILE))
else:
    out = pathlib.Path(sys.argv[3])
    with open(pathlib.Path(sys.argv[2]) / "_fleet" / "health.pkl", "rb") as f:
        model = pickle.load(f)
    for device, rows in pd.read_csv(sys.argv[1], parse_dates=["TS"]).groupby("Device"):
        X = features(rows)
        scores = X.assign(Device=device, Model="health", Prediction=(model.predict(X) == -1).astype(int), Score=model.decision_function(X))
        (out / device).mkdir(parents=True, exist_ok=True)
        scores.reset_index().to_csv(out / device / "health.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
print("pandas", pd.__version__, "and scikit-learn", sklearn.__version__)
