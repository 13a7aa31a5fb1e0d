"""Writes skops files, with what scikit-learn gives for some rows: skops_files.py OUT.json

Run with skops 0.6, 0.9 and the newest; each file is named for its version.
"""
import base64, json, sys
import numpy as np
import skops, sklearn
from skops import io
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

rng = np.random.RandomState(0)
x = rng.normal(size=(60, 2))
rows = np.round(rng.normal(scale=1.5, size=(10, 2)), 3)
models = {
    "pipeline": make_pipeline(StandardScaler(), OneClassSVM(nu=0.1, gamma=0.5)),
    "iforest": IsolationForest(n_estimators=3, max_samples=16, random_state=0),
    "lof": LocalOutlierFactor(n_neighbors=5, novelty=True),
}
out = []
for name, model in models.items():
    model.fit(x)
    out.append({
        "name": name, "skops": skops.__version__, "scikit_learn": sklearn.__version__,
        "file": base64.b64encode(io.dumps(model)).decode(),
        "rows": rows.tolist(), "predict": model.predict(rows).tolist(),
        "decision_function": model.decision_function(rows).tolist(),
    })
json.dump(out, open(sys.argv[1], "w"))
