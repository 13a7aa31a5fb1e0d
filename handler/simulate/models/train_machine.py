"""Train the device model of the simulated fleet: one for every machine, over all of its sensors.

    fleetscore simulate --csv --healthy --seed 7 --devices 4 --every 10s \
        --from 2026-01-05T00:00:00Z --to 2026-01-12T00:00:00Z > healthy.csv
    fleetscore features healthy.csv --features machine.features.json -o rows.csv
    python train_machine.py rows.csv

It trains on the very rows that are scored later. It needs pandas and scikit-learn
(README.md beside says which versions were used), writes machine.pkl next to itself,
and prints what the model learnt.
"""
import pathlib
import pickle
import sys

import pandas as pd
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM


def main(path):
    rows = pd.read_csv(path, index_col=["TS", "Device"])
    # A third of the rows is enough, and keeps the support vectors few.
    model = make_pipeline(StandardScaler(), OneClassSVM(gamma=0.5, nu=0.0005, tol=1e-6)).fit(rows.iloc[::3])
    here = pathlib.Path(__file__).parent
    (here / "machine.pkl").write_bytes(pickle.dumps(model, protocol=4))
    outside = (model.predict(rows) < 0).mean()
    print("scikit-learn", sklearn.__version__, "pandas", pd.__version__)
    print(f"machine: {len(rows)} rows, {len(model[-1].support_)} support vectors, {outside:.2%} of the healthy ones outside")


main(*sys.argv[1:])
