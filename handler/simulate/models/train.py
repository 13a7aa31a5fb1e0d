"""Train the sample models of the simulated fleet: one per kind of sensor.

    fleetscore simulate --csv --healthy --seed 7 --devices 4 --every 5m \
        --from 2026-01-05T00:00:00Z --to 2026-01-19T00:00:00Z > healthy.csv
    python train.py healthy.csv

It needs scikit-learn only (README.md beside says which version was used),
writes {kind}.pkl next to itself, and prints what each model learnt.
"""
import collections
import csv
import pathlib
import pickle
import sys

import numpy as np
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

# (gamma, nu). nu bounds the share of healthy readings left outside; gamma is the
# width of the kernel on scaled values: narrow enough for "current" that what lies
# between its two groups counts as outside.
PARAMETERS = {
    "current": (1.0, 0.001),
    "pressure": (0.1, 0.001),
    "temperature": (0.1, 0.001),
    "vibration": (0.1, 0.002),
}


def main(path):
    values = collections.defaultdict(list)
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            values[row["Sensor"]].append(float(row["Val"]))
    here = pathlib.Path(__file__).parent
    print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
    for kind, healthy in sorted(values.items()):
        x = np.array(healthy).reshape(-1, 1)
        gamma, nu = PARAMETERS[kind]
        # The default tolerance is too coarse for so small a nu.
        model = make_pipeline(StandardScaler(), OneClassSVM(gamma=gamma, nu=nu, tol=1e-6)).fit(x)
        (here / f"{kind}.pkl").write_bytes(pickle.dumps(model, protocol=4))
        outside = (model.predict(x) < 0).mean()
        svm = model[-1]
        print(f"{kind}: {len(x)} readings, {len(svm.support_)} support vectors, {outside:.2%} of the healthy ones outside")


main(*sys.argv[1:])
