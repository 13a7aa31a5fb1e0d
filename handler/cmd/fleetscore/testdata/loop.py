"""Scores each sensor's readings with its own model: the loop that fleetscore score
is measured against.

    python loop.py readings.csv MODELS OUT

MODELS has {device}/{sensor}.pkl. OUT gets {device}/{sensor}.csv with the columns
that fleetscore writes. The loop prints its versions.
"""
import pathlib
import pickle
import sys
import warnings

import pandas as pd
import sklearn

warnings.filterwarnings("ignore")  # the models are of another version
data, models, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

readings = pd.read_csv(data, parse_dates=["TS"])
for (device, sensor), rows in readings.groupby(["Device", "Sensor"]):
    with open(models / device / (sensor + ".pkl"), "rb") as f:
        model = pickle.load(f)
    rows = rows.sort_values("TS")
    X = rows[["Val"]].to_numpy()
    rows = rows.assign(Prediction=(model.predict(X) == -1).astype(int), Score=model.decision_function(X))
    (out / device).mkdir(parents=True, exist_ok=True)
    rows.to_csv(out / device / (sensor + ".csv"), index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
print("pandas", pd.__version__, "and scikit-learn", sklearn.__version__)
