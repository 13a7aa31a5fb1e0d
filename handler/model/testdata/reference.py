#!/usr/bin/env python3
"""Writes data and models in the form of the reference architecture: reference.py OUTDIR

That is Microsoft/AMLBatchScoringPipeline: sensor_data.csv has the columns TS,
Device, Sensor and Value; models/model_{device}_{sensor} are pickles of a Pipeline
of a StandardScaler and a OneClassSVM, written by scikit-learn 0.19. The numbers
here are our own. truth/preds_{device}_{sensor}.csv says what scikit-learn gives
for each reading: Prediction, 1 for an anomaly, and Decision, which is
decision_function in the shortest form that reads back to the same float64.

The folder reference beside this script is of Python 3.6, scikit-learn 0.19.2,
numpy 1.13.3, scipy 1.0.0 and glibc 2.36.
"""
import csv, os, pickle, sys
from datetime import datetime, timedelta

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

assert sklearn.__version__.startswith("0.19."), sklearn.__version__
out = sys.argv[1]
for folder in ("models", "truth"):
    os.makedirs(os.path.join(out, folder), exist_ok=True)
rng = np.random.RandomState(2018)
RANGES = {"1": (10, 15), "2": (30, 40), "3": (60, 65), "4": (80, 85), "5": (100, 110)}
TRUTH = ["TS", "Device", "Sensor", "Val", "Prediction", "Decision"]

readings = []  # time, device, sensor, value
at = datetime(2018, 8, 28, 23)
for _ in range(200):
    at += timedelta(seconds=5)
    for device in ("1", "2"):
        for sensor in rng.permutation(sorted(RANGES))[: rng.randint(1, 6)]:
            low, high = RANGES[sensor]
            readings.append((at.strftime("%Y-%m-%d %H:%M:%S.000"), device, str(sensor), round(rng.uniform(low, high), 2)))
with open(os.path.join(out, "sensor_data.csv"), "w") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["TS", "Device", "Sensor", "Value"])
    w.writerows(readings)

for device in ("1", "2"):
    for sensor, (low, high) in RANGES.items():
        train = rng.uniform(low + 0.2 * (high - low), high - 0.2 * (high - low), size=(299, 1))
        if sensor == "5":
            train[0] = train.mean()  # libsvm stops at this one support vector, and all is an anomaly, as in three models there
        # The smallest nu leaves one or two support vectors, as there.
        svm = OneClassSVM(nu=0.05 if sensor == "3" else 0.0001, gamma=0.01)
        model = Pipeline([("scaler", StandardScaler()), ("classifier", svm)]).fit(train)
        with open(os.path.join(out, "models", "model_%s_%s" % (device, sensor)), "wb") as f:
            pickle.dump(model, f)
        mine = [r for r in readings if r[1] == device and r[2] == sensor]
        x = np.array([[r[3]] for r in mine])
        with open(os.path.join(out, "truth", "preds_%s_%s.csv" % (device, sensor)), "w") as f:
            w = csv.writer(f, lineterminator="\n")
            w.writerow(TRUTH)
            for r, p, d in zip(mine, model.predict(x), model.decision_function(x).ravel()):
                w.writerow(list(r) + [1 if p == -1 else 0, repr(float(d))])
