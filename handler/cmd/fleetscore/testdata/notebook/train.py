import json, pathlib, pickle
import pandas as pd
from sklearn.ensemble import IsolationForest

FILE = {"rows": {"grid": "1min", "columns": [{"name": s, "sensor": s, "aggregate": "mean"} for s in ("temperature", "vibration")]},
        "columns": [{"name": "vibration_mean", "of": "vibration", "rolling": "10min", "aggregate": "mean", "min_periods": 5},
                    {"name": "rise", "of": "temperature", "diff": 1}]}

def features(rows):
    wide = rows.pivot(index="TS", columns="Sensor", values="Val")[["temperature", "vibration"]]
    wide = wide.resample("1min").mean()
    wide["vibration_mean"] = wide.vibration.rolling("10min", min_periods=5).mean()
    wide["rise"] = wide.temperature.diff(1)
    return wide.dropna()

readings = pd.read_csv("readings.csv", parse_dates=["TS"])
X = readings.groupby("Device")[["TS", "Sensor", "Val"]].apply(features)
model = IsolationForest(n_estimators=20, random_state=0).fit(X)

folder = pathlib.Path("models/_fleet")
folder.mkdir(parents=True, exist_ok=True)
pickle.dump(model, open(folder / "wear.pkl", "wb"), protocol=4)
(folder / "wear.features.json").write_text(json.dumps(FILE, indent=1))
X.assign(prediction=(model.predict(X) == -1).astype(int), score=model.decision_function(X)).to_csv("expected.csv")
